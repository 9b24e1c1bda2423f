/** Answers leave as JSON text that was made here: no serializer that turns a null into 0 is in between. */
import type { FastifyReply } from 'fastify';

const JSON_TYPE = 'application/json; charset=utf-8';

export interface JsonText {
  readonly text: string;
  /** Whether it is known to be ASCII; false: it may be all the same. */
  readonly isAscii: boolean;
}

export function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type(JSON_TYPE).send(JSON.stringify(body));
}

/**
 * Bytes are made once, and for ASCII by a plain copy: of a text, HTTP would count the bytes first, join the header before it
 * and encode them, each a pass over the whole.
 */
export function sendBytes(reply: FastifyReply, { text, isAscii }: JsonText): FastifyReply {
  return reply.type(JSON_TYPE).send(Buffer.from(text, isAscii ? 'latin1' : 'utf8'));
}
