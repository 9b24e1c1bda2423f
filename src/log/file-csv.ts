/**
 * CSV (RFC 4180): commas, quotes doubled within quotes, a header that names the columns, LF or CRLF. A row with more or
 * fewer cells than the header is told with its line; misplaced quotes end the reading, for nothing after them is sure.
 */
import { pipeline } from 'node:stream';
import { type CsvError, type Info, parse } from 'csv-parse';
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition, SourceField } from '../definition/definition.ts';
import type { FileRecord } from './file.ts';
import { openBytes } from './file-bytes.ts';
import { type FileColumn, columnsOf, place } from './file-columns.ts';

/** Of one row: more is not held in memory. Beyond what any record may have. */
const ROW_BYTES_MAX = 4_194_304;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Stands for a cell that is not UTF-8. */
const NOT_TEXT = Symbol('not UTF-8');

/** Null: nothing between the commas; `""` is the empty string. */
type Cell = string | null | typeof NOT_TEXT;

interface Row {
  readonly number: number;
  readonly cells: readonly Cell[];
  readonly progress: number;
}

const FAULTS: Readonly<Record<string, string>> = {
  INVALID_OPENING_QUOTE: 'a quote within a cell that is not quoted',
  CSV_INVALID_CLOSING_QUOTE: 'text after a closing quote',
  CSV_QUOTE_NOT_CLOSED: 'a quote that is never closed, in the row after this line',
  CSV_MAX_RECORD_SIZE: `a row over ${ROW_BYTES_MAX} bytes`,
};

export async function* readCsv(path: string, size: number, source: SourceDefinition): AsyncGenerator<FileRecord> {
  let columns: readonly FileColumn[] | null = null;
  for await (const { number, cells, progress } of readRows(path, size)) {
    if (columns === null) {
      columns = columnsOf(cells.map(nameOf), source, `${path}:${number}`);
      continue;
    }
    yield { number, content: contentOf(columns, cells), progress };
  }
  if (columns === null) columnsOf([], source, path);
}

export async function checkCsv(path: string, size: number, source: SourceDefinition): Promise<void> {
  let header = false;
  for await (const { number, cells } of readRows(path, size)) {
    if (!header) columnsOf(cells.map(nameOf), source, `${path}:${number}`);
    header = true;
  }
  if (!header) columnsOf([], source, path);
}

function nameOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : '';
}

async function* readRows(path: string, size: number): AsyncGenerator<Row> {
  const { stream, progress } = openBytes(path, size);
  const parser = parse({
    // Cells as bytes, so that what is not UTF-8 is found out and not replaced.
    encoding: null,
    cast: (bytes, { quoting }) => textOf(bytes as unknown as Uint8Array, quoting),
    info: true,
    max_record_size: ROW_BYTES_MAX,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
  });
  let line = 0;
  // The parser takes each CR within a cell for the end of a line.
  let returnsWithin = 0;
  try {
    const rows: AsyncIterable<unknown> = pipeline(stream, withoutByteOrderMark, parser, () => {});
    for await (const row of rows) {
      const { record: cells, info } = row as { record: readonly Cell[]; info: Info };
      returnsWithin += countIn(cells, '\r');
      line = info.lines - returnsWithin;
      // That is where the row ends.
      yield { number: line - countIn(cells, '\n'), cells, progress: progress() };
    }
  } catch (error) {
    const { code, lines } = error as Partial<CsvError & Info>;
    const fault = FAULTS[code ?? ''];
    if (fault === undefined) throw error;
    const at = code === 'CSV_QUOTE_NOT_CLOSED' || lines === undefined ? line : lines - returnsWithin;
    throw new SkewlessError('file_unreadable', `${path}:${at}: ${fault}`, { cause: error });
  }
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

async function* withoutByteOrderMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of chunks) {
    const marked = first && chunk.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
    yield marked ? chunk.subarray(BYTE_ORDER_MARK.length) : chunk;
    first = false;
  }
}

function textOf(bytes: Uint8Array, quoted: boolean): Cell {
  if (bytes.length === 0) return quoted ? '' : null;
  try {
    return UTF8.decode(bytes);
  } catch {
    return NOT_TEXT;
  }
}

function countIn(cells: readonly Cell[], character: string): number {
  let count = 0;
  for (const cell of cells) {
    if (typeof cell !== 'string') continue;
    for (let at = cell.indexOf(character); at >= 0; at = cell.indexOf(character, at + 1)) count += 1;
  }
  return count;
}

function contentOf(columns: readonly FileColumn[], cells: readonly Cell[]): FileRecord['content'] {
  if (cells.length !== columns.length) {
    return malformed(`expected ${columns.length} cells as in the header, found ${cells.length}`);
  }
  const record: Record<string, unknown> = {};
  for (const [index, { name, field, path }] of columns.entries()) {
    const cell = cells[index] as Cell;
    if (cell === NOT_TEXT) return malformed(`${name}: not UTF-8`);
    place(record, path, field === null ? cell : valueOf(field, cell));
  }
  return { ok: true, json: record };
}

function malformed(message: string): FileRecord['content'] {
  return { ok: false, code: 'malformed_row', message };
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?\d+$/;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** A cell as JSON would carry it for the field. Text that is not of the field's type stays, for validation to name. */
function valueOf({ type, nullable }: SourceField, cell: string | null): unknown {
  if (type.kind === 'string') return cell ?? (nullable ? null : '');
  if (cell === null || cell === '') return null;
  switch (type.kind) {
    case 'int':
    case 'double':
      return NUMBER.test(cell) ? Number(cell) : cell;
    case 'bool':
      return BOOLEANS.get(cell.toLowerCase()) ?? cell;
    case 'timestamp':
      return INTEGER.test(cell) ? Number(cell) : cell;
    case 'int64':
      return cell;
    case 'array':
    case 'struct':
      return parsedOr(cell);
  }
}

/** Arrays are written as JSON within a cell. */
function parsedOr(cell: string): unknown {
  try {
    return JSON.parse(cell) as unknown;
  } catch {
    return cell;
  }
}
