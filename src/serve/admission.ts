/**
 * Who is let in. Beyond `inflightMax` requests at a time, and while the server closes, a request is refused at once
 * with 503 and a time to try again, before its body is read; those inside are finished. Probes are always let in.
 */
import type { FastifyInstance } from 'fastify';
import { RequestError, item } from './problem.ts';

const RETRY_AFTER_SECONDS = 1;
const PROBES = new Set(['/livez', '/readyz', '/metrics']);

export function installAdmission(app: FastifyInstance, inflightMax: number): void {
  let inflight = 0;
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async (request) => {
    inflight++;
    if (closing) {
      throw new RequestError(503, [item('shutting_down', null, 'this server is stopping')], RETRY_AFTER_SECONDS);
    }
    if (inflight > inflightMax && !PROBES.has(request.url)) {
      const message = `this server answers at most ${inflightMax} requests at a time`;
      throw new RequestError(503, [item('overloaded', null, message)], RETRY_AFTER_SECONDS);
    }
  });
  app.addHook('onSend', async (_request, reply) => {
    // Else a connection that was busy when closing began stays open until its client tires of it.
    if (closing) void reply.header('connection', 'close');
  });
  app.addHook('onResponse', async () => {
    inflight--;
  });
}
