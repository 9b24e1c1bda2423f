/** Waiting out an outage: the same call again, with growing pauses, until it answers or the driver stops. */
import { setTimeout as delay } from 'node:timers/promises';
import { SkewlessError } from '../core/errors.ts';

export interface RetryPolicy {
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  /** Aborted when the driver stops: no further attempt is made. */
  readonly signal: AbortSignal;
  /** Told of each failed attempt, and of the first success after one (null). */
  onOutage(error: SkewlessError | null): void;
}

/** Rejects with what is not retryable, or with the signal's reason. */
export async function untilReachable<T>(policy: RetryPolicy, operation: () => Promise<T>): Promise<T> {
  let waitMs = policy.retryFirstMs;
  for (let attempt = 0; ; attempt++) {
    policy.signal.throwIfAborted();
    try {
      const result = await operation();
      if (attempt > 0) policy.onOutage(null);
      return result;
    } catch (error) {
      if (!(error instanceof SkewlessError) || !error.retryable) throw error;
      policy.onOutage(error);
    }
    await delay(waitMs, undefined, { signal: policy.signal });
    waitMs = Math.min(waitMs * 2, policy.retryLastMs);
  }
}
