/** `stddev`: the root of the exact sample variance, rounded once; null for fewer than two values. */
import type { Aggregation } from './aggregation.ts';
import { stddevIfCertain } from './certain-rounding.ts';
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
    if (state.squares.used === 0) return 0;
    const certain = stddevIfCertain(state.sum, state.squares, state.count);
    if (!Number.isNaN(certain)) return certain;
    const { numerator, denominator, exponent } = exactVariance(state);
    return roundRootOfRatio(numerator, denominator, exponent);
  },
  bytesMax: () => SQUARE_STATE_BYTES_MAX,
};
