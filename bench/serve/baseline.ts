/**
 * What `serve` is measured against, a process of its own: Fastify and ioredis as one would write it by hand.
 * `POST /constant/<name>` parses the request and sends a text that was ready at start. `POST /packed` reads one value of packed
 * doubles for each row, in one MGET, and makes JSON of them: no windows, no statuses, no position, no check of the request.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fastify, { type FastifyReply } from 'fastify';
import { Redis } from 'ioredis';
import type { Body } from './requests.ts';

export interface BaselineConfig {
  readonly redisUrl: string;
  /** By name. */
  readonly constants: Readonly<Record<string, string>>;
  /** What an answer of `serve` says before its vectors. */
  readonly head: Readonly<Record<string, unknown>>;
}

export const PACKED_PREFIX = 'packed:';

async function serveBaseline({ redisUrl, constants, head }: BaselineConfig): Promise<void> {
  const redis = new Redis(redisUrl);
  const app = fastify();
  const send = (reply: FastifyReply, text: string): FastifyReply =>
    reply.header('content-type', 'application/json; charset=utf-8').send(text);
  for (const [name, text] of Object.entries(constants)) {
    app.post(`/constant/${name}`, (_request, reply) => send(reply, text));
  }
  app.post<{ Body: Body }>('/packed', async (request, reply) => {
    const keys = request.body.entities.map(({ card }) => PACKED_PREFIX + card);
    const packed = await redis.mgetBuffer(keys);
    return send(reply, JSON.stringify({ ...head, vectors: packed.map((bytes) => ({ values: unpack(bytes) })) }));
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  process.stdout.write(`listens on ${url}\n`);
}

/** NaN, which JSON writes as null, is a value that is null. */
function unpack(bytes: Buffer | null): readonly number[] | null {
  if (bytes === null) return null;
  const { buffer, byteOffset, byteLength } = bytes;
  return Array.from(new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength)));
}

if (import.meta.main) {
  const { values: flags } = parseArgs({ options: { config: { type: 'string', default: '' } } });
  await serveBaseline(JSON.parse(readFileSync(flags.config, 'utf8')) as BaselineConfig);
}
