/**
 * Columns of DuckDB's chunks as the memory they are: the library's own way calls several functions for each value, and makes
 * a bigint for each that may be null. Types that are not listed here go through the library.
 */
import type { DuckDBDataChunk, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { Vector } from '@duckdb/node-bindings';
import { asciiText } from './bytes.ts';
import type { DuckDB } from './duckdb.ts';

export type Bindings = typeof import('@duckdb/node-bindings');

/** DuckDB's own unit: a chunk holds no more. */
export const CHUNK_ROWS = 2_048;

/** A text or blob: its length, and itself if it is short, else where it is. */
export const TEXT_BYTES = 16;
export const INLINE_BYTES_MAX = 12;
export const LENGTH_BYTES = 4;
export const WORDS = TEXT_BYTES / 4;
const POINTER_AT = 8;

/** The values of one column of a chunk. Good as long as somebody holds the chunk, in whose memory long texts lie. */
export type ColumnReader = (row: number) => DuckDBValue;

export function loadBindings(): Promise<Bindings> {
  return import('@duckdb/node-bindings').then(({ default: bindings }) => bindings);
}

export function doublesOf(bindings: Bindings, chunk: DuckDBDataChunk, column: number): Float64Array {
  const { buffer, byteOffset } = dataOf(bindings, vectorOf(bindings, chunk, column), chunk.rowCount * 8);
  return new Float64Array(buffer, byteOffset, chunk.rowCount);
}

function integersOf(bindings: Bindings, chunk: DuckDBDataChunk, column: number): Int32Array {
  const { buffer, byteOffset } = dataOf(bindings, vectorOf(bindings, chunk, column), chunk.rowCount * 4);
  return new Int32Array(buffer, byteOffset, chunk.rowCount);
}

/** Of texts or blobs. */
function bytesOf(bindings: Bindings, chunk: DuckDBDataChunk, column: number): (row: number) => Uint8Array {
  return bytesReader(bindings, dataOf(bindings, vectorOf(bindings, chunk, column), chunk.rowCount * TEXT_BYTES));
}

export function vectorOf(bindings: Bindings, { chunk }: DuckDBDataChunk, column: number): Vector {
  return bindings.data_chunk_get_vector(chunk, column);
}

function dataOf(bindings: Bindings, vector: Vector, bytes: number): Uint8Array<ArrayBuffer> {
  return bindings.vector_get_data(vector, bytes) as Uint8Array<ArrayBuffer>;
}

export function readerOf(
  { DuckDBTypeId, DuckDBBlobValue }: DuckDB,
  bindings: Bindings,
  chunk: DuckDBDataChunk,
  column: number,
  type: DuckDBType,
): ColumnReader {
  const { rowCount } = chunk;
  const vector = vectorOf(bindings, chunk, column);
  const data = (width: number): Uint8Array<ArrayBuffer> => dataOf(bindings, vector, rowCount * width);
  const values = (read: ColumnReader): ColumnReader => whereValid(bindings, vector, rowCount, read);
  switch (type.typeId) {
    case DuckDBTypeId.DOUBLE: {
      const numbers = doublesOf(bindings, chunk, column);
      return values((row) => numbers[row] as number);
    }
    case DuckDBTypeId.INTEGER: {
      const numbers = integersOf(bindings, chunk, column);
      return values((row) => numbers[row] as number);
    }
    case DuckDBTypeId.UTINYINT: {
      const bytes = data(1);
      return values((row) => bytes[row] as number);
    }
    case DuckDBTypeId.BOOLEAN: {
      const bytes = data(1);
      return values((row) => bytes[row] !== 0);
    }
    case DuckDBTypeId.BIGINT: {
      const bytes = data(8);
      const numbers = new BigInt64Array(bytes.buffer, bytes.byteOffset, rowCount);
      return values((row) => numbers[row] as bigint);
    }
    case DuckDBTypeId.VARCHAR:
      return values(textReader(bindings, data(TEXT_BYTES)));
    case DuckDBTypeId.BLOB: {
      const bytesAt = bytesOf(bindings, chunk, column);
      // A copy, whatever it is a view of.
      return values((row) => new DuckDBBlobValue(new Uint8Array(bytesAt(row))));
    }
    default: {
      const items = chunk.getColumnVector(column);
      return (row) => items.getItem(row);
    }
  }
}

function whereValid(bindings: Bindings, vector: Vector, rows: number, read: ColumnReader): ColumnReader {
  const validity = bindings.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null;
  if (validity === null) return read;
  return (row) => (isSet(validity, row) ? read(row) : null);
}

function isSet(validity: Uint8Array, row: number): boolean {
  return (((validity[row >> 3] as number) >> (row & 7)) & 1) === 1;
}

function bytesReader(bindings: Bindings, data: Uint8Array<ArrayBuffer>): (row: number) => Uint8Array {
  const { buffer, byteOffset } = data;
  const view = new DataView(buffer, byteOffset, data.byteLength);
  return (row) => {
    const at = row * TEXT_BYTES;
    const length = view.getUint32(at, true);
    return length <= INLINE_BYTES_MAX
      ? data.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length)
      : bindings.get_data_from_pointer(buffer, byteOffset + at + POINTER_AT, length);
  };
}

const TEXT_DECODER = new TextDecoder();
/** Short texts that were read, by a hash of their words: keys of entities come again and again. */
const KNOWN_TEXTS = 65_536;
const knownWords = new Int32Array(KNOWN_TEXTS * WORDS);
const knownTexts: string[] = Array.from({ length: KNOWN_TEXTS }, () => '');
/** Others that a chunk's column may put out of their places, beyond one for each text of its own that was known. */
const PUT_OUT_MAX = 128;

function textReader(bindings: Bindings, data: Uint8Array<ArrayBuffer>): (row: number) => string {
  const words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  const bytesAt = bytesReader(bindings, data);
  let mayPutOut = PUT_OUT_MAX;
  return (row) => {
    const at = row * WORDS;
    const [length, one, two, three] = [words[at], words[at + 1], words[at + 2], words[at + 3]] as Words;
    if (length > INLINE_BYTES_MAX || length < 0) return TEXT_DECODER.decode(bytesAt(row));
    const hash = Math.imul(Math.imul(Math.imul(length ^ one, 0x9e3779b1) ^ two, 0x85ebca6b) ^ three, 0xc2b2ae35);
    const place = (hash >>> 16) % KNOWN_TEXTS;
    const known = place * WORDS;
    const isKnown =
      knownWords[known] === length &&
      knownWords[known + 1] === one &&
      knownWords[known + 2] === two &&
      knownWords[known + 3] === three;
    if (isKnown) {
      mayPutOut += 1;
      return knownTexts[place] as string;
    }
    const text = asciiText(data, row * TEXT_BYTES + LENGTH_BYTES, length) ?? TEXT_DECODER.decode(bytesAt(row));
    // Texts that never come again would put out those that do, and keep garbage from being collected while it is young.
    if (knownWords[known] !== 0 && --mayPutOut < 0) return text;
    knownWords.set([length, one, two, three], known);
    return (knownTexts[place] = text);
  };
}

type Words = [number, number, number, number];

/** The longest text of the column, in bytes. */
export function textBytesMax(bindings: Bindings, chunk: DuckDBDataChunk, column: number): number {
  const { rowCount } = chunk;
  const { buffer, byteOffset } = dataOf(bindings, vectorOf(bindings, chunk, column), rowCount * TEXT_BYTES);
  const words = new Uint32Array(buffer, byteOffset, rowCount * WORDS);
  let longest = 0;
  // Where it is null, any number lies there, which is no harm but work.
  for (let at = 0; at < words.length; at += WORDS) longest = Math.max(longest, words[at] as number);
  return longest;
}

/** Within so many microseconds, in the years 1828 to 2112, a double is exact, and so is what is left of its thousandth. */
const MICROS_EXACT = 2 ** 52;
export const TWO_32 = 2 ** 32;

/**
 * Of timestamps, milliseconds, cut off toward the past; NaN: null, or too far away to be told so. Null: the column holds
 * nothing of the kind.
 */
export function timestampsOf(
  { DuckDBTypeId }: DuckDB,
  bindings: Bindings,
  chunk: DuckDBDataChunk,
  column: number,
  { typeId }: DuckDBType,
): ((row: number) => number) | null {
  if (typeId !== DuckDBTypeId.TIMESTAMP && typeId !== DuckDBTypeId.TIMESTAMP_TZ) return null;
  const { rowCount } = chunk;
  const vector = vectorOf(bindings, chunk, column);
  const { buffer, byteOffset } = dataOf(bindings, vector, rowCount * 8);
  const words = new Int32Array(buffer, byteOffset, rowCount * 2);
  const isValid = whereValid(bindings, vector, rowCount, () => true);
  return (row) => {
    const micros = (words[row * 2 + 1] as number) * TWO_32 + ((words[row * 2] as number) >>> 0);
    return isValid(row) === true && Math.abs(micros) < MICROS_EXACT ? Math.floor(micros / 1_000) : Number.NaN;
  };
}
