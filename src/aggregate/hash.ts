/**
 * The pinned hash of sketches: MurmurHash3_x86_128 (A. Appleby, public domain, SMHasher revision 136) with seed 0 over
 * a type tag and the value's bytes, of which the first 64 bits are used. Changing a bit here changes stored states.
 */
import { assert } from '../core/assert.ts';
import type { ScalarKind, Value } from '../core/value.ts';

/** The first 64 bits of a hash, as two unsigned words. Reused by the caller: nothing is allocated for a hash. */
export interface HashWords {
  first: number;
  second: number;
}

/** Numbers share a tag, so that a column that turns from `int` to `double` keeps its hashes. */
const TAGS: Readonly<Record<ScalarKind, number>> = { double: 1, int: 1, string: 2, int64: 3, bool: 4, timestamp: 5 };

const TEXT_ENCODER = new TextEncoder();
const BLOCK_BYTES = 16;

/** Tag and bytes of the value being hashed; what follows them up to the next block is zero. Long text gets its own. */
const SCRATCH = new Uint8Array(1_024);
const SCRATCH_VIEW = new DataView(SCRATCH.buffer);
const LANES = new Uint32Array(4);

/** A function that hashes values of one type. */
export function compileHash(kind: ScalarKind): (value: Value, into: HashWords) => void {
  const tag = TAGS[kind];
  switch (kind) {
    case 'string':
      return (value, into) => hashText(value as string, tag, into);
    case 'int64':
      return (value, into) => {
        SCRATCH_VIEW.setBigInt64(1, value as bigint, true);
        hashScratch(tag, 8, into);
      };
    case 'bool':
      return (value, into) => {
        SCRATCH[1] = value === true ? 1 : 0;
        hashScratch(tag, 1, into);
      };
    case 'int':
    case 'double':
    case 'timestamp':
      return (value, into) => {
        SCRATCH_VIEW.setFloat64(1, value as number, true);
        hashScratch(tag, 8, into);
      };
  }
}

function hashText(text: string, tag: number, into: HashWords): void {
  const room = text.length * 3 + 1 + BLOCK_BYTES;
  if (room <= SCRATCH.length) {
    hashScratch(tag, writeText(text), into);
    return;
  }
  const bytes = new Uint8Array(room);
  bytes[0] = tag;
  const { written } = TEXT_ENCODER.encodeInto(text, bytes.subarray(1));
  murmur3(bytes, written + 1, 0, LANES);
  take(into);
}

/** Writes the text after where its tag goes; answers its bytes. Most is ASCII, which needs no encoder. */
function writeText(text: string): number {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return TEXT_ENCODER.encodeInto(text, SCRATCH.subarray(1)).written;
    SCRATCH[index + 1] = unit;
  }
  return text.length;
}

function hashScratch(tag: number, length: number, into: HashWords): void {
  SCRATCH[0] = tag;
  for (let at = length + 1; at % BLOCK_BYTES !== 0; at++) SCRATCH[at] = 0;
  murmur3(SCRATCH, length + 1, 0, LANES);
  take(into);
}

function take(into: HashWords): void {
  into.first = LANES[0] as number;
  into.second = LANES[1] as number;
}

/** MurmurHash3_x86_128 of the first `length` bytes. `bytes` goes on with zeros up to a multiple of 16. */
export function murmur3(bytes: Uint8Array, length: number, seed: number, lanes: Uint32Array): void {
  const end = length - (length % BLOCK_BYTES);
  assert(bytes.length >= (length === end ? end : end + BLOCK_BYTES), 'bytes are padded to a whole block');
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  let at = 0;
  for (; at < end; at += BLOCK_BYTES) {
    h1 = rotate(h1 ^ mix1(word(bytes, at)), 19) + h2;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    h2 = rotate(h2 ^ mix2(word(bytes, at + 4)), 17) + h3;
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    h3 = rotate(h3 ^ mix3(word(bytes, at + 8)), 15) + h4;
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;
    h4 = rotate(h4 ^ mix4(word(bytes, at + 12)), 13) + h1;
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
  }
  if (at < length) {
    // The zeros after the tail mix to zero, as the reference leaves them out.
    h1 ^= mix1(word(bytes, at));
    h2 ^= mix2(word(bytes, at + 4));
    h3 ^= mix3(word(bytes, at + 8));
    h4 ^= mix4(word(bytes, at + 12));
  }
  finish(h1 ^ length, h2 ^ length, h3 ^ length, h4 ^ length, lanes);
}

function finish(one: number, two: number, three: number, four: number, lanes: Uint32Array): void {
  let h1 = (one + two + three + four) | 0;
  const h2 = avalanche((two + h1) | 0);
  const h3 = avalanche((three + h1) | 0);
  const h4 = avalanche((four + h1) | 0);
  h1 = (avalanche(h1) + h2 + h3 + h4) | 0;
  lanes[0] = h1;
  lanes[1] = h2 + h1;
  lanes[2] = h3 + h1;
  lanes[3] = h4 + h1;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

function mix1(k: number): number {
  return Math.imul(rotate(Math.imul(k, 0x239b961b), 15), 0xab0e9789);
}

function mix2(k: number): number {
  return Math.imul(rotate(Math.imul(k, 0xab0e9789), 16), 0x38b34ae5);
}

function mix3(k: number): number {
  return Math.imul(rotate(Math.imul(k, 0x38b34ae5), 17), 0xa1e38b93);
}

function mix4(k: number): number {
  return Math.imul(rotate(Math.imul(k, 0xa1e38b93), 18), 0x239b961b);
}

function avalanche(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
