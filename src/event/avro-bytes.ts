/**
 * Avro's binary primitives, of bytes that nobody vouches for: no length or count is believed before the bytes are there. A
 * long is exact: a number within ±(2^53−1), a bigint beyond.
 */

/** What the bytes are not; caught where a record's reading began. */
export class MalformedAvro extends Error {}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const VARINT_BYTES_MAX = 10;
const INT_MAX = 2 ** 31;
const ASCII_MAX = 0x7f;

export class AvroBytes {
  readonly #buffer: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, from: number) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = from;
  }

  isAtEnd(): boolean {
    return this.#at === this.#buffer.length;
  }

  /** Position before the next `length` bytes, which are there. */
  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || length > this.#buffer.length - at) throw new MalformedAvro('the bytes end too early');
    this.#at = at + length;
    return at;
  }

  boolean(): boolean {
    const byte = this.#buffer[this.#take(1)] as number;
    if (byte > 1) throw new MalformedAvro('a boolean is neither 0 nor 1');
    return byte === 1;
  }

  float(): number {
    return this.#buffer.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  int(): number {
    const value = this.long();
    if (typeof value === 'bigint' || value < -INT_MAX || value >= INT_MAX) {
      throw new MalformedAvro('an int is beyond 32 bits');
    }
    return value;
  }

  long(): number | bigint {
    let bits = 0;
    let scale = 1;
    for (let count = 0; count < 7; count++) {
      const byte = this.#buffer[this.#take(1)] as number;
      bits += (byte & 0x7f) * scale;
      if (byte <= ASCII_MAX) return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2;
      scale *= 128;
    }
    return this.#longBeyond(BigInt(bits));
  }

  /** `bits`: its first 49. */
  #longBeyond(first: bigint): number | bigint {
    let bits = first;
    for (let count = 7; count < VARINT_BYTES_MAX; count++) {
      const byte = this.#buffer[this.#take(1)] as number;
      bits += BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte > ASCII_MAX) continue;
      if (bits >= 2n ** 64n) break;
      const value = (bits & 1n) === 0n ? bits >> 1n : -((bits + 1n) >> 1n);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    throw new MalformedAvro('a long is beyond 64 bits');
  }

  #length(): number {
    return Number(this.long());
  }

  string(): string {
    const length = this.#length();
    const from = this.#take(length);
    const to = from + length;
    for (let at = from; at < to; at++) {
      if ((this.#buffer[at] as number) > ASCII_MAX) return utf8(this.#buffer.subarray(from, to));
    }
    return this.#buffer.toString('latin1', from, to);
  }

  bytes(): Buffer {
    return this.fixed(this.#length());
  }

  fixed(length: number): Buffer {
    const from = this.#take(length);
    return this.#buffer.subarray(from, from + length);
  }

  /** Of the next block of an array or a map; 0: there is none. */
  blockCount(): number {
    const count = this.#length();
    if (count >= 0) return count;
    // Whoever wrote the block also says its size, for those who pass over it.
    this.long();
    return -count;
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new MalformedAvro('a string is not UTF-8');
  }
}
