/**
 * Leaving without dropping anything, in this order (STYLE rule 7):
 *
 *   serving  → draining  told to stop: `/readyz` answers 503 `draining`, so that load balancers send no more; whatever
 *                        comes all the same is answered, and its connection told to close
 *   draining → closing   after the delay: no connection is accepted any more, idle ones are closed, what is being
 *                        answered is finished
 */
import { setImmediate as afterPoll, setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

export interface Drain {
  readonly state: () => 'serving' | 'draining' | 'closing';
  /** Resolves after `delayMs`, or at once where nobody can have been told that this server is ready. */
  begin(delayMs: number): Promise<void>;
  /** Takes part in the app's closing. */
  install(app: FastifyInstance): void;
}

export function createDrain(): Drain {
  let state: ReturnType<Drain['state']> = 'serving';
  let listening = false;
  return {
    state: () => state,
    async begin(delayMs) {
      if (state !== 'serving') return;
      state = 'draining';
      if (listening && delayMs > 0) await delay(delayMs);
    },
    install(app) {
      app.addHook('onListen', async () => {
        listening = true;
      });
      app.addHook('preClose', async () => {
        state = 'closing';
        // Connections that the system has accepted for us are ours once sockets have been looked at; closing would reset others.
        await afterPoll();
      });
      app.addHook('onSend', (_request, reply, _payload, done) => {
        // Else a connection stays open until its client tires of it, or is closed under the client's next request.
        if (state !== 'serving') void reply.header('connection', 'close');
        done();
      });
    },
  };
}
