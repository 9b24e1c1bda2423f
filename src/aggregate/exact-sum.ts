/**
 * Exact sums of doubles as expansions: lists of doubles whose exact sum is the sum so far (J. R. Shewchuk, "Adaptive
 * Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997, sections 2.2 to 2.4).
 *
 * Invariants: the components are non-zero, non-overlapping and of increasing magnitude; nothing is ever lost, as long
 * as no partial sum overflows: callers bound |x| by 2^960, which leaves room for 2^63 of them. What is held depends on
 * the order of additions; what is written (`leadingFirst`) does not.
 */
import { assert } from '../core/assert.ts';
import { type ByteReader, type ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import { exponentOf, powerOfTwo } from './float-bits.ts';

/** Mutable; the first `used` of `parts` count. */
export interface Expansion {
  parts: number[];
  used: number;
}

/**
 * Components of one sum in leading-first form: each is at most half a unit in the last place of the one before, so
 * their exponents fall by 53 at least, and 40 reach from 2^1023 down to 2^−1074.
 */
export const COMPONENTS_MAX = 40;

/** More components than this are compacted, so that an expansion stays bounded whatever the input. */
const PARTS_MAX = 48;

/** No sum of inputs within bounds comes near; anything greater was not written by `encodeExpansion`. */
const MAGNITUDE_MAX = 2 ** 1015;

/** Tags of the written form: up to COMPONENTS_MAX is a count of doubles, this one says that an integer follows. */
const INTEGER_TAG = 255;
const INTEGER_MAX = 2 ** 48;

export function createExpansion(): Expansion {
  // Room for two: an empty array would make room for seventeen when the first comes.
  return { parts: [0.5, 0.5], used: 0 };
}

/** Adds `x` exactly: Shewchuk's GROW-EXPANSION with zero elimination, in place. */
export function addExact(into: Expansion, x: number): void {
  grow(into, x);
  if (into.used > PARTS_MAX) compact(into);
}

function grow(into: Expansion, x: number): void {
  const { parts, used } = into;
  let carry = x;
  let kept = 0;
  for (let index = 0; index < used; index++) {
    const part = parts[index] as number;
    // Knuth's TWO-SUM: total + error is exactly carry + part, whichever is larger.
    const total = carry + part;
    const partRounded = total - carry;
    const error = carry - (total - partRounded) + (part - partRounded);
    if (error !== 0) parts[kept++] = error;
    carry = total;
  }
  if (carry !== 0) parts[kept++] = carry;
  into.used = kept;
}

/**
 * Adds `x × x` exactly. The error of the rounded product comes from Veltkamp's split and Dekker's product (Shewchuk,
 * theorem 18), which is exact unless something under- or overflows. It does not, for x = 0 or 2^−480 ≤ |x| ≤ 2^480:
 * x is a multiple of its last place, at least 2^−532, so every product of halves of x is a multiple of 2^−1064, above
 * the lowest bit 2^−1074; and the largest intermediate, (2^27 + 1)·|x| or x², is at most 2^960.
 */
export function addSquare(into: Expansion, x: number): void {
  const square = x * x;
  const scaled = 134_217_729 * x;
  const high = scaled - (scaled - x);
  const low = x - high;
  const error = low * low - (square - high * high - 2 * (high * low));
  if (error !== 0) addExact(into, error);
  addExact(into, square);
}

export function mergeExpansion(into: Expansion, from: Expansion): void {
  for (let index = 0; index < from.used; index++) addExact(into, from.parts[index] as number);
}

/** The exact sum, rounded once, half to even; +0 for zero. The method of CPython's `math.fsum`. */
export function roundExpansion(sum: Expansion): number {
  const { parts } = sum;
  let index = sum.used;
  if (index === 0) return 0;
  let high = parts[--index] as number;
  let low = 0;
  while (index > 0 && low === 0) {
    const before = high;
    const part = parts[--index] as number;
    high = before + part;
    low = part - (high - before);
  }
  // `low` was exactly half a unit in the last place, and what is below it has its sign: round away from even.
  if (index > 0 && low !== 0 && low < 0 === (parts[index - 1] as number) < 0) {
    const twice = low * 2;
    const next = high + twice;
    if (twice === next - high) high = next;
  }
  return high;
}

/**
 * The one form of a sum that does not depend on how it was added up: x1 = the sum rounded, x2 = what is left rounded,
 * and so on until nothing is left.
 */
export function leadingFirst(sum: Expansion): number[] {
  const { parts, used } = sum;
  if (used === 0) return [];
  if (used === 1) return [parts[0] as number];
  if (used === 2) {
    const high = (parts[1] as number) + (parts[0] as number);
    const low = (parts[0] as number) - (high - (parts[1] as number));
    return low === 0 ? [high] : [high, low];
  }
  const rest: Expansion = { parts: parts.slice(0, used), used };
  const components: number[] = [];
  while (rest.used > 0) {
    // Fails for a NaN or an infinity only, which no caller may add.
    assert(components.length < COMPONENTS_MAX, 'a sum of bounded doubles has at most 40 components');
    const leading = roundExpansion(rest);
    components.push(leading);
    grow(rest, -leading);
  }
  return components;
}

function compact(sum: Expansion): void {
  sum.parts = leadingFirst(sum).reverse();
  sum.used = sum.parts.length;
}

/** Writes the same bytes for the same sum, however it was added up. Small integers take 2 to 8 bytes. */
export function encodeExpansion(sum: Expansion, writer: ByteWriter): void {
  if (sum.used === 1 && encodeInteger(sum.parts[0] as number, writer)) return;
  const components = leadingFirst(sum);
  if (components.length === 1 && encodeInteger(components[0] as number, writer)) return;
  writer.u8(components.length);
  for (let index = 0; index < components.length; index++) writer.f64(components[index] as number);
}

/** Writes a small integer; writes nothing and answers false for any other sum. */
function encodeInteger(sum: number, writer: ByteWriter): boolean {
  if (!Number.isInteger(sum) || Math.abs(sum) >= INTEGER_MAX) return false;
  writer.u8(INTEGER_TAG);
  writer.svarint(sum);
  return true;
}

export function decodeExpansion(reader: ByteReader): Expansion {
  const count = readCount(reader);
  if (count < 0) return { parts: [readEncodedInteger(reader)], used: 1 };
  const parts: number[] = [];
  for (let index = 0; index < count; index++) parts.push(readPart(reader, parts[index - 1]));
  return { parts: parts.reverse(), used: count };
}

/** Adds what `encodeExpansion` wrote, exactly. */
export function addEncoded(into: Expansion, reader: ByteReader): void {
  const count = readCount(reader);
  if (count < 0) return addExact(into, readEncodedInteger(reader));
  let before: number | undefined;
  for (let index = 0; index < count; index++) {
    before = readPart(reader, before);
    addExact(into, before);
  }
}

/** How many components follow; −1: an integer does. */
function readCount(reader: ByteReader): number {
  const tag = reader.u8();
  if (tag === INTEGER_TAG) return -1;
  if (tag > COMPONENTS_MAX) throw new CorruptBytesError('sum: too many components');
  return tag;
}

function readEncodedInteger(reader: ByteReader): number {
  const value = reader.svarint();
  if (value === 0 || Math.abs(value) >= INTEGER_MAX) throw new CorruptBytesError('sum: integer out of range');
  return value;
}

/** The next component after `before`. */
function readPart(reader: ByteReader, before: number | undefined): number {
  const part = reader.f64();
  // What a sum swallows is within the bound; only a tie needs the closer look.
  const isWithin =
    before === undefined
      ? Math.abs(part) <= MAGNITUDE_MAX
      : before + part === before || Math.abs(part) <= powerOfTwo(exponentOf(before)) / 2;
  if (part === 0 || !isWithin) throw new CorruptBytesError('sum: components not leading first');
  return part;
}

/** Worst-case bytes of `encodeExpansion`. */
export const EXPANSION_BYTES_MAX = 1 + 8 * COMPONENTS_MAX;
