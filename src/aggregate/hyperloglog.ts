/**
 * HyperLogLog with 2^12 registers: how many distinct 64-bit hashes were seen, with a standard error of
 * 1.04 / √4096 = 1.6 %. A sketch is its registers and nothing else: `sparse` and `dense` are two ways to hold the same
 * ones, and what is written depends on the registers alone.
 *
 * Estimator: O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6: no
 * empirical correction, no switch between ranges; only +, ×, ÷ and √, which IEEE 754 fixes to the bit.
 */
import { type ByteReader, type ByteWriter, CorruptBytesError } from '../core/bytes.ts';

const INDEX_BITS = 12;
export const REGISTERS = 1 << INDEX_BITS;
/** Hash bits that are left to count zeros in, and the greatest rank. */
const RANK_BITS = 64 - INDEX_BITS;
const RANK_MAX = RANK_BITS + 1;
/** Rank's bits in a packed pair `index × 64 + rank`, and in the dense form. */
const RANK_UNIT = 64;
const DENSE_BYTES = (REGISTERS * 6) / 8;

/** More non-zero registers than this are held as an array in memory. */
const SPARSE_MAX = 256;
/** More than this are written densely. */
const SPARSE_WRITTEN_MAX = 1_024;

/** Worst-case bytes of `encodeSketch`. */
export const SKETCH_BYTES_MAX = 1 + DENSE_BYTES;

const ALPHA = 0.721_347_520_444_481_7;

/** Exactly one of the two is in use: `sparse` (packed, ascending) while `dense` is null. */
export interface DistinctSketch {
  sparse: number[];
  dense: Uint8Array | null;
}

export function createSketch(): DistinctSketch {
  return { sparse: [], dense: null };
}

/** Counts a hash, given as two unsigned words. */
export function addHash(sketch: DistinctSketch, first: number, second: number): void {
  const rest = first << INDEX_BITS;
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : 32 - INDEX_BITS + Math.clz32(second) + 1;
  raise(sketch, first >>> (32 - INDEX_BITS), rank);
}

export function mergeSketch(into: DistinctSketch, from: DistinctSketch): void {
  if (from.dense === null) {
    for (const pair of from.sparse) raise(into, Math.floor(pair / RANK_UNIT), pair % RANK_UNIT);
    return;
  }
  const registers = into.dense ?? makeDense(into);
  for (let index = 0; index < REGISTERS; index++) {
    const rank = from.dense[index] as number;
    if (rank > (registers[index] as number)) registers[index] = rank;
  }
}

function raise(sketch: DistinctSketch, index: number, rank: number): void {
  if (sketch.dense !== null) {
    if (rank > (sketch.dense[index] as number)) sketch.dense[index] = rank;
    return;
  }
  const { sparse } = sketch;
  const at = firstNotBelow(sparse, index * RANK_UNIT);
  const pair = index * RANK_UNIT + rank;
  const there = sparse[at];
  if (there !== undefined && Math.floor(there / RANK_UNIT) === index) {
    if (pair > there) sparse[at] = pair;
    return;
  }
  if (at === sparse.length) sparse.push(pair);
  else sparse.splice(at, 0, pair);
  if (sparse.length > SPARSE_MAX) makeDense(sketch);
}

/** Where in an ascending list the first element is that is at least `bound`. */
function firstNotBelow(ascending: readonly number[], bound: number): number {
  let from = 0;
  let until = ascending.length;
  while (from < until) {
    const middle = (from + until) >>> 1;
    if ((ascending[middle] as number) < bound) from = middle + 1;
    else until = middle;
  }
  return from;
}

function makeDense(sketch: DistinctSketch): Uint8Array {
  const registers = new Uint8Array(REGISTERS);
  for (const pair of sketch.sparse) registers[Math.floor(pair / RANK_UNIT)] = pair % RANK_UNIT;
  sketch.sparse = [];
  sketch.dense = registers;
  return registers;
}

/** How many registers have each rank, 0 to RANK_MAX; filled anew by each call. */
const COUNTS: number[] = Array.from({ length: RANK_MAX + 1 }, () => 0);

function rankCounts(sketch: DistinctSketch): readonly number[] {
  COUNTS.fill(0);
  if (sketch.dense === null) {
    COUNTS[0] = REGISTERS - sketch.sparse.length;
    for (const pair of sketch.sparse) COUNTS[pair % RANK_UNIT] = (COUNTS[pair % RANK_UNIT] as number) + 1;
  } else {
    for (const rank of sketch.dense) COUNTS[rank] = (COUNTS[rank] as number) + 1;
  }
  return COUNTS;
}

/** The number of distinct hashes, estimated; 0 for none. */
export function estimateDistinct(sketch: DistinctSketch): number {
  const counts = rankCounts(sketch);
  let z = REGISTERS * tau(1 - (counts[RANK_MAX] as number) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + (counts[rank] as number));
  z += REGISTERS * sigma((counts[0] as number) / REGISTERS);
  return (ALPHA * REGISTERS * REGISTERS) / z;
}

/** x + Σ x^(2^k)·2^(k−1), by Ertl's algorithm 6; ∞ for 1. */
function sigma(share: number): number {
  if (share === 1) return Infinity;
  let x = share;
  let y = 1;
  let z = x;
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z === before) return z;
  }
}

/** (1 − x − Σ (1 − x^(2^−k))²·2^−k) / 3, by Ertl's algorithm 6. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - x;
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (z === before) return z / 3;
  }
}

/** The non-zero registers, packed, ascending. */
function packedPairs({ sparse, dense }: DistinctSketch): readonly number[] {
  if (dense === null) return sparse;
  const pairs: number[] = [];
  for (let index = 0; index < REGISTERS; index++) {
    if (dense[index] !== 0) pairs.push(index * RANK_UNIT + (dense[index] as number));
  }
  return pairs;
}

/** A flag, then gaps and ranks of the non-zero registers, or all registers in 6 bits each. */
export function encodeSketch(sketch: DistinctSketch, writer: ByteWriter): void {
  const pairs = packedPairs(sketch);
  if (pairs.length > SPARSE_WRITTEN_MAX) {
    writer.u8(1);
    writer.raw(packSixBits(sketch.dense as Uint8Array));
    return;
  }
  writer.u8(0);
  writer.varint(pairs.length);
  let next = 0;
  for (const pair of pairs) {
    writer.varint(pair - next * RANK_UNIT);
    next = Math.floor(pair / RANK_UNIT) + 1;
  }
}

export function decodeSketch(reader: ByteReader): DistinctSketch {
  const length = readLength(reader);
  if (length < 0) return { sparse: [], dense: unpackSixBits(reader.raw(DENSE_BYTES)) };
  const sketch = createSketch();
  for (let count = 0; count < length; count++) sketch.sparse.push(readPair(reader, sketch.sparse.at(-1)));
  if (length > SPARSE_MAX) makeDense(sketch);
  return sketch;
}

/** Merges what `encodeSketch` wrote. */
export function mergeEncodedSketch(into: DistinctSketch, reader: ByteReader): void {
  const length = readLength(reader);
  if (length < 0) {
    mergeSketch(into, { sparse: [], dense: unpackSixBits(reader.raw(DENSE_BYTES)) });
    return;
  }
  let pair: number | undefined;
  for (let count = 0; count < length; count++) {
    pair = readPair(reader, pair);
    raise(into, Math.floor(pair / RANK_UNIT), pair % RANK_UNIT);
  }
}

/** How many registers follow, packed; −1: all of them do. */
function readLength(reader: ByteReader): number {
  const form = reader.u8();
  if (form === 1) return -1;
  if (form !== 0) throw new CorruptBytesError('distinct sketch: unknown form');
  const length = reader.varint();
  if (length > SPARSE_WRITTEN_MAX) throw new CorruptBytesError('distinct sketch: too many registers');
  return length;
}

/** The register after `before`, packed. */
function readPair(reader: ByteReader, before: number | undefined): number {
  const next = before === undefined ? 0 : Math.floor(before / RANK_UNIT) + 1;
  const pair = reader.varint() + next * RANK_UNIT;
  const rank = pair % RANK_UNIT;
  if (pair >= REGISTERS * RANK_UNIT || rank === 0 || rank > RANK_MAX)
    throw new CorruptBytesError('distinct sketch: register');
  return pair;
}

function packSixBits(registers: Uint8Array): Uint8Array {
  const packed = new Uint8Array(DENSE_BYTES);
  for (let from = 0, at = 0; from < REGISTERS; from += 4, at += 3) {
    const four =
      (registers[from] as number) |
      ((registers[from + 1] as number) << 6) |
      ((registers[from + 2] as number) << 12) |
      ((registers[from + 3] as number) << 18);
    packed[at] = four;
    packed[at + 1] = four >>> 8;
    packed[at + 2] = four >>> 16;
  }
  return packed;
}

function unpackSixBits(packed: Uint8Array): Uint8Array {
  const registers = new Uint8Array(REGISTERS);
  for (let from = 0, at = 0; from < REGISTERS; from += 4, at += 3) {
    const four = (packed[at] as number) | ((packed[at + 1] as number) << 8) | ((packed[at + 2] as number) << 16);
    for (let lane = 0; lane < 4; lane++) {
      const rank = (four >>> (6 * lane)) & 63;
      if (rank > RANK_MAX) throw new CorruptBytesError('distinct sketch: rank');
      registers[from + lane] = rank;
    }
  }
  return registers;
}
