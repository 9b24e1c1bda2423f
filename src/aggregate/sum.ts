/** `sum`: the exact sum, rounded once; 0 over no values. A double for int input too, for a sum of ints may leave ±(2^53−1). */
import type { Aggregation } from './aggregation.ts';
import { roundExpansion } from './exact-sum.ts';
import { SUM_ALGEBRA, SUM_STATE_BYTES_MAX, SUM_STATE_KEY, type SumState } from './sum-state.ts';
import { DOUBLE, requireNumber } from './type-rules.ts';

export const sum: Aggregation<SumState> = {
  name: 'sum',
  of: 'required',
  params: [],
  magnitude: 'sum',
  relativeToAsOf: false,
  resultType: (input) => requireNumber('sum', input) ?? DOUBLE,
  stateKey: () => SUM_STATE_KEY,
  algebra: () => SUM_ALGEBRA,
  evaluate: (state) => roundExpansion(state.sum),
  bytesMax: () => SUM_STATE_BYTES_MAX,
};
