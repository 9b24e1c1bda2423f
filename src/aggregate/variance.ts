/** `variance`: the exact sample variance, rounded once; null for fewer than two values. */
import type { Aggregation } from './aggregation.ts';
import { roundRatio } from './exact-rational.ts';
import {
  exactVariance,
  SQUARE_ALGEBRA,
  SQUARE_STATE_BYTES_MAX,
  SQUARE_STATE_KEY,
  type SquareState,
} from './square-state.ts';
import { NULLABLE_DOUBLE, requireNumber } from './type-rules.ts';

export const variance: Aggregation<SquareState> = {
  name: 'variance',
  of: 'required',
  params: [],
  magnitude: 'square',
  relativeToAsOf: false,
  resultType: (input) => requireNumber('variance', input) ?? NULLABLE_DOUBLE,
  stateKey: () => SQUARE_STATE_KEY,
  algebra: () => SQUARE_ALGEBRA,
  evaluate(state) {
    if (state.count < 2) return null;
    const { numerator, denominator, exponent } = exactVariance(state);
    return roundRatio(numerator, denominator, exponent);
  },
  bytesMax: () => SQUARE_STATE_BYTES_MAX,
};
