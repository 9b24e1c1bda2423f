/** What `variance` and `stddev` have in common: one state, null for fewer than two values, one rounding. */
import type { Aggregation } from './aggregation.ts';
import {
  exactVariance,
  SQUARE_ALGEBRA,
  SQUARE_STATE_BYTES_MAX,
  SQUARE_STATE_KEY,
  type SquareState,
} from './square-state.ts';
import { NULLABLE_DOUBLE, requireNumber } from './type-rules.ts';

/** `ifCertain` answers fast or NaN; `round` makes the value of the exact sample variance, given as a ratio. */
export function spread(
  name: 'variance' | 'stddev',
  ifCertain: (sum: SquareState['sum'], squares: SquareState['squares'], count: number) => number,
  round: (numerator: bigint, denominator: bigint, exponent: number) => number,
): Aggregation<SquareState> {
  return {
    name,
    of: 'required',
    params: [],
    magnitude: 'square',
    relativeToAsOf: false,
    resultType: (input) => requireNumber(name, input) ?? NULLABLE_DOUBLE,
    stateKey: () => SQUARE_STATE_KEY,
    algebra: () => SQUARE_ALGEBRA,
    evaluate(state) {
      if (state.count < 2) return null;
      if (state.squares.used === 0) return 0;
      const certain = ifCertain(state.sum, state.squares, state.count);
      if (!Number.isNaN(certain)) return certain;
      const { numerator, denominator, exponent } = exactVariance(state);
      return round(numerator, denominator, exponent);
    },
    bytesMax: () => SQUARE_STATE_BYTES_MAX,
  };
}
