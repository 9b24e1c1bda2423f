/**
 * Rows in order: of their entities, which a part numbers from 0, then of three numbers. Memory holds so many bytes of them; what is
 * beyond goes to files as sorted runs, which are merged as they are read.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { RowBatch, type RowKey, type SortedRows } from './row-batch.ts';
import { unwritable } from './work-folder.ts';

export interface RowSorter {
  /** A copy of `bytes[from, to)`. */
  push(id: number, first: number, second: number, third: number, bytes: Uint8Array, from: number, to: number): void;
  /** Nothing can be pushed after it. */
  sorted(): SortedRows;
  /** Whether or not all was read; may be called again. */
  close(): void;
}

/** Of one level: so many runs are merged into one of the next, and no row is written more often than there are levels. */
const RUNS_MAX = 64;

/** `folder`: of runs; it exists. `bytesMax`: of rows in memory, about: their arrays have room for as many again. */
export function createRowSorter(folder: string, bytesMax: number): RowSorter {
  const batch = new RowBatch();
  /** By level. */
  let runs: Run[][] = [];

  function add(level: number, rows: SortedRows): void {
    const sameLevel = (runs[level] ??= []);
    sameLevel.push(writeRun(folder, rows));
    if (sameLevel.length < RUNS_MAX) return;
    add(level + 1, new Merged(sameLevel.map((run) => new RunRows(run))));
    runs[level] = [];
    for (const run of sameLevel) closeSync(run);
  }

  return {
    push(id, first, second, third, bytes, from, to) {
      batch.push(id, first, second, third, bytes, from, to);
      if (batch.bytes < bytesMax) return;
      add(0, batch.sorted());
      batch.clear();
    },
    sorted() {
      const sorted = runs.flat().map((run) => new RunRows(run));
      return sorted.length === 0 ? batch.sorted() : new Merged([...sorted, batch.sorted()]);
    },
    close() {
      for (const run of runs.flat()) closeSync(run);
      runs = [];
    },
  };
}

function isBefore(one: RowKey, other: RowKey): boolean {
  if (one.id !== other.id) return one.id < other.id;
  if (one.first !== other.first) return one.first < other.first;
  if (one.second !== other.second) return one.second < other.second;
  return one.third < other.third;
}

/** Of runs, what is read or written at a time, about. */
const BLOCK_BYTES = 1_048_576;
/** Of a row in a run: id and length, then the three numbers. */
const RUN_HEAD_BYTES = 32;

/** A file without a name: it goes with whoever has it open, however that ends. */
type Run = number;

/** Throws `output_unwritable`. */
function writeRun(folder: string, rows: SortedRows): Run {
  const path = join(folder, `${randomUUID()}.run`);
  let file: Run | null = null;
  try {
    file = openSync(path, 'wx+');
    rmSync(path);
    writeRows(file, rows);
    return file;
  } catch (cause) {
    if (file !== null) closeSync(file);
    throw unwritable(path, cause);
  }
}

function writeRows(file: Run, rows: SortedRows): void {
  const writer = new ByteWriter(BLOCK_BYTES);
  function flush(): void {
    const { buffer, length } = writer;
    for (let at = 0; at < length; ) at += writeSync(file, buffer, at, length - at);
    writer.reset();
  }
  while (rows.next()) {
    const from = rows.reader.position;
    writer.u32(rows.id);
    writer.u32(rows.end - from);
    writer.f64(rows.first);
    writer.f64(rows.second);
    writer.f64(rows.third);
    writer.part(rows.bytes, from, rows.end);
    if (writer.length >= BLOCK_BYTES) flush();
  }
  flush();
}

class RunRows implements SortedRows {
  readonly #run: Run;
  bytes = new Uint8Array(BLOCK_BYTES);
  /** Of the bytes, those that were read from the file, and the first that are not done with. */
  #filled = 0;
  #at = 0;
  /** Of the file. */
  #position = 0;
  reader = new ByteReader(this.bytes);
  id = -1;
  first = 0;
  second = 0;
  third = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  next(): boolean {
    if (!this.#has(RUN_HEAD_BYTES)) return false;
    const { reader } = this;
    reader.position = this.#at;
    this.id = reader.u32();
    const length = reader.u32();
    this.first = reader.f64();
    this.second = reader.f64();
    this.third = reader.f64();
    const isWhole = this.#has(RUN_HEAD_BYTES + length);
    assert(isWhole, 'a run is whole');
    this.reader.position = this.#at + RUN_HEAD_BYTES;
    this.#at += RUN_HEAD_BYTES + length;
    return true;
  }

  get end(): number {
    return this.#at;
  }

  /** Whether there are so many bytes more, which it then has in memory. */
  #has(count: number): boolean {
    if (this.#filled - this.#at >= count) return true;
    const left = this.bytes.subarray(this.#at, this.#filled);
    if (count > this.bytes.length) {
      const larger = new Uint8Array(count);
      larger.set(left);
      this.bytes = larger;
      this.reader = new ByteReader(larger);
    } else this.bytes.set(left);
    this.#filled = left.length;
    this.#at = 0;
    while (this.#filled < this.bytes.length) {
      const read = readSync(this.#run, this.bytes, this.#filled, this.bytes.length - this.#filled, this.#position);
      if (read === 0) break;
      this.#filled += read;
      this.#position += read;
    }
    return this.#filled >= count;
  }
}

class Merged implements SortedRows {
  /** Those that have a row, and show it; but for the one that is to go on. */
  readonly #sources: SortedRows[];
  #current: SortedRows | null = null;
  bytes: Uint8Array = new Uint8Array();
  reader = new ByteReader(this.bytes);
  end = 0;
  id = -1;
  first = 0;
  second = 0;
  third = 0;

  constructor(sources: readonly SortedRows[]) {
    this.#sources = sources.filter((source) => source.next());
  }

  next(): boolean {
    const before = this.#current;
    if (before !== null && !before.next()) this.#sources.splice(this.#sources.indexOf(before), 1);
    let least: SortedRows | null = null;
    for (const source of this.#sources) if (least === null || isBefore(source, least)) least = source;
    this.#current = least;
    if (least === null) return false;
    ({ bytes: this.bytes, reader: this.reader, end: this.end } = least);
    ({ id: this.id, first: this.first, second: this.second, third: this.third } = least);
    return true;
  }
}
