/** `variance`: the exact sample variance, rounded once; null for fewer than two values. */
import type { Aggregation } from './aggregation.ts';
import { varianceIfCertain } from './certain-rounding.ts';
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
    if (state.squares.used === 0) return 0;
    const certain = varianceIfCertain(state.sum, state.squares, state.count);
    if (!Number.isNaN(certain)) return certain;
    const { numerator, denominator, exponent } = exactVariance(state);
    return roundRatio(numerator, denominator, exponent);
  },
  bytesMax: () => SQUARE_STATE_BYTES_MAX,
};
