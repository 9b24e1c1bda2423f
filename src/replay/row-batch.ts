/** Rows in memory, and their order: of their entities, then of three numbers. */
import { ByteReader, ByteWriter } from '../core/bytes.ts';

/** What rows are sorted by, first to last. */
export interface RowKey {
  readonly id: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

/** One row after another; what it shows of a row is good until the next. */
export interface SortedRows extends RowKey {
  /** At the row, in these bytes. */
  readonly reader: ByteReader;
  readonly bytes: Uint8Array;
  /** Where the row ends there. */
  readonly end: number;
  /** Goes to the next row, the first one to begin with; false: there is none. */
  next(): boolean;
}

const ROWS_AT_FIRST = 4_096;
const BYTES_AT_FIRST = 262_144;
/** Of a row's key and place. */
const ROW_BYTES = 32;

type Numbers = Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

function grown<T extends Numbers>(numbers: T, length: number): T {
  const larger = new (numbers.constructor as new (length: number) => T)(length);
  larger.set(numbers);
  return larger;
}

/** Rows in memory. */
export class RowBatch {
  rows = 0;
  ids = new Int32Array(ROWS_AT_FIRST);
  firsts = new Float64Array(ROWS_AT_FIRST);
  seconds = new Float64Array(ROWS_AT_FIRST);
  thirds = new Float64Array(ROWS_AT_FIRST);
  ends = new Int32Array(ROWS_AT_FIRST);
  /** Of one row after another. */
  readonly content = new ByteWriter(BYTES_AT_FIRST);

  get bytes(): number {
    return this.rows * ROW_BYTES + this.content.length;
  }

  startOf(row: number): number {
    return row === 0 ? 0 : (this.ends[row - 1] as number);
  }

  push(id: number, first: number, second: number, third: number, bytes: Uint8Array, from: number, to: number): void {
    const row = this.rows;
    if (row === this.ids.length) this.#growRows(row * 2);
    this.ids[row] = id;
    this.firsts[row] = first;
    this.seconds[row] = second;
    this.thirds[row] = third;
    this.content.part(bytes, from, to);
    this.ends[row] = this.content.length;
    this.rows = row + 1;
  }

  #growRows(length: number): void {
    this.ids = grown(this.ids, length);
    this.firsts = grown(this.firsts, length);
    this.seconds = grown(this.seconds, length);
    this.thirds = grown(this.thirds, length);
    this.ends = grown(this.ends, length);
  }

  clear(): void {
    this.rows = 0;
    this.content.reset();
  }

  sorted(): BatchRows {
    return new BatchRows(this, this.#order());
  }

  /** Ids are dense, so rows are counted into their places; then those of each are sorted among themselves. */
  #order(): Uint32Array {
    const { rows, ids } = this;
    let idMax = -1;
    for (let row = 0; row < rows; row++) idMax = Math.max(idMax, ids[row] as number);
    const next = new Uint32Array(idMax + 2);
    for (let row = 0; row < rows; row++)
      next[(ids[row] as number) + 1] = (next[(ids[row] as number) + 1] as number) + 1;
    for (let id = 0; id <= idMax; id++) next[id + 1] = (next[id + 1] as number) + (next[id] as number);
    const order = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      const id = ids[row] as number;
      const at = next[id] as number;
      order[at] = row;
      next[id] = at + 1;
    }
    const other = new Uint32Array(rows);
    // Where each id's rows began is where those of the one before ended by now.
    for (let id = 0; id <= idMax; id++)
      this.#sort(order, other, id === 0 ? 0 : (next[id - 1] as number), next[id] as number);
    return order;
  }

  /** Merge sort of `order[from, to)`, from the bottom up, over runs sorted by insertion. */
  #sort(order: Uint32Array, other: Uint32Array, from: number, to: number): void {
    for (let at = from; at < to; at += INSERTED_ROWS) this.#insert(order, at, Math.min(to, at + INSERTED_ROWS));
    let [source, target] = [order, other];
    for (let width = INSERTED_ROWS; width < to - from; width *= 2) {
      for (let at = from; at < to; at += width * 2) {
        this.#merge(source, target, at, Math.min(to, at + width), Math.min(to, at + width * 2));
      }
      [source, target] = [target, source];
    }
    if (source !== order) order.set(source.subarray(from, to), from);
  }

  #insert(order: Uint32Array, from: number, to: number): void {
    for (let at = from + 1; at < to; at++) {
      const row = order[at] as number;
      let place = at;
      for (; place > from && this.#isBefore(row, order[place - 1] as number); place--) {
        order[place] = order[place - 1] as number;
      }
      order[place] = row;
    }
  }

  #merge(source: Uint32Array, target: Uint32Array, from: number, middle: number, to: number): void {
    let [left, right] = [from, middle];
    for (let at = from; at < to; at++) {
      const isRight =
        left === middle || (right < to && this.#isBefore(source[right] as number, source[left] as number));
      target[at] = source[isRight ? right++ : left++] as number;
    }
  }

  /** Of rows of one id. */
  #isBefore(one: number, other: number): boolean {
    const { firsts, seconds, thirds } = this;
    if (firsts[one] !== firsts[other]) return (firsts[one] as number) < (firsts[other] as number);
    if (seconds[one] !== seconds[other]) return (seconds[one] as number) < (seconds[other] as number);
    return (thirds[one] as number) < (thirds[other] as number);
  }
}

const INSERTED_ROWS = 8;

export class BatchRows implements SortedRows {
  readonly #batch: RowBatch;
  readonly #order: Uint32Array;
  readonly reader: ByteReader;
  readonly bytes: Uint8Array;
  #at = -1;
  id = -1;
  first = 0;
  second = 0;
  third = 0;

  constructor(batch: RowBatch, order: Uint32Array) {
    this.#batch = batch;
    this.#order = order;
    this.bytes = batch.content.buffer;
    this.reader = new ByteReader(this.bytes);
  }

  next(): boolean {
    this.#at += 1;
    if (this.#at >= this.#order.length) return false;
    const row = this.#order[this.#at] as number;
    const batch = this.#batch;
    this.id = batch.ids[row] as number;
    this.first = batch.firsts[row] as number;
    this.second = batch.seconds[row] as number;
    this.third = batch.thirds[row] as number;
    this.reader.position = batch.startOf(row);
    return true;
  }

  get end(): number {
    return this.#batch.ends[this.#order[this.#at] as number] as number;
  }
}
