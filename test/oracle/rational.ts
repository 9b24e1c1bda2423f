/** Exact sums, means and sample variances of doubles, rounded once to nearest even, on BigInt alone. */

/** `mantissa × 2^exponent`, exactly. */
interface Dyadic {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const BITS = new DataView(new ArrayBuffer(8));
const FRACTION_BITS = 52n;

function dyadicOf(x: number): Dyadic {
  BITS.setFloat64(0, x);
  const bits = BITS.getBigUint64(0);
  const fraction = bits & ((1n << FRACTION_BITS) - 1n);
  const biased = Number((bits >> FRACTION_BITS) & 0x7ffn);
  const magnitude = biased === 0 ? fraction : fraction | (1n << FRACTION_BITS);
  return { mantissa: x < 0 ? -magnitude : magnitude, exponent: Math.max(biased, 1) - 1_075 };
}

/** Σ of the values, or of their squares. */
function total(values: readonly Dyadic[]): Dyadic {
  const exponent = Math.min(...values.map((value) => value.exponent), 0);
  const mantissa = values.reduce((sum, value) => sum + (value.mantissa << BigInt(value.exponent - exponent)), 0n);
  return { mantissa, exponent };
}

function bitLength(magnitude: bigint): number {
  return magnitude === 0n ? 0 : magnitude.toString(2).length;
}

/** `(whole + a part of one, if inexact) × 2^exponent`, rounded to nearest even; `whole` has at least 60 bits. */
function roundOnce(whole: bigint, inexact: boolean, exponent: number): number {
  const unitExponent = Math.max(exponent + bitLength(whole) - 53, -1_074);
  const dropped = BigInt(unitExponent - exponent);
  const half = 1n << (dropped - 1n);
  const rest = whole & ((1n << dropped) - 1n);
  let kept = whole >> dropped;
  if (rest > half || (rest === half && (inexact || (kept & 1n) === 1n))) kept += 1n;
  return Number(kept) * 2 ** unitExponent;
}

/** `numerator / denominator × 2^exponent` for a positive denominator. */
export function roundRatio(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const shift = 70 + bitLength(denominator) - bitLength(magnitude);
  const [top, bottom] = shiftApart(magnitude, denominator, shift);
  const rounded = roundOnce(top / bottom, top % bottom !== 0n, exponent - shift);
  return numerator < 0n && rounded !== 0 ? -rounded : rounded;
}

/** The square root of `numerator / denominator × 2^exponent`; neither is negative. */
export function roundRoot(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  let shift = 140 + bitLength(denominator) - bitLength(numerator);
  if ((exponent - shift) % 2 !== 0) shift += 1;
  const [top, bottom] = shiftApart(numerator, denominator, shift);
  const quotient = top / bottom;
  const root = integerRoot(quotient);
  return roundOnce(root, root * root !== quotient || top % bottom !== 0n, (exponent - shift) / 2);
}

function shiftApart(top: bigint, bottom: bigint, shift: number): [bigint, bigint] {
  return shift >= 0 ? [top << BigInt(shift), bottom] : [top, bottom << BigInt(-shift)];
}

/** ⌊√n⌋ by Newton's method from above. */
function integerRoot(n: bigint): bigint {
  let root = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function sum(values: readonly number[]): number {
  const { mantissa, exponent } = total(values.map(dyadicOf));
  return roundRatio(mantissa, 1n, exponent);
}

export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const { mantissa, exponent } = total(values.map(dyadicOf));
  return roundRatio(mantissa, BigInt(values.length), exponent);
}

/** (n·Σx² − (Σx)²) / (n·(n − 1)) as numerator, denominator and a power of two; null for fewer than two values. */
function sampleVariance(values: readonly number[]): [bigint, bigint, number] | null {
  if (values.length < 2) return null;
  const exact = values.map(dyadicOf);
  const first = total(exact);
  const second = total(exact.map(({ mantissa, exponent }) => ({ mantissa: mantissa ** 2n, exponent: 2 * exponent })));
  const n = BigInt(values.length);
  const exponent = Math.min(second.exponent, 2 * first.exponent);
  const numerator =
    ((n * second.mantissa) << BigInt(second.exponent - exponent)) -
    ((first.mantissa ** 2n) << BigInt(2 * first.exponent - exponent));
  return [numerator, n * (n - 1n), exponent];
}

export function variance(values: readonly number[]): number | null {
  const exact = sampleVariance(values);
  return exact === null ? null : roundRatio(...exact);
}

export function stddev(values: readonly number[]): number | null {
  const exact = sampleVariance(values);
  return exact === null ? null : roundRoot(...exact);
}
