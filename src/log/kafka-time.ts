/** Time limits of calls to Kafka. */
import { SkewlessError } from '../core/errors.ts';

/** Rejects after `limitMs`; what `work` does then goes unheard. */
export async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const message = `Kafka did not answer within ${limitMs} ms`;
  const timer = setTimeout(
    () => limit.reject(new SkewlessError('log_unavailable', message, { retryable: true })),
    limitMs,
  );
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
