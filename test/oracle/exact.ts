/**
 * Exact sums, means and variances of doubles, rounded once, by the plainest means: BigInt rationals, and a bisection
 * over all doubles for the rounding. Slow, and shares nothing with src/.
 */

/** Every finite double is a whole number of these parts: 2^1074 of them make one. */
const SCALE = 1074n;

const BITS = new DataView(new ArrayBuffer(8));
/** Bit pattern of Infinity: one past those of the finite positive doubles. */
const PATTERNS = 0x7ff0000000000000n;

function doubleOf(pattern: bigint): number {
  BITS.setBigUint64(0, pattern);
  return BITS.getFloat64(0);
}

/** `x × 2^1074`, exactly. */
export function scaled(x: number): bigint {
  BITS.setFloat64(0, Math.abs(x));
  const pattern = BITS.getBigUint64(0);
  const biased = pattern >> 52n;
  const fraction = pattern & ((1n << 52n) - 1n);
  const magnitude = biased === 0n ? fraction : (fraction | (1n << 52n)) << (biased - 1n);
  return x < 0 ? -magnitude : magnitude;
}

/** The double nearest, half to even, to the number that `isAtMost` draws the line at: true for what is not greater. */
function nearest(
  isAtMost: (numerator: bigint, exponent: bigint) => boolean,
  isExactly: (m: bigint, e: bigint) => boolean,
): number {
  let low = 0n;
  let high = PATTERNS;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (isAtMost(scaled(doubleOf(middle)), SCALE)) low = middle;
    else high = middle;
  }
  if (high === PATTERNS) throw new RangeError('oracle: beyond the largest double');
  const below = scaled(doubleOf(low));
  const above = scaled(doubleOf(high));
  // The middle between two doubles, in parts half as large.
  const middle = below + above;
  if (isExactly(middle, SCALE + 1n)) return doubleOf((low & 1n) === 0n ? low : high);
  return doubleOf(isAtMost(middle, SCALE + 1n) ? high : low);
}

/** `numerator / (denominator × 2^exponent)` rounded once; `denominator` > 0. */
export function roundQuotient(numerator: bigint, denominator: bigint, exponent: bigint): number {
  if (numerator === 0n) return 0;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const result = nearest(
    (value, parts) => (value * denominator) << exponent <= magnitude << parts,
    (value, parts) => (value * denominator) << exponent === magnitude << parts,
  );
  return numerator < 0n && result !== 0 ? -result : result;
}

/** The root of `numerator / (denominator × 2^exponent)` rounded once; both not negative. */
export function roundRoot(numerator: bigint, denominator: bigint, exponent: bigint): number {
  if (numerator === 0n) return 0;
  return nearest(
    (value, parts) => (value * value * denominator) << exponent <= numerator << (2n * parts),
    (value, parts) => (value * value * denominator) << exponent === numerator << (2n * parts),
  );
}

function total(values: readonly number[]): bigint {
  return values.reduce((sum, x) => sum + scaled(x), 0n);
}

export function oracleSum(values: readonly number[]): number {
  return roundQuotient(total(values), 1n, SCALE);
}

export function oracleMean(values: readonly number[]): number | null {
  return values.length === 0 ? null : roundQuotient(total(values), BigInt(values.length), SCALE);
}

/** Numerator and denominator of n·Σx² − (Σx)² over n·(n − 1), in parts of 2^−2148. */
function sampleVariance(values: readonly number[]): [bigint, bigint] {
  const n = BigInt(values.length);
  const squares = values.reduce((sum, x) => sum + scaled(x) ** 2n, 0n);
  return [n * squares - total(values) ** 2n, n * (n - 1n)];
}

export function oracleVariance(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  return roundQuotient(...sampleVariance(values), 2n * SCALE);
}

export function oracleStddev(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  return roundRoot(...sampleVariance(values), 2n * SCALE);
}
