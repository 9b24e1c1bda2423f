/**
 * The entities that labels ask for, as bits (a Bloom filter with one hash): events of others need not be kept. It may take an
 * entity for one of them that is not, and never the other way round; what it lets through is sorted out by a join.
 */
import { murmur2 } from '../log/partitioner.ts';

const BITS = 2 ** 26;
const TEXT_ENCODER = new TextEncoder();
const text = new Uint8Array(8_192);

export class EntityFilter {
  readonly #bits: Uint8Array;

  constructor(bits: Uint8Array = new Uint8Array(BITS / 8)) {
    this.#bits = bits;
  }

  add(lane: number, entity: string): void {
    const bit = bitOf(lane, entity);
    this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] as number) | (1 << (bit & 7));
  }

  mayHave(lane: number, entity: string): boolean {
    const bit = bitOf(lane, entity);
    return ((this.#bits[bit >>> 3] as number) & (1 << (bit & 7))) !== 0;
  }

  get bytes(): Uint8Array {
    return this.#bits;
  }
}

/** Keys of entities are far shorter than the buffer (entity-key.ts). */
function bitOf(lane: number, entity: string): number {
  const { written } = TEXT_ENCODER.encodeInto(entity, text);
  return (murmur2(text.subarray(0, written)) ^ Math.imul(lane, 0x9e3779b1)) & (BITS - 1);
}
