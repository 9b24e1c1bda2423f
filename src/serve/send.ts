/** Answers leave as text made by `JSON.stringify`: no serializer that turns a null into 0 is in between. */
import type { FastifyReply } from 'fastify';

export function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}
