/** Every call out of this process takes a time limit. */
import { setTimeout as delay } from 'node:timers/promises';

export const TIMED_OUT: unique symbol = Symbol('timed out');

/** What `operation` resolves to, or `TIMED_OUT` after `limitMs`; its own late result or failure is then ignored. */
export async function within<T>(operation: Promise<T>, limitMs: number): Promise<T | typeof TIMED_OUT> {
  const timer = new AbortController();
  // A loser of the race must not become an unhandled rejection.
  operation.catch(() => undefined);
  const expiry = delay(Math.max(0, limitMs), TIMED_OUT, { signal: timer.signal });
  expiry.catch(() => undefined);
  try {
    return await Promise.race([operation, expiry]);
  } finally {
    timer.abort();
  }
}
