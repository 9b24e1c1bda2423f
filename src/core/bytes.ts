/** A growing byte buffer and its checked reader: the only place that touches binary layout. Little endian. */
import { assert } from './assert.ts';
import { SkewlessError } from './errors.ts';

const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder('utf-8', { fatal: true });

const SHARED_BYTES = 65_536;
const SHARED_COPY_BYTES_MAX = 512;
/** For so few bytes a loop is faster than a call that wants an object made. */
const LOOP_COPY_BYTES_MAX = 512;
/** So is decoding so short a text without the decoder. */
const ASCII_LOOP_BYTES_MAX = 12;
const CHARACTERS = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code));
let shared = new Uint8Array(0);
let sharedFrom = 0;

/** Thrown by `ByteReader` and decoders: bytes that are not what a writer of ours wrote. */
export class CorruptBytesError extends SkewlessError {
  constructor(message: string, cause?: unknown) {
    super('corrupt_state', message, { cause });
    this.name = 'CorruptBytesError';
  }
}

/** `bytes[from, to)` into `target` from `at` on, where there must be room. */
export function copyBytes(bytes: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > LOOP_COPY_BYTES_MAX) {
    target.set(bytes.subarray(from, to), at);
    return;
  }
  const shift = at - from;
  for (let index = from; index < to; index++) target[index + shift] = bytes[index] as number;
}

/** A short text of `length` bytes from `at` on; null: some of it is not ASCII. */
export function asciiText(bytes: Uint8Array, at: number, length: number): string | null {
  let text = '';
  for (let index = at; index < at + length; index++) {
    const byte = bytes[index] as number;
    if (byte >= 0x80) return null;
    text += CHARACTERS[byte] as string;
  }
  return text;
}

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  i64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.length, value, true);
    this.length += 8;
  }

  /** LEB128 of a non-negative safe integer: 1 to 8 bytes. */
  varint(value: number): void {
    this.#reserve(8);
    if (value < 0x80 && value >= 0) {
      this.#bytes[this.length++] = value;
      return;
    }
    assert(Number.isSafeInteger(value) && value >= 0, 'varint takes a non-negative safe integer');
    let bits = value;
    if (value > 0x7fff_ffff) {
      // Four bytes at once, by a division that is exact: the rest of it fits in 25 bits.
      const high = Math.floor(value / 0x1000_0000);
      let low = (value - high * 0x1000_0000) | 0;
      for (let count = 0; count < 4; count++) {
        this.#bytes[this.length++] = (low & 0x7f) | 0x80;
        low >>>= 7;
      }
      bits = high;
    }
    bits |= 0;
    while (bits >= 0x80) {
      this.#bytes[this.length++] = (bits & 0x7f) | 0x80;
      bits >>>= 7;
    }
    this.#bytes[this.length++] = bits;
  }

  /** Zigzag LEB128 of an integer with |value| < 2^52 (event times are; use `f64` for other integers). */
  svarint(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  string(value: string): void {
    const { length } = value;
    this.#reserve(length * 3 + 8);
    if (length < 0x80 && this.#ascii(value)) return;
    const encoded = TEXT_ENCODER.encode(value);
    this.varint(encoded.length);
    this.raw(encoded);
  }

  /** Writes a short string of ASCII with its length; writes nothing and answers false for any other. */
  #ascii(value: string): boolean {
    const bytes = this.#bytes;
    const { length } = value;
    let at = this.length;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      bytes[at++] = unit;
    }
    this.length = at;
    return true;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** `bytes[from, to)`. */
  part(bytes: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    copyBytes(bytes, from, to, this.#bytes, this.length);
    this.length += to - from;
  }

  /** Sets a bit, 0 to 7, of a byte written before, such as a flag kept free. */
  setBit(at: number, bit: number): void {
    assert(at < this.length, 'set a bit within what was written');
    this.#bytes[at] = (this.#bytes[at] as number) | (1 << bit);
  }

  /** Puts another value where `u32` wrote one. */
  setU32(at: number, value: number): void {
    assert(at + 4 <= this.length, 'set a number within what was written');
    this.#view.setUint32(at, value, true);
  }

  /** A double written before, at `at`. */
  f64At(at: number): number {
    return this.#view.getFloat64(at, true);
  }

  /** The buffer being written, of which `length` bytes count; valid until the next write. */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  /** Forgets the first `count` bytes. */
  dropFirst(count: number): void {
    this.#bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  /** Puts what was written from `second` on before what was written from `first` on. */
  rotate(first: number, second: number): void {
    const moved = this.copy(second);
    this.#bytes.copyWithin(first + moved.length, first, second);
    this.#bytes.set(moved, first);
  }

  /** A copy of what was written since `from`. */
  copy(from = 0): Uint8Array {
    return this.#bytes.slice(from, this.length);
  }

  /**
   * A copy of all that was written, in memory that short-lived copies share: it is not given back before all of them
   * are gone. Allocating one by one costs more than writing what they hold.
   */
  copyShared(): Uint8Array {
    const { length } = this;
    if (length > SHARED_COPY_BYTES_MAX) return this.copy();
    if (sharedFrom + length > shared.length) {
      shared = new Uint8Array(SHARED_BYTES);
      sharedFrom = 0;
    }
    const copied = shared.subarray(sharedFrom, sharedFrom + length);
    copyBytes(this.#bytes, 0, length, copied, 0);
    sharedFrom += length;
    return copied;
  }

  reset(): void {
    this.length = 0;
  }
}

/** Reads what `ByteWriter` wrote; every short or malformed read throws `CorruptBytesError`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  position: number;

  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = from;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.position;
  }

  #take(count: number): number {
    const at = this.position;
    if (count < 0 || at + count > this.#end)
      throw new CorruptBytesError(`${count} bytes wanted at ${at}, ${this.#end - at} left`);
    this.position = at + count;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  /** Bit `index` of the bytes from `at` on, which were read before. */
  bit(at: number, index: number): boolean {
    return (((this.#bytes[at + (index >> 3)] as number) >> (index & 7)) & 1) === 1;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  varint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    // Four bytes are as many as a small integer has room for.
    let value = first & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return this.#longVarint(value);
  }

  #longVarint(low: number): number {
    let value = low;
    let scale = 0x1000_0000;
    for (let count = 4; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new CorruptBytesError('varint out of range');
  }

  svarint(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  string(): string {
    const length = this.varint();
    const at = this.#take(length);
    if (length <= ASCII_LOOP_BYTES_MAX) {
      const text = asciiText(this.#bytes, at, length);
      if (text !== null) return text;
    }
    try {
      return TEXT_DECODER.decode(this.#bytes.subarray(at, at + length));
    } catch (cause) {
      throw new CorruptBytesError('not UTF-8', cause);
    }
  }

  /** A view of the next `count` bytes, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }
}
