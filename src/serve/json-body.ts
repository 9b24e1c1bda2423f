/** How bodies are read: JSON only, and never with a name that could reach a prototype. */
import type { FastifyBodyParser, FastifyInstance, FastifyRequest } from 'fastify';
import { messageOf } from '../core/errors.ts';
import { RequestError, item } from './problem.ts';

/** What a body is known to say without being parsed: it was sound when it was learned, and is not validated again. */
export abstract class KnownBody {
  abstract readonly asked: object;
}

export interface JsonBodies {
  /** Null: the body must be parsed. */
  readonly recognize?: (request: FastifyRequest, body: string) => KnownBody | null;
  /** What is made of a body that is sound. */
  readonly reread: (body: string, value: unknown) => unknown;
  /** Whether a body that does not say its type is read, too. */
  readonly untyped: boolean;
}

export const PLAIN_BODIES: JsonBodies = { reread: (_body, value) => value, untyped: false };

export function installJsonBodies(
  app: FastifyInstance,
  { recognize, reread, untyped }: JsonBodies = PLAIN_BODIES,
): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  const read: FastifyBodyParser<string> = (request, body, done) => {
    const known = recognize?.(request, body) ?? null;
    if (known !== null) {
      done(null, known);
      return;
    }
    void parse(request, body, (error, value) => {
      if (error === null) done(null, reread(body, value));
      else done(explain(body), undefined);
    });
  };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, read);
  if (!untyped) return;
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, body, done) => {
    if (request.headers['content-type'] === undefined) read(request, body, done);
    else
      done(
        new RequestError(415, [
          item('unsupported_media_type', null, 'send the body as content-type: application/json'),
        ]),
      );
  });
}

/** The parser refuses malformed text and dangerous names alike; which it was, a second look says. */
function explain(body: string): Error {
  if (body.trim() === '') return new RequestError(400, [item('malformed_json', null, 'the body is empty')]);
  try {
    JSON.parse(body);
  } catch (syntax) {
    return new RequestError(400, [item('malformed_json', null, `the body is not JSON: ${messageOf(syntax)}`)]);
  }
  const message = 'the body holds a forbidden name: __proto__, or constructor with prototype';
  return new RequestError(400, [item('forbidden_property', null, message)]);
}
