/**
 * Records of files: JSON lines, CSV and Parquet (the first two also gzipped), one at a time, in order, in bounded memory.
 * What cannot be a record is told with its line; a file that is broken as a whole is an error that names it.
 */
import { stat } from 'node:fs/promises';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { checkBytes } from './file-bytes.ts';
import { checkCsv, readCsv } from './file-csv.ts';
import { readJsonLines } from './file-lines.ts';
import { type ParquetChunk, checkParquet, readParquet, readParquetChunks } from './file-parquet.ts';

export interface FileRecord {
  /** Line of a text file on which the record begins, row of a Parquet file; from 1, growing. */
  readonly number: number;
  /** The record as parsed JSON would be, or why there is none. */
  readonly content:
    | { readonly ok: true; readonly json: unknown }
    | { readonly ok: false; readonly code: string; readonly message: string };
  /** Share of the file read so far, 0 to 1. */
  readonly progress: number;
}

interface Format {
  readonly endings: RegExp;
  read(path: string, size: number, source: SourceDefinition): AsyncGenerator<FileRecord>;
  /** Reads to the end; throws what `read` would throw on the way. */
  check(path: string, size: number, source: SourceDefinition): Promise<void>;
}

const PARQUET = /\.parquet$/i;

const FORMATS: readonly Format[] = [
  { endings: /\.(jsonl|ndjson|json)(\.gz)?$/i, read: readJsonLines, check: checkBytes },
  { endings: /\.csv(\.gz)?$/i, read: readCsv, check: checkCsv },
  { endings: PARQUET, read: readParquet, check: checkParquet },
];

/**
 * Records of `path`. JSON is taken as it is; cells of CSV and Parquet become what JSON would carry for the source's
 * fields: a column named like a field fills the field's path, any other keeps its name. Throws `file_unreadable` for a
 * missing file, an unknown ending, a broken file, or columns that cannot make the source's records.
 */
export async function* readFileRecords(path: string, source: SourceDefinition): AsyncGenerator<FileRecord> {
  try {
    const { size } = await stat(path);
    yield* formatOf(path).read(path, size, source);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Whether the file can be read by column. */
export function isTable(path: string): boolean {
  return PARQUET.test(path);
}

/** The same records as `readFileRecords` gives, of a file that can be read by column, a few thousand at a time. */
export async function* readTableChunks(path: string, source: SourceDefinition): AsyncGenerator<ParquetChunk> {
  try {
    await stat(path);
    yield* readParquetChunks(path, source);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Throws what reading all of the file would throw. */
export async function checkFile(path: string, source: SourceDefinition): Promise<void> {
  try {
    const { size } = await stat(path);
    await formatOf(path).check(path, size, source);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function formatOf(path: string): Format {
  const format = FORMATS.find(({ endings }) => endings.test(path));
  if (format !== undefined) return format;
  const message = `${path}: expected .jsonl, .ndjson, .json or .csv (each also with .gz), or .parquet`;
  throw new SkewlessError('file_unreadable', message);
}

function unreadable(path: string, error: unknown): SkewlessError {
  if (error instanceof SkewlessError) return error;
  return new SkewlessError('file_unreadable', `${path}: ${messageOf(error)}`, { cause: error });
}
