/** The state that `variance` and `stddev` share: how many values, their exact sum and the exact sum of their squares. */
import type { Algebra } from './aggregation.ts';
import { toDyadic } from './exact-rational.ts';
import {
  addEncoded,
  addExact,
  addSquare,
  createExpansion,
  decodeExpansion,
  encodeExpansion,
  EXPANSION_BYTES_MAX,
  type Expansion,
  mergeExpansion,
} from './exact-sum.ts';

export interface SquareState {
  count: number;
  readonly sum: Expansion;
  readonly squares: Expansion;
}

export const SQUARE_STATE_KEY = 'square';
export const SQUARE_STATE_BYTES_MAX = 8 + 2 * EXPANSION_BYTES_MAX;

export const SQUARE_ALGEBRA: Algebra<SquareState> = {
  create: () => ({ count: 0, sum: createExpansion(), squares: createExpansion() }),
  add(state, value) {
    const x = value as number;
    state.count++;
    addExact(state.sum, x);
    addSquare(state.squares, x);
  },
  merge(into, from) {
    into.count += from.count;
    mergeExpansion(into.sum, from.sum);
    mergeExpansion(into.squares, from.squares);
  },
  encode(state, writer) {
    writer.varint(state.count);
    encodeExpansion(state.sum, writer);
    encodeExpansion(state.squares, writer);
  },
  decode: (reader) => ({ count: reader.varint(), sum: decodeExpansion(reader), squares: decodeExpansion(reader) }),
  mergeEncoded(into, reader) {
    into.count += reader.varint();
    addEncoded(into.sum, reader);
    addEncoded(into.squares, reader);
  },
};

/** An exact non-negative rational: `numerator × 2^exponent / denominator`. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly exponent: number;
}

/** The exact sample variance (n·Σx² − (Σx)²) / (n·(n − 1)); n ≥ 2. */
export function exactVariance({ count, sum, squares }: SquareState): Rational {
  const total = toDyadic(sum);
  const square = toDyadic(squares);
  const exponent = Math.min(square.exponent, 2 * total.exponent);
  const scaledSquares = (square.significand * BigInt(count)) << BigInt(square.exponent - exponent);
  const squaredTotal = (total.significand * total.significand) << BigInt(2 * total.exponent - exponent);
  const numerator = scaledSquares - squaredTotal;
  // Negative only for a state that no events add up to, which decoding cannot tell.
  return {
    numerator: numerator < 0n ? 0n : numerator,
    denominator: BigInt(count) * BigInt(count - 1),
    exponent,
  };
}
