/**
 * The entities that labels ask for, as bits (a Bloom filter with one hash): events of others need not be kept. It may take an
 * entity for one of them that is not, and never the other way round; what it lets through is sorted out by a join.
 */
import { murmur2 } from '../log/partitioner.ts';

const BITS = 2 ** 26;

export class EntityFilter {
  readonly #bits: Uint8Array;

  constructor(bits: Uint8Array = new Uint8Array(BITS / 8)) {
    this.#bits = bits;
  }

  add(lane: number, hash: number): void {
    const bit = bitOf(lane, hash);
    this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] as number) | (1 << (bit & 7));
  }

  mayHave(lane: number, hash: number): boolean {
    const bit = bitOf(lane, hash);
    return ((this.#bits[bit >>> 3] as number) & (1 << (bit & 7))) !== 0;
  }

  get bytes(): Uint8Array {
    return this.#bits;
  }
}

function bitOf(lane: number, hash: number): number {
  return (hash ^ Math.imul(lane, 0x9e3779b1)) & (BITS - 1);
}

/** Entities are spread over so many buckets, of which a part of the work takes some. */
export const BUCKETS = 1_024;

/** By the highest bits. */
export function bucketOf(hash: number): number {
  return hash >>> 22;
}

const TEXT_ENCODER = new TextEncoder();
/** Hashes that are remembered. */
const HASHES_MAX = 100_000;

/** Of an entity key's text, 32 bits; remembered for a while, as entities come again. */
export function createEntityHash(): (entity: string) => number {
  const known = new Map<string, number>();
  return (entity) => {
    let hash = known.get(entity);
    if (hash === undefined) {
      if (known.size >= HASHES_MAX) known.clear();
      hash = murmur2(TEXT_ENCODER.encode(entity)) >>> 0;
      known.set(entity, hash);
    }
    return hash;
  };
}
