/** Which partition a record's key belongs to, as producers of the Kafka world decide it. */
import { crc32 as zlibCrc32 } from 'node:zlib';
import type { Partitioner } from '../definition/definition.ts';

/** Null where the partition cannot be told from the key: no key, or an unknown partitioner. */
export function partitionOf(key: Uint8Array | null, partitions: number, partitioner: Partitioner): number | null {
  if (key === null || partitioner === 'unknown') return null;
  if (partitions === 1) return 0;
  return partitioner === 'crc32' ? zlibCrc32(key) % partitions : (murmur2(key) & 0x7fffffff) % partitions;
}

const MULTIPLIER = 0x5bd1e995;
const SEED = 0x9747b28c;

/** MurmurHash2 (A. Appleby), 32 bits, with the seed that Kafka's Java producer uses. Signed. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = SEED ^ length;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    const word =
      byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
    let mixed = Math.imul(word, MULTIPLIER);
    mixed = Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ mixed;
  }
  const rest = length - whole;
  if (rest === 3) hash ^= byte(bytes, whole + 2) << 16;
  if (rest >= 2) hash ^= byte(bytes, whole + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ byte(bytes, whole), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return (hash ^ (hash >>> 15)) | 0;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
