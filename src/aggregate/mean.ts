/** `mean`: the exact sum divided by the count, rounded once; null over no values. */
import type { Aggregation } from './aggregation.ts';
import { meanIfCertain } from './certain-rounding.ts';
import { roundRatio, toDyadic } from './exact-rational.ts';
import { SUM_ALGEBRA, SUM_STATE_BYTES_MAX, SUM_STATE_KEY, type SumState } from './sum-state.ts';
import { NULLABLE_DOUBLE, requireNumber } from './type-rules.ts';

export const mean: Aggregation<SumState> = {
  name: 'mean',
  of: 'required',
  params: [],
  magnitude: 'sum',
  relativeToAsOf: false,
  resultType: (input) => requireNumber('mean', input) ?? NULLABLE_DOUBLE,
  stateKey: () => SUM_STATE_KEY,
  algebra: () => SUM_ALGEBRA,
  evaluate: (state) => (state.count === 0 ? null : exactMean(state)),
  bytesMax: () => SUM_STATE_BYTES_MAX,
};

function exactMean({ count, sum }: SumState): number {
  if (sum.used === 0) return 0;
  // One double by an integer below 2^53: the division itself rounds the exact quotient once.
  if (sum.used === 1) return plusZero((sum.parts[0] as number) / count);
  const certain = meanIfCertain(sum, count);
  if (!Number.isNaN(certain)) return certain;
  const { significand, exponent } = toDyadic(sum);
  return roundRatio(significand, BigInt(count), exponent);
}

/** A quotient too small for a double is +0, whatever its sign was. */
function plusZero(x: number): number {
  return x === 0 ? 0 : x;
}
