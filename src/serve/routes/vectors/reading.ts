/** Counts who reads, and tells them what is given up: two look-ups an answer. */
import type { FastifyReply } from 'fastify';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Serving } from '../../dependencies.ts';

export function tellOfReading(
  { readers, deprecations }: Serving,
  { definition: { id } }: ServicePlan,
  reply: FastifyReply,
  nowMs: number,
): void {
  readers.count(reply.request.apiKey, id, nowMs);
  const headers = deprecations.get(id);
  if (headers !== undefined) void reply.headers(headers);
}
