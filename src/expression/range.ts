/** The ranges of numeric types (DESIGN section 3): a result outside them is an error, never a silently wrong value. */
import { EvaluationError } from './evaluation-error.ts';

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** A double that may be served: finite, and never −0. */
export function finite(value: number): number {
  if (value === 0) return 0;
  if (!Number.isFinite(value)) throw new EvaluationError('the result is not a finite number');
  return value;
}

export function safeInt(value: number): number {
  if (!Number.isSafeInteger(value)) throw new EvaluationError('the result is beyond ±(2^53−1), the range of int');
  return value === 0 ? 0 : value;
}

export function inInt64(value: bigint): bigint {
  if (value < INT64_MIN || value > INT64_MAX) throw new EvaluationError('the result is beyond the range of int64');
  return value;
}
