/**
 * Leaving without dropping anything, in this order (STYLE rule 7):
 *
 *   serving  → draining  told to stop: `/readyz` answers 503 `draining`, so that load balancers send no more; whatever
 *                        comes all the same is answered, and its connection told to close
 *   draining → closing   after the delay: no connection is accepted any more; those that were have `LINGER_MS` for a request
 *                        that is on its way, then idle ones are closed, and what is being answered is finished
 */
import { setImmediate as afterPoll, setTimeout as delay } from 'node:timers/promises';
import type { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface Drain {
  readonly state: () => 'serving' | 'draining' | 'closing';
  /** Resolves after `delayMs`, or at once where nobody can have been told that this server is ready. */
  begin(delayMs: number): Promise<void>;
  /** Takes part in the app's closing. */
  install(app: FastifyInstance): void;
}

/** A client that had just connected has sent its request by then. */
const LINGER_MS = 200;

const LOOKS_MAX = 100;
const LOOK_MS = 0.5;

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
        if (app.server.listening) await leave(app.server);
      });
      app.addHook('onSend', (_request, reply, _payload, done) => {
        // Else a connection stays open until its client tires of it, or is closed under the client's next request.
        if (state !== 'serving') void reply.header('connection', 'close');
        done();
      });
    },
  };
}

/** Resolves when all connections have ended. Node's own closing begins with those that it takes for idle. */
async function leave(server: HttpServer): Promise<void> {
  await caughtUpWithConnections();
  const left = new Promise<void>((resolve) => void Server.prototype.close.call(server, () => resolve()));
  const lingered = new AbortController();
  await Promise.race([left, delay(LINGER_MS, undefined, { signal: lingered.signal }).catch(() => undefined)]);
  lingered.abort();
  server.closeIdleConnections();
  await left;
}

/**
 * Connections that the system has accepted for us are ours once we have looked; closing resets the others. So it is done
 * right after a look that was followed by nothing else. (Load balancers that know of the draining send none by then.)
 */
async function caughtUpWithConnections(): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const beforeMs = performance.now();
    await afterPoll();
    if (performance.now() - beforeMs < LOOK_MS) return;
  }
}
