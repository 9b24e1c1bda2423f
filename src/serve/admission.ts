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
  // None of these is async: a promise a hook is a large part of what a hot request costs.
  app.addHook('onRequest', (request, _reply, done) => {
    inflight++;
    if (closing) {
      done(new RequestError(503, [item('shutting_down', null, 'this server is stopping')], RETRY_AFTER_SECONDS));
    } else if (inflight > inflightMax && !PROBES.has(request.url)) {
      const message = `this server answers at most ${inflightMax} requests at a time`;
      done(new RequestError(503, [item('overloaded', null, message)], RETRY_AFTER_SECONDS));
    } else done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // Else a connection that was busy when closing began stays open until its client tires of it.
    if (closing) void reply.header('connection', 'close');
    done();
  });
  app.addHook('onResponse', (_request, _reply, done) => {
    inflight--;
    done();
  });
}
