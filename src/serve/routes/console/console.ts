/**
 * `/console`: one page over the API that this server serves. Its files are read at start, and nothing of it is loaded from
 * anywhere else. The page holds no data, so that whoever has a key can come to where it is typed in.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { OPEN } from '../../access/route-access.ts';
import { findNamedOrRefuse } from '../../lookup.ts';

const FOLDER = join(import.meta.dirname, '../../console');
const PAGE = 'index.html';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface ConsoleFile {
  readonly type: string;
  readonly content: Buffer;
}

export function registerConsole(app: FastifyInstance): void {
  const files = new Map(
    readdirSync(FOLDER).flatMap((name): (readonly [string, ConsoleFile])[] => {
      const type = TYPES[extname(name)];
      return type === undefined ? [] : [[name, { type, content: readFileSync(join(FOLDER, name)) }]];
    }),
  );
  const options = { schema: { hide: true }, config: { access: OPEN } };
  const send = (reply: FastifyReply, name: string): FastifyReply => {
    const { type, content } = findNamedOrRefuse(files, name, 'file');
    return reply
      .headers({
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      })
      .type(type)
      .send(content);
  };
  app.get('/console', options, (_request, reply) => send(reply, PAGE));
  app.get<{ Params: { file: string } }>('/console/:file', options, (request, reply) =>
    send(reply, request.params.file),
  );
}
