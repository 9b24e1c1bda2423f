/** Parquet, read by DuckDB, which is loaded only for it: row by row as records, or a few thousand rows at a time by column. */
import type { DuckDBDataChunk, DuckDBResult, DuckDBType } from '@duckdb/node-api';
import { type DuckDB, createToJson, fileLiteral, isJson } from '../core/duckdb.ts';
import { type Bindings, loadBindings, readerOf, textBytesMax, timestampsOf } from '../core/duckdb-vectors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { Cell } from '../event/table-rows.ts';
import type { FileRecord } from './file.ts';
import { type FileColumn, columnsOf, place } from './file-columns.ts';

export async function* readParquet(path: string, _size: number, source: SourceDefinition): AsyncGenerator<FileRecord> {
  for await (const { first, rows, jsonOf, total } of readParquetChunks(path, source)) {
    for (let row = 0; row < rows; row++) {
      const number = first + row;
      yield { number, content: { ok: true, json: jsonOf(row) }, progress: number / total };
    }
  }
}

export async function checkParquet(path: string, _size: number, source: SourceDefinition): Promise<void> {
  const chunks = withRows(await import('@duckdb/node-api'), path, (result) => {
    columnsOf(result.columnNames(), source, path);
    return result[Symbol.asyncIterator]();
  });
  for await (const _chunk of chunks);
}

/** Good until the next is asked for. */
export interface ParquetChunk {
  /** Number of its first row in the file, from 1. */
  readonly first: number;
  readonly rows: number;
  /** The record that a row is. */
  readonly jsonOf: (row: number) => Record<string, unknown>;
  /** Cells of what records name so: as JSON would carry them, but that a time may be its milliseconds. */
  readonly cellOf: (name: string) => Cell;
  /** More than any row takes as JSON; Infinity: nobody knows. */
  readonly jsonBytesMax: number;
  /** Rows of the file. */
  readonly total: number;
}

export async function* readParquetChunks(path: string, source: SourceDefinition): AsyncGenerator<ParquetChunk> {
  const duckdb = await import('@duckdb/node-api');
  const bindings = await loadBindings();
  yield* withRows(duckdb, path, async function* (result, total) {
    const columns = columnsOf(result.columnNames(), source, path);
    const types = result.columnTypes();
    let first = 1;
    for await (const chunk of chunksAhead(result)) {
      const rows = chunk.rowCount;
      const read = { duckdb, bindings, chunk, columns, types };
      const cells = columns.map((_column, index) => jsonCellOf(read, index));
      yield {
        first,
        rows,
        jsonOf(row) {
          const json: Record<string, unknown> = {};
          for (const [index, column] of columns.entries()) place(json, column.path, (cells[index] as Cell)(row));
          return json;
        },
        cellOf(name) {
          const index = columns.findIndex((column) => column.path[0] === name);
          return index < 0 ? nothing : (timeCellOf(read, index, cells[index] as Cell) ?? (cells[index] as Cell));
        },
        jsonBytesMax: jsonBytesMax(read),
        total,
      };
      first += chunk.rowCount;
    }
  });
}

/** The next is fetched while one is worked on. */
async function* chunksAhead(result: DuckDBResult): AsyncGenerator<DuckDBDataChunk> {
  let next = result.fetchChunk();
  try {
    for (let chunk = await next; chunk !== null && chunk.rowCount > 0; chunk = await next) {
      next = result.fetchChunk();
      yield chunk;
    }
  } finally {
    // A database that is closed beneath a query takes the process with it.
    await next.catch(() => undefined);
  }
}

function nothing(): null {
  return null;
}

interface ReadChunk {
  readonly duckdb: DuckDB;
  readonly bindings: Bindings;
  readonly chunk: DuckDBDataChunk;
  readonly columns: readonly FileColumn[];
  readonly types: readonly DuckDBType[];
}

function jsonCellOf({ duckdb, bindings, chunk, types }: ReadChunk, index: number): Cell {
  const type = types[index] as DuckDBType;
  const read = readerOf(duckdb, bindings, chunk, index, type);
  if (isJson(duckdb, type)) return read;
  const toJson = createToJson(duckdb);
  return (row) => toJson(read(row));
}

/** What JSON carries of a timestamp is a text. Where a field is to hold one, its milliseconds say the same. */
function timeCellOf({ duckdb, bindings, chunk, columns, types }: ReadChunk, index: number, asText: Cell): Cell | null {
  if (columns[index]?.field?.type.kind !== 'timestamp') return null;
  const msOf = timestampsOf(duckdb, bindings, chunk, index, types[index] as DuckDBType);
  if (msOf === null) return null;
  return (row) => {
    const ms = msOf(row);
    return Number.isNaN(ms) ? asText(row) : ms;
  };
}

/** None of whose values takes more than this as JSON. */
const SHORT_TYPES = [
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'HUGEINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
  'TIMESTAMP_TZ',
] as const;
const NUMBER_BYTES_MAX = 64;
/** Of one byte of a text, where it is escaped. */
const ESCAPED_BYTES = 6;
const NAME_BYTES = 4;

function jsonBytesMax({ duckdb: { DuckDBTypeId }, bindings, chunk, columns, types }: ReadChunk): number {
  const short: ReadonlySet<unknown> = new Set(SHORT_TYPES.map((name) => DuckDBTypeId[name]));
  let bytes = 0;
  for (const [index, { name }] of columns.entries()) {
    const { typeId } = types[index] as DuckDBType;
    const isText = typeId === DuckDBTypeId.VARCHAR;
    if (!isText && !short.has(typeId)) return Infinity;
    const value = isText ? textBytesMax(bindings, chunk, index) * ESCAPED_BYTES : NUMBER_BYTES_MAX;
    bytes += value + name.length * ESCAPED_BYTES + NAME_BYTES;
  }
  return bytes;
}

async function* withRows<T>(
  { DuckDBInstance }: DuckDB,
  path: string,
  use: (result: DuckDBResult, total: number) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const instance = await DuckDBInstance.create();
  try {
    const connection = await instance.connect();
    const table = `read_parquet(${fileLiteral(path)}, hive_partitioning = false)`;
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${table}`);
    yield* use(await connection.stream(`SELECT * FROM ${table}`), Number(counted.getRows()[0]?.[0]));
  } finally {
    instance.closeSync();
  }
}
