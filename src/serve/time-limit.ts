/** Every call out of this process takes a time limit. */

export const TIMED_OUT: unique symbol = Symbol('timed out');

/**
 * What `operation` resolves to, or `TIMED_OUT` after `limitMs`; its own late result or failure is then ignored. A bare timer: one that
 * is aborted makes an error, with its stack, for every call that was answered in time.
 */
export function within<T>(operation: Promise<T>, limitMs: number): Promise<T | typeof TIMED_OUT> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(TIMED_OUT), Math.max(0, limitMs));
    operation.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
