/**
 * Columns of chunks to be, as the memory they will be (duckdb-vectors.ts). Rows are written one by one, each once, in order.
 */
import type { DuckDBBlobValue, DuckDBDataChunk, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { Vector } from '@duckdb/node-bindings';
import { copyBytes } from './bytes.ts';
import type { DuckDB } from './duckdb.ts';
import {
  type Bindings,
  CHUNK_ROWS,
  INLINE_BYTES_MAX,
  LENGTH_BYTES,
  TEXT_BYTES,
  WORDS,
  TWO_32,
  vectorOf,
} from './duckdb-vectors.ts';

export interface ColumnWriter {
  put(row: number, value: DuckDBValue): void;
  /** Into a column of a chunk of so many rows; what was put is forgotten. */
  flush(chunk: DuckDBDataChunk, column: number, rows: number): void;
}

/** What of a chunk is null, as bits that are not set. */
class Validity {
  readonly #bits = new Uint8Array(CHUNK_ROWS / 8).fill(0xff);
  #hasNulls = false;

  clear(row: number): void {
    this.#bits[row >> 3] = (this.#bits[row >> 3] as number) & ~(1 << (row & 7));
    this.#hasNulls = true;
  }

  flush(bindings: Bindings, vector: Vector): void {
    if (!this.#hasNulls) return;
    bindings.vector_ensure_validity_writable(vector);
    bindings.copy_data_to_vector_validity(vector, 0, this.#bits.buffer, 0, this.#bits.byteLength);
    this.#bits.fill(0xff);
    this.#hasNulls = false;
  }
}

export function writerOf({ DuckDBTypeId }: DuckDB, bindings: Bindings, type: DuckDBType): ColumnWriter {
  switch (type.typeId) {
    case DuckDBTypeId.DOUBLE:
      return numberWriter(bindings, new Float64Array(CHUNK_ROWS));
    case DuckDBTypeId.INTEGER:
      return numberWriter(bindings, new Int32Array(CHUNK_ROWS));
    case DuckDBTypeId.UTINYINT:
      return numberWriter(bindings, new Uint8Array(CHUNK_ROWS));
    case DuckDBTypeId.BIGINT:
      return integerWriter(bindings);
    case DuckDBTypeId.VARCHAR:
      return textWriter(bindings, inlineText, String, (vector, row, text) =>
        bindings.vector_assign_string_element(vector, row, text),
      );
    case DuckDBTypeId.BLOB:
      return textWriter(
        bindings,
        inlineBlob,
        ({ bytes }) => bytes,
        (vector, row, blob) => bindings.vector_assign_string_element_len(vector, row, blob),
      );
    default:
      return anyWriter();
  }
}

function flat(
  bindings: Bindings,
  data: ArrayBufferView<ArrayBuffer>,
  put: (row: number, value: NonNullable<DuckDBValue>) => void,
): ColumnWriter {
  const validity = new Validity();
  const width = data.byteLength / CHUNK_ROWS;
  return {
    put(row, value) {
      if (value === null) validity.clear(row);
      else put(row, value);
    },
    flush(chunk, column, rows) {
      const vector = vectorOf(bindings, chunk, column);
      bindings.copy_data_to_vector(vector, 0, data.buffer, data.byteOffset, rows * width);
      validity.flush(bindings, vector);
    },
  };
}

function numberWriter(
  bindings: Bindings,
  numbers: Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): ColumnWriter {
  return flat(bindings, numbers, (row, value) => {
    numbers[row] = value as number;
  });
}

/** Safe integers, as the two words that they are, or bigints. */
function integerWriter(bindings: Bindings): ColumnWriter {
  const words = new Int32Array(CHUNK_ROWS * 2);
  const whole = new BigInt64Array(words.buffer);
  return flat(bindings, words, (row, value) => {
    if (typeof value === 'bigint') whole[row] = value;
    else {
      words[row * 2] = value as number;
      words[row * 2 + 1] = Math.floor((value as number) / TWO_32);
    }
  });
}

/** Short ones are written where they will lie, long ones by the library; `inline` answers false: this one is long. */
function textWriter<T extends DuckDBValue, Kept>(
  bindings: Bindings,
  inline: (value: T, into: Uint8Array, at: number) => boolean,
  keep: (value: T) => Kept,
  assign: (vector: Vector, row: number, value: Kept) => void,
): ColumnWriter {
  const data = new Uint8Array(CHUNK_ROWS * TEXT_BYTES);
  const words = new Int32Array(data.buffer);
  let long: { readonly row: number; readonly value: Kept }[] = [];
  function clear(row: number): void {
    const at = row * WORDS;
    for (let word = at; word < at + WORDS; word++) words[word] = 0;
  }
  const writer = flat(bindings, data, (row, value) => {
    clear(row);
    if (inline(value as T, data, row * TEXT_BYTES)) return;
    clear(row);
    long.push({ row, value: keep(value as T) });
  });
  return {
    put: writer.put,
    flush(chunk, column, rows) {
      writer.flush(chunk, column, rows);
      for (const { row, value } of long) assign(vectorOf(bindings, chunk, column), row, value);
      long = [];
    },
  };
}

function inlineText(text: string, into: Uint8Array, at: number): boolean {
  const { length } = text;
  if (length > INLINE_BYTES_MAX) return false;
  into[at] = length;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return false;
    into[at + LENGTH_BYTES + index] = unit;
  }
  return true;
}

function inlineBlob({ bytes }: DuckDBBlobValue, into: Uint8Array, at: number): boolean {
  const { length } = bytes;
  if (length > INLINE_BYTES_MAX) return false;
  into[at] = length;
  copyBytes(bytes, 0, length, into, at + LENGTH_BYTES);
  return true;
}

/** By the library. */
function anyWriter(): ColumnWriter {
  let values: DuckDBValue[] = [];
  return {
    put: (row, value) => {
      values[row] = value;
    },
    flush(chunk, column) {
      chunk.setColumnValues(column, values);
      values = [];
    },
  };
}
