/**
 * Calls over one client: each ends within its time, and none begins before the server was found fit to hold states, anew
 * for each connection, for after a failover it is another server.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SkewlessError } from '../core/errors.ts';
import type { RedisBounds, RedisClient } from './redis-client.ts';
import { redisFault } from './redis-faults.ts';
import { checkPolicy } from './redis-policy.ts';

export interface RedisSession {
  /** One command; `work` may take the time of one command. */
  ask<T>(work: () => Promise<T>): Promise<T>;
  /** Many commands: each has its time. */
  askMany<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function openSession(
  client: RedisClient,
  bounds: RedisBounds,
  onWarning: (message: string) => void,
): RedisSession {
  let closed = false;
  let connecting: Promise<void> | null = null;
  let checking: Promise<void> | null = null;
  let fit = false;
  /** Told with the command that meets its consequence. */
  let lastFault: unknown = null;
  const unfit = (): void => {
    checking = null;
    fit = false;
  };
  client.on('error', (error: Error & { lastNodeError?: Error }) => {
    lastFault = error.lastNodeError ?? error;
  });
  client.on('ready', () => {
    lastFault = null;
    unfit();
  });
  client.on('+node', unfit);

  async function prepare(): Promise<void> {
    if (client.status === 'wait') {
      connecting = client.connect().finally(() => {
        connecting = null;
      });
    }
    if (connecting !== null) await connecting;
    const check = (checking ??= checkPolicy(client, onWarning));
    try {
      await check;
      fit ||= check === checking;
    } catch (error) {
      if (check === checking) unfit();
      throw error;
    }
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw new SkewlessError('store_closed', 'the store was closed');
    try {
      return await work();
    } catch (error) {
      throw redisFault(error, lastFault);
    }
  }

  const limitMs = bounds.connectMs + bounds.commandMs;
  const within = async <T>(work: () => Promise<T>): Promise<T> => {
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const message = `Redis did not answer within ${limitMs} ms`;
      limit.reject(lastFault === null ? new Error(message) : redisFault(lastFault, null, `${message}: `));
    }, limitMs);
    try {
      return await Promise.race([work(), limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    ask: (work) =>
      guarded(() =>
        within(async () => {
          if (!fit) await prepare();
          return work();
        }),
      ),
    askMany: (work) =>
      guarded(async () => {
        if (!fit) await within(prepare);
        return work();
      }),
    async close() {
      if (closed) return;
      closed = true;
      if (client.status === 'ready') {
        const left = client.quit().catch(() => undefined);
        await Promise.race([left, delay(bounds.commandMs, undefined, { ref: false })]);
      }
      client.disconnect();
    },
  };
}
