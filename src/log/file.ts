/**
 * Records of files: JSON lines, CSV and Parquet (the first two also gzipped), one at a time, in order. DuckDB reads CSV
 * and Parquet; it is loaded only for them. Types become those that JSON would have carried, as the source declares.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { SourceDefinition, SourceField } from '../definition/definition.ts';

export interface FileRecord {
  /** Line of a text file, row of a Parquet file; from 1. */
  readonly number: number;
  /** What the record's JSON says, or why it cannot be read. */
  readonly content: { readonly ok: true; readonly json: unknown } | { readonly ok: false; readonly message: string };
  /** Share of the file read so far, 0 to 1; null where it cannot be told. */
  readonly progress: number | null;
}

type Format = 'jsonl' | 'csv' | 'parquet';

const FORMAT_BY_ENDING: readonly (readonly [ending: RegExp, format: Format])[] = [
  [/\.(jsonl|ndjson)(\.gz)?$/i, 'jsonl'],
  [/\.csv(\.gz)?$/i, 'csv'],
  [/\.parquet$/i, 'parquet'],
];

/** Records of `path`, typed by `source`. Throws `file_unreadable` for a missing file, an unknown ending, or broken CSV or Parquet. */
export async function* readFileRecords(path: string, source: SourceDefinition): AsyncGenerator<FileRecord> {
  const format = FORMAT_BY_ENDING.find(([ending]) => ending.test(path))?.[1];
  if (format === undefined) {
    throw new SkewlessError(
      'file_unreadable',
      `${path}: expected .jsonl, .ndjson or .csv (each also with .gz), or .parquet`,
    );
  }
  try {
    const { size } = await stat(path);
    yield* format === 'jsonl' ? readLines(path, size) : readTable(path, format, source);
  } catch (error) {
    if (error instanceof SkewlessError) throw error;
    throw new SkewlessError('file_unreadable', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function* readLines(path: string, size: number): AsyncGenerator<FileRecord> {
  const file = createReadStream(path);
  const input = path.toLowerCase().endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // `pipe` does not forward errors: without this a file that vanishes would end as if it were complete.
  file.once('error', (error) => input.destroy(error));
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() === '') continue;
    yield { number, content: parseLine(line), progress: size === 0 ? null : file.bytesRead / size };
  }
}

function parseLine(line: string): FileRecord['content'] {
  try {
    return { ok: true, json: JSON.parse(line) as unknown };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

async function* readTable(
  path: string,
  format: 'csv' | 'parquet',
  source: SourceDefinition,
): AsyncGenerator<FileRecord> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    const quoted = `'${path.replaceAll("'", "''")}'`;
    const reader =
      format === 'csv'
        ? `read_csv(${quoted}, header = true, all_varchar = true, nullstr = '')`
        : `read_parquet(${quoted})`;
    const counted = format === 'parquet' ? await connection.runAndReadAll(`SELECT count(*) FROM ${reader}`) : null;
    const total = counted === null ? null : Number(counted.getRows()[0]?.[0]);
    const result = await connection.stream(`SELECT * FROM ${reader}`);
    const columns = result
      .columnNames()
      .map((name) => ({ name, field: source.fields.find((field) => field.name === name) }));
    // The header is line 1 of a CSV file.
    let number = format === 'csv' ? 1 : 0;
    for await (const rows of result.yieldRowsJson()) {
      for (const row of rows) {
        number += 1;
        yield {
          number,
          content: { ok: true, json: recordOf(columns, row, format) },
          progress: total === null ? null : number / total,
        };
      }
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A row as a JSON record: a column named like a field goes to the field's path, any other stays under its own name. */
function recordOf(
  columns: readonly { name: string; field: SourceField | undefined }[],
  row: readonly unknown[],
  format: 'csv' | 'parquet',
): unknown {
  const record: Record<string, unknown> = {};
  for (const [index, { name, field }] of columns.entries()) {
    const cell = row[index] ?? null;
    const value =
      field === undefined ? cell : format === 'csv' ? fromText(field, cell as string | null) : fromParquet(field, cell);
    place(record, field?.path ?? [name], value);
  }
  return record;
}

function place(record: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let inner = record;
  for (const key of path.slice(0, -1)) {
    const next = (inner[key] ?? {}) as Record<string, unknown>;
    define(inner, key, next);
    inner = next;
  }
  define(inner, path.at(-1) as string, value);
}

/** Also for names like `__proto__`, which plain assignment would not store. */
function define(record: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A cell of CSV as JSON would carry it; text that is not of the field's type is left for validation to name. */
function fromText(field: SourceField, cell: string | null): unknown {
  // An empty cell is null, or the empty string where null is not allowed.
  if (cell === null) return field.nullable || field.type.kind !== 'string' ? null : '';
  switch (field.type.kind) {
    case 'int':
    case 'double':
      return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell) ? Number(cell) : cell;
    case 'bool':
      return cell === 'true' ? true : cell === 'false' ? false : cell;
    case 'timestamp':
      return /^-?\d+$/.test(cell) ? Number(cell) : cell;
    case 'array':
      return parsedOr(cell);
    default:
      return cell;
  }
}

function parsedOr(cell: string): unknown {
  const parsed = parseLine(cell);
  return parsed.ok ? parsed.json : cell;
}

/** DuckDB's JSON form: 64-bit integers and timestamps come as text. */
function fromParquet(field: SourceField, cell: unknown): unknown {
  if (typeof cell !== 'string') return cell;
  const { kind } = field.type;
  if ((kind === 'int' || kind === 'double') && cell.trim() !== '') return Number(cell);
  // `2013-01-31 17:00:00.5` or `…+00`: Parquet timestamps are UTC.
  if (kind === 'timestamp' && /^\d{4}-\d\d-\d\d \d\d:\d\d/.test(cell))
    return `${cell.replace(' ', 'T').replace(/(\+00(:00)?)?$/, '')}Z`;
  return cell;
}
