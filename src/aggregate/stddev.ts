/** `stddev`: the root of the exact sample variance, rounded once; null for fewer than two values. */
import type { Aggregation } from './aggregation.ts';
import { roundRootOfRatio } from './exact-rational.ts';
import {
  exactVariance,
  SQUARE_ALGEBRA,
  SQUARE_STATE_BYTES_MAX,
  SQUARE_STATE_KEY,
  type SquareState,
} from './square-state.ts';
import { NULLABLE_DOUBLE, requireNumber } from './type-rules.ts';

export const stddev: Aggregation<SquareState> = {
  name: 'stddev',
  of: 'required',
  params: [],
  magnitude: 'square',
  relativeToAsOf: false,
  resultType: (input) => requireNumber('stddev', input) ?? NULLABLE_DOUBLE,
  stateKey: () => SQUARE_STATE_KEY,
  algebra: () => SQUARE_ALGEBRA,
  evaluate(state) {
    if (state.count < 2) return null;
    const { numerator, denominator, exponent } = exactVariance(state);
    return roundRootOfRatio(numerator, denominator, exponent);
  },
  bytesMax: () => SQUARE_STATE_BYTES_MAX,
};
