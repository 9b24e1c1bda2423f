/**
 * DDSketch without collapsing (C. Masson, J. Rim, H. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
 * relative-error guarantees", 2019): counts of values in buckets whose bounds grow geometrically.
 *
 * The mapping is pinned and exact on every machine: no logarithm, but log2 interpolated quadratically between powers of
 * two, e + s·(4 − s)/3 for x = 2^e·(1 + s), in only +, −, × and ÷; its inverse needs only a square root. Its slope
 * against ln x is least, 4/3, at the powers of two; with 38 buckets to each, bounds differ by at most the factor
 * e^(0.75/38), and the value served for a bucket is within 0.9869 % of everything in it.
 */
import { type ByteReader, type ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import { powerOfTwo } from './float-bits.ts';

/** Guaranteed for |x| ≥ 2^−1022; below, one unit of 2^−1074 may be added. */
export const RELATIVE_ERROR_MAX = 0.01;

const BUCKETS_PER_OCTAVE = 38;
/** The bucket of 2^−1074 has key 1. */
const KEY_BIAS = 1_074 * BUCKETS_PER_OCTAVE + 1;
const KEY_MAX = 1_023 * BUCKETS_PER_OCTAVE + BUCKETS_PER_OCTAVE - 1 + KEY_BIAS;

/**
 * A sketch with more buckets gives up for good, in whatever order it met the values. 4,096 hold a hundred octaves
 * without a gap; data that fills them is not one quantity.
 */
export const BUCKETS_MAX = 4_096;

/** Worst-case bytes of `encodeBuckets`: gaps of up to 2^18 and counts of up to 2^21. */
export const BUCKETS_BYTES_MAX = 2 + BUCKETS_MAX * 6;

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Counts by key; keys ascend as values do: negative for negative values, 0 for zero. Null once there were too many. */
export interface QuantileSketch {
  buckets: Map<number, number> | null;
}

/** The key of the bucket that a finite `x` falls into. */
export function bucketKey(x: number): number {
  if (x === 0) return 0;
  const magnitude = Math.abs(x);
  const isSubnormal = magnitude < 2.2250738585072014e-308;
  SCRATCH.setFloat64(0, isSubnormal ? magnitude * 18_014_398_509_481_984 : magnitude);
  const high = SCRATCH.getUint32(0);
  const exponent = (high >>> 20) - 1_023 - (isSubnormal ? 54 : 0);
  SCRATCH.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  const s = SCRATCH.getFloat64(0) - 1;
  const step = Math.min(BUCKETS_PER_OCTAVE - 1, Math.floor((BUCKETS_PER_OCTAVE * s * (4 - s)) / 3));
  const key = exponent * BUCKETS_PER_OCTAVE + step + KEY_BIAS;
  return x < 0 ? -key : key;
}

/** The value served for a bucket: the one whose greatest relative distance to what is in the bucket is least. */
export function bucketValue(key: number): number {
  if (key === 0) return 0;
  const position = Math.abs(key) - KEY_BIAS;
  const exponent = Math.floor(position / BUCKETS_PER_OCTAVE);
  const step = position - exponent * BUCKETS_PER_OCTAVE;
  const low = boundOf(step);
  const high = boundOf(step + 1);
  const value = ((2 * low * high) / (low + high)) * powerOfTwo(exponent);
  return key < 0 ? -value : value;
}

/** 1 + s where the interpolated logarithm is `step / BUCKETS_PER_OCTAVE`. */
function boundOf(step: number): number {
  return 3 - Math.sqrt(4 - (3 * step) / BUCKETS_PER_OCTAVE);
}

export function addToBucket(sketch: QuantileSketch, key: number, times: number): void {
  const { buckets } = sketch;
  if (buckets === null) return;
  const before = buckets.get(key);
  if (before === undefined && buckets.size === BUCKETS_MAX) sketch.buckets = null;
  else buckets.set(key, (before ?? 0) + times);
}

export function mergeBuckets(into: QuantileSketch, from: QuantileSketch): void {
  if (from.buckets === null) into.buckets = null;
  else for (const [key, times] of from.buckets) addToBucket(into, key, times);
}

/**
 * The value of rank ⌊q·(n − 1)⌋ among the n counted, ascending from rank 0, within RELATIVE_ERROR_MAX; null for none.
 */
export function quantileOf(buckets: ReadonlyMap<number, number>, q: number): number | null {
  if (buckets.size === 0) return null;
  let total = 0;
  for (const times of buckets.values()) total += times;
  const keys = ascendingKeys(buckets);
  let left = Math.floor(q * (total - 1));
  for (const key of keys) {
    left -= buckets.get(key) as number;
    if (left < 0) return bucketValue(key);
  }
  return bucketValue(keys.at(-1) as number);
}

function ascendingKeys(buckets: ReadonlyMap<number, number>): Int32Array {
  const keys = new Int32Array(buckets.size);
  let at = 0;
  for (const key of buckets.keys()) keys[at++] = key;
  return keys.sort();
}

/** 0 for a sketch that gave up, else one more than the number of buckets, then gaps between keys, and counts. */
export function encodeBuckets({ buckets }: QuantileSketch, writer: ByteWriter): void {
  if (buckets === null) {
    writer.varint(0);
    return;
  }
  writer.varint(buckets.size + 1);
  let before = -KEY_MAX - 1;
  // Most tiles of a busy stream's finest level hold one value, which needs no sorting.
  for (const key of buckets.size === 1 ? buckets.keys() : ascendingKeys(buckets)) {
    writer.varint(key - before - 1);
    writer.varint(buckets.get(key) as number);
    before = key;
  }
}

export function decodeBuckets(reader: ByteReader): QuantileSketch {
  const head = reader.varint();
  if (head === 0) return { buckets: null };
  if (head > BUCKETS_MAX + 1) throw new CorruptBytesError('quantile sketch: too many buckets');
  const buckets = new Map<number, number>();
  let key = -KEY_MAX - 1;
  for (let index = 1; index < head; index++) {
    key += reader.varint() + 1;
    const times = reader.varint();
    if (key > KEY_MAX || times === 0) throw new CorruptBytesError('quantile sketch: bucket');
    buckets.set(key, times);
  }
  return { buckets };
}
