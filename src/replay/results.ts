/**
 * Evaluations on their way from folding, which goes from entity to entity, to where rows are put together: files of pages, each
 * of which holds evaluations of the rows of one block. What is folded comes in no order of rows, and a block fits into memory
 * whatever there is, so that nothing has to be sorted.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { Features } from '../state/evaluate.ts';
import { KNOWN } from './fold-orders.ts';
import { sync } from './work-folder.ts';

export const BLOCK_ROWS = 8_192;
/** Of evaluations that wait for their pages, about. */
const PENDING_BYTES_MAX = 16_777_216;
const LENGTH_BYTES = 4;
/** Of a page: its block, and how many bytes follow. */
const HEAD_BYTES = 4 + LENGTH_BYTES;
const KNOWN_COUNT = Object.keys(KNOWN).length;

/** Of what there may be of a row. */
function slotOf(known: number, appearance: number): number {
  return appearance * KNOWN_COUNT + known;
}

/** Writes what is kept of an evaluation. */
export type EvaluationWriter = (writer: ByteWriter, appearance: number, evaluation: Features, asOfMs: number) => void;

export interface Results {
  /** `known`: what the evaluation is of. */
  add(known: number, row: number, appearance: number, evaluation: Features, asOfMs: number): void;
  /** A row that is not evaluated; why. */
  skip(row: number, appearance: number, reason: number): void;
  /** The file is whole and durable once it has its name. Nothing can be added after it. */
  write(): Promise<void>;
  /** Whether or not it was written. */
  close(): void;
}

export function openResults(path: string, writeEvaluation: EvaluationWriter): Results {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'w');
  const pages = new Map<number, ByteWriter>();
  let pendingBytes = 0;

  function pageOf(row: number): ByteWriter {
    const block = Math.floor(row / BLOCK_ROWS);
    let page = pages.get(block);
    if (page === undefined) {
      page = new ByteWriter();
      page.u32(block);
      page.u32(0);
      pages.set(block, page);
    }
    return page;
  }

  function flush(): void {
    for (const page of pages.values()) {
      page.setU32(HEAD_BYTES - LENGTH_BYTES, page.length - HEAD_BYTES);
      writeFileSync(file, page.buffer.subarray(0, page.length));
    }
    // With their memory: blocks are as many as rows make, and each would keep what it once took.
    pages.clear();
    pendingBytes = 0;
  }

  /** Answers the page, to which what is kept of the evaluation goes. */
  function begin(row: number, known: number, appearance: number): ByteWriter {
    const page = pageOf(row);
    page.varint(row % BLOCK_ROWS);
    page.varint(slotOf(known, appearance));
    page.u32(0);
    return page;
  }

  function end(page: ByteWriter, from: number): void {
    const bytes = page.length - from;
    page.setU32(from - LENGTH_BYTES, bytes);
    pendingBytes += bytes;
    if (pendingBytes >= PENDING_BYTES_MAX) flush();
  }

  return {
    add(known, row, appearance, evaluation, asOfMs) {
      const page = begin(row, known, appearance);
      const from = page.length;
      writeEvaluation(page, appearance, evaluation, asOfMs);
      end(page, from);
    },
    skip(row, appearance, reason) {
      const page = begin(row, reason, appearance);
      end(page, page.length);
    },
    async write() {
      flush();
      await sync(temporary);
      await rename(temporary, path);
      await sync(dirname(path));
    },
    close() {
      closeSync(file);
      rmSync(temporary, { force: true });
    },
  };
}

/** Evaluations of some rows. Good until the next block is read. */
export interface ResultBlock {
  /** The first of `BLOCK_ROWS` rows. */
  readonly firstRow: number;
  has(row: number): boolean;
  /** From where what was kept of it can be read at once; null: there is none. */
  find(row: number, known: number, appearance: number): ByteReader | null;
}

export interface ResultsReader {
  blockOf(row: number): Promise<ResultBlock>;
  close(): Promise<void>;
}

interface Page {
  readonly file: FileHandle;
  readonly at: number;
  readonly bytes: number;
}

/** `appearances`: more than the greatest number of one. */
export async function readResults(paths: readonly string[], appearances: number): Promise<ResultsReader> {
  const files: FileHandle[] = [];
  const pages = new Map<number, Page[]>();
  for (const path of paths) {
    const file = await open(path);
    files.push(file);
    await findPages(file, pages);
  }
  const block = createBlock(slotOf(0, appearances));
  return {
    async blockOf(row) {
      const number = Math.floor(row / BLOCK_ROWS);
      if (block.firstRow !== number * BLOCK_ROWS) await block.read(number, pages.get(number) ?? []);
      return block;
    },
    async close() {
      for (const file of files) await file.close();
    },
  };
}

async function findPages(file: FileHandle, pages: Map<number, Page[]>): Promise<void> {
  const { size } = await file.stat();
  const head = new Uint8Array(HEAD_BYTES);
  for (let at = 0; at < size; ) {
    await file.read(head, 0, HEAD_BYTES, at);
    const reader = new ByteReader(head);
    const [block, bytes] = [reader.u32(), reader.u32()];
    const some = pages.get(block) ?? [];
    some.push({ file, at: at + HEAD_BYTES, bytes });
    pages.set(block, some);
    at += HEAD_BYTES + bytes;
  }
}

interface ReadableBlock extends ResultBlock {
  read(number: number, pages: readonly Page[]): Promise<void>;
}

/** `slots`: of each row. */
function createBlock(slots: number): ReadableBlock {
  /** By row and slot: where its bytes begin; -1: there are none. By row: whether there are any. */
  const places = new Int32Array(BLOCK_ROWS * slots);
  const isThere = new Uint8Array(BLOCK_ROWS);
  let bytes = new Uint8Array();
  let reader = new ByteReader(bytes);
  let firstRow = -1;

  function index(end: number): void {
    places.fill(-1);
    isThere.fill(0);
    while (reader.position < end) {
      const row = reader.varint();
      const slot = reader.varint();
      const length = reader.u32();
      places[row * slots + slot] = reader.position;
      isThere[row] = 1;
      reader.position += length;
    }
  }

  return {
    get firstRow() {
      return firstRow;
    },
    has: (row) => isThere[row - firstRow] === 1,
    find(row, known, appearance) {
      const at = places[(row - firstRow) * slots + slotOf(known, appearance)] as number;
      if (at < 0) return null;
      reader.position = at;
      return reader;
    },
    async read(number, pages) {
      const total = pages.reduce((sum, page) => sum + page.bytes, 0);
      if (total > bytes.length) bytes = new Uint8Array(total);
      let filled = 0;
      for (const page of pages) {
        const { bytesRead } = await page.file.read(bytes, filled, page.bytes, page.at);
        assert(bytesRead === page.bytes, 'a page is whole');
        filled += page.bytes;
      }
      reader = new ByteReader(bytes);
      firstRow = number * BLOCK_ROWS;
      index(filled);
    },
  };
}
