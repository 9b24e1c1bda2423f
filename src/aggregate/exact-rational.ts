/** Rationals and their square roots rounded once to the nearest double, half to even, in exact integer arithmetic. */
import type { Expansion } from './exact-sum.ts';
import { exponentOf, LOWEST_EXPONENT, powerOfTwo, significandOf } from './float-bits.ts';

/** The exact number `significand × 2^exponent`. */
export interface Dyadic {
  readonly significand: bigint;
  readonly exponent: number;
}

/** Bits of a quotient or root before it is rounded: 53, one to round by, one to spare. */
const QUOTIENT_BITS = 55;

/** An expansion as one exact number. */
export function toDyadic({ parts, used }: Expansion): Dyadic {
  let exponent = used === 0 ? 0 : Infinity;
  for (let index = 0; index < used; index++) exponent = Math.min(exponent, exponentOf(parts[index] as number));
  let significand = 0n;
  for (let index = 0; index < used; index++) {
    const part = parts[index] as number;
    const bits = BigInt(significandOf(part)) << BigInt(exponentOf(part) - exponent);
    significand += part < 0 ? -bits : bits;
  }
  return { significand, exponent };
}

/** `numerator × 2^exponent / denominator`, rounded once; `denominator` > 0. */
export function roundRatio(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const shift = Math.max(0, QUOTIENT_BITS + bitLength(denominator) - bitLength(magnitude));
  const shifted = magnitude << BigInt(shift);
  const quotient = shifted / denominator;
  const rounded = roundScaled(quotient, exponent - shift, quotient * denominator !== shifted);
  return numerator < 0n && rounded !== 0 ? -rounded : rounded;
}

/** The square root of `numerator × 2^exponent / denominator`, rounded once; `numerator` ≥ 0, `denominator` > 0. */
export function roundRootOfRatio(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  let shift = Math.max(0, 2 * QUOTIENT_BITS + bitLength(denominator) - bitLength(numerator));
  if ((exponent - shift) % 2 !== 0) shift++;
  const shifted = numerator << BigInt(shift);
  const quotient = shifted / denominator;
  const root = integerRoot(quotient);
  const inexact = root * root !== quotient || quotient * denominator !== shifted;
  return roundScaled(root, (exponent - shift) / 2, inexact);
}

/**
 * The double nearest to `significand × 2^exponent`, or, when `more`, to a number just above it by less than
 * 2^exponent. `significand` has at least QUOTIENT_BITS bits, so what `more` adds lies below the bit rounded by.
 */
function roundScaled(significand: bigint, exponent: number, more: boolean): number {
  const lastPlace = Math.max(exponent + bitLength(significand) - 53, LOWEST_EXPONENT);
  const dropped = BigInt(lastPlace - exponent);
  let kept = significand >> dropped;
  const twiceRest = (significand - (kept << dropped)) << 1n;
  const unit = 1n << dropped;
  if (twiceRest > unit || (twiceRest === unit && (more || (kept & 1n) === 1n))) kept += 1n;
  return Number(kept) * powerOfTwo(lastPlace);
}

/** Largest integer whose square is not greater than `square`: Newton's method from above. */
function integerRoot(square: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(bitLength(square) / 2));
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function bitLength(magnitude: bigint): number {
  const hex = magnitude.toString(16);
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex.charAt(0), 16)) - 28);
}
