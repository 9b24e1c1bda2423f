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

/** A shorter text leaves in one write with its header; beside a longer one, the second write is nothing. */
const BYTES_FROM_LENGTH = 16_384;

/**
 * A long text is made bytes here, and where it is ASCII by a plain copy: HTTP would count its bytes, join the header before
 * it and encode both, each a pass over the whole.
 */
export function sendText(reply: FastifyReply, { text, isAscii }: JsonText): FastifyReply {
  const isLong = text.length >= BYTES_FROM_LENGTH;
  return reply.type(JSON_TYPE).send(isLong ? Buffer.from(text, isAscii ? 'latin1' : 'utf8') : text);
}
