/**
 * The fast path of mean, variance and standard deviation: the result in double-double arithmetic with a bound on its
 * error, rounded only where everything within the bound rounds alike (Ziv's test). Elsewhere the answer is NaN and the
 * caller computes exactly. So the bits are those of the exact path; only the time differs.
 *
 * Error bounds are generous: double-double operations here err by less than 2^−98 of their operands, of which at most
 * six follow one another. Sizes are kept where no product can overflow, and where what underflows (at most a few
 * units of 2^−1074) is far below the bound.
 */
import { type Expansion, roundExpansion } from './exact-sum.ts';

const UNCERTAIN = Number.NaN;

/** n·(n − 1) is an exact double up to here. */
const COUNT_MAX = 2 ** 26;
const MEAN_ERROR = 2 ** -96;
const VARIANCE_ERROR = 2 ** -92;
const ROOT_ERROR = 2 ** -98;
const MEAN_LEAST = 2 ** -900;
const SQUARES_LEAST = 2 ** -600;

/** A number as an unevaluated sum; `low` is small against `high`. Scratch values: each function fills its own. */
interface Pair {
  high: number;
  low: number;
}

const SUM: Pair = { high: 0, low: 0 };
const SQUARES: Pair = { high: 0, low: 0 };
const QUOTIENT: Pair = { high: 0, low: 0 };

/** `sum / count`, or NaN. */
export function meanIfCertain(sum: Expansion, count: number): number {
  collapse(sum, SUM);
  if (Math.abs(SUM.high) < MEAN_LEAST) return UNCERTAIN;
  // Dividing by a power of two rounds nothing, so that even a tie is certain.
  if (count <= COUNT_MAX && (count & (count - 1)) === 0) return roundExpansion(sum) / count;
  divide(SUM.high, SUM.low, count, QUOTIENT);
  return roundIfCertain(QUOTIENT.high, QUOTIENT.low, MEAN_ERROR * Math.abs(QUOTIENT.high));
}

/** (n·Σx² − (Σx)²) / (n·(n − 1)), or NaN. */
export function varianceIfCertain(sum: Expansion, squares: Expansion, count: number): number {
  const error = approximateVariance(sum, squares, count);
  return roundIfCertain(QUOTIENT.high, QUOTIENT.low, error);
}

/** The root of the same, or NaN. */
export function stddevIfCertain(sum: Expansion, squares: Expansion, count: number): number {
  const error = approximateVariance(sum, squares, count);
  if (!(QUOTIENT.high > error)) return UNCERTAIN;
  const root = Math.sqrt(QUOTIENT.high);
  // One step of Newton's method; what it leaves is below 2^−106 of the root.
  const square = root * root;
  const rest = QUOTIENT.high - square - productError(root, root, square) + QUOTIENT.low;
  return roundIfCertain(root, rest / (2 * root), error / root + ROOT_ERROR * root);
}

/** Fills QUOTIENT, and returns a bound on its error: Infinity where the bound would not hold. */
function approximateVariance(sum: Expansion, squares: Expansion, count: number): number {
  collapse(squares, SQUARES);
  const size = SQUARES.high * count;
  if (count > COUNT_MAX || !(size >= SQUARES_LEAST)) return Infinity;
  collapse(sum, SUM);
  const sizeLow = productError(SQUARES.high, count, size) + SQUARES.low * count;
  const square = SUM.high * SUM.high;
  const squareLow = productError(SUM.high, SUM.high, square) + 2 * SUM.high * SUM.low;
  const high = size - square;
  const low = sumError(size, -square, high) + (sizeLow - squareLow);
  const numerator = high + low;
  const denominator = count * (count - 1);
  divide(numerator, sumError(high, low, numerator), denominator, QUOTIENT);
  // (Σx)² ≤ n·Σx², so `size` bounds both.
  return (VARIANCE_ERROR * size) / denominator;
}

function roundIfCertain(high: number, low: number, error: number): number {
  const least = high + (low - error);
  return least === high + (low + error) ? least : UNCERTAIN;
}

function collapse({ parts, used }: Expansion, into: Pair): void {
  let high = used === 0 ? 0 : (parts[used - 1] as number);
  let low = 0;
  for (let index = used - 2; index >= 0; index--) {
    const part = parts[index] as number;
    const total = high + part;
    low += sumError(high, part, total);
    high = total;
  }
  into.high = high;
  into.low = low;
}

function divide(high: number, low: number, divisor: number, into: Pair): void {
  const quotient = high / divisor;
  const product = quotient * divisor;
  into.high = quotient;
  into.low = (high - product - productError(quotient, divisor, product) + low) / divisor;
}

/** Knuth: `a + b − total`, exactly, where `total` is their rounded sum. */
function sumError(a: number, b: number, total: number): number {
  const rounded = total - a;
  return a - (total - rounded) + (b - rounded);
}

/** Veltkamp and Dekker: `a × b − product`, exactly, where `product` is their rounded product. */
function productError(a: number, b: number, product: number): number {
  const aScaled = 134_217_729 * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = 134_217_729 * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}
