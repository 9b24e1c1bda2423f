/** How bodies are read: JSON only, and never with a name that could reach a prototype. */
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../core/errors.ts';
import { RequestError, item } from './problem.ts';

export function installJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    void parse(request, body as string, (error, value) => {
      if (error === null) done(null, value);
      else done(explain(body as string), undefined);
    });
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
