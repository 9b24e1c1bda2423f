/**
 * DuckDB as replay uses it: a database in memory that may hold so many bytes and no more, what is beyond going to a folder,
 * and rows of ours into Parquet files. Integers travel as doubles, which hold ours exactly and need no bigint for each.
 */
import { rename, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { type DuckDB, createToJson, fileLiteral, identifier, isJson, literal } from '../core/duckdb.ts';
import {
  type Bindings,
  CHUNK_ROWS,
  type ColumnReader,
  doublesOf,
  loadBindings,
  readerOf,
  timestampsOf,
} from '../core/duckdb-vectors.ts';
import { type ColumnWriter, writerOf } from '../core/duckdb-writers.ts';
import { sync, unwritable } from './work-folder.ts';

export interface Duck {
  readonly duckdb: DuckDB;
  run(sql: string): Promise<void>;
  /** Beside whatever else is done meanwhile. */
  runBeside(sql: string): Promise<void>;
  /** Small results, whole. */
  rows(sql: string): Promise<readonly (readonly DuckDBValue[])[]>;
  columns(sql: string): Promise<readonly { readonly name: string; readonly type: string }[]>;
  /** Rows in the order of the query, a few at a time. Of several streams at once, each has a connection of its own. */
  stream(sql: string): AsyncGenerator<readonly (readonly DuckDBValue[])[]>;
  /** The same by column; each is good until the next is asked for. */
  chunks(sql: string): AsyncGenerator<Chunk>;
  /** A table to fill. */
  table(columns: readonly Column[]): Promise<RowTable>;
  /** Waits for what is under way: a database that is closed beneath a query takes the process with it. */
  close(): Promise<void>;
}

export interface Chunk {
  readonly rows: number;
  /** Columns. */
  readonly width: number;
  readonly reader: (column: number) => ColumnReader;
  /** Numbers as they lie there; where it is null, any. */
  readonly doubles: (column: number) => Float64Array;
  /** As of `timestampsOf`. */
  readonly timestamps: (column: number) => ((row: number) => number) | null;
  /** Cells as JSON carries them (core/duckdb.ts). */
  readonly json: (column: number) => (row: number) => unknown;
}

export interface Column {
  readonly name: string;
  /** SQL type. */
  readonly type: string;
}

export interface RowTable {
  readonly name: string;
  readonly rows: number;
  /** Keeps nothing of the array. */
  push(row: readonly DuckDBValue[]): void;
  /** To be called after the last row, before the table is read. */
  end(): void;
  drop(): Promise<void>;
}

/** `folder`: of what does not fit into memory; it exists. */
export async function openDuck(folder: string, memoryBytes: number, threads: number): Promise<Duck> {
  const duckdb = await import('@duckdb/node-api');
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${Math.floor(memoryBytes / 1_048_576)}MiB`,
    temp_directory: folder,
    autoinstall_known_extensions: 'false',
  });
  const connection = await instance.connect();
  const bindings = await loadBindings();
  const opened: Opened = { duckdb, bindings, instance, underWay: new Set() };
  let tables = 0;

  return {
    duckdb,
    async run(sql) {
      await connection.run(sql);
    },
    runBeside: (sql) => track(opened, runAlone(opened, sql)),
    async rows(sql) {
      return (await connection.runAndReadAll(sql)).getRows();
    },
    async columns(sql) {
      const described = await connection.runAndReadAll(`DESCRIBE ${sql}`);
      return described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }));
    },
    async *stream(sql) {
      for await (const chunk of streamChunks(opened, sql)) yield rowsOf(chunk);
    },
    chunks: (sql) => streamChunks(opened, sql),
    table: (columns) => createTable(opened, connection, `t${tables++}`, columns),
    async close() {
      await Promise.allSettled(opened.underWay);
      instance.closeSync();
    },
  };
}

interface Opened {
  readonly duckdb: DuckDB;
  readonly bindings: Bindings;
  readonly instance: DuckDBInstance;
  /** Queries of connections of their own. */
  readonly underWay: Set<Promise<unknown>>;
}

function track<T>({ underWay }: Opened, work: Promise<T>): Promise<T> {
  underWay.add(work);
  const settled = work.finally(() => underWay.delete(work));
  settled.catch(() => undefined);
  return work;
}

async function runAlone({ instance }: Opened, sql: string): Promise<void> {
  const connection = await instance.connect();
  try {
    await connection.run(sql);
  } finally {
    connection.closeSync();
  }
}

/** The next chunk is fetched while one is worked on. */
async function* streamChunks(opened: Opened, sql: string): AsyncGenerator<Chunk> {
  const { duckdb, bindings, instance } = opened;
  const connection = await instance.connect();
  /** Long texts are read where they lie, in its memory, which nothing else holds. */
  const held: { chunk: DuckDBDataChunk | null } = { chunk: null };
  let next: Promise<DuckDBDataChunk | null> | null = null;
  try {
    const result = await connection.stream(sql);
    const types = result.columnTypes();
    const width = types.length;
    const toJson = createToJson(duckdb);
    next = track(opened, result.fetchChunk());
    for (;;) {
      const chunk = (held.chunk = await next);
      next = null;
      if (chunk === null || chunk.rowCount === 0) return;
      next = track(opened, result.fetchChunk());
      yield {
        rows: chunk.rowCount,
        width,
        reader: (column) => readerOf(duckdb, bindings, chunk, column, types[column] as DuckDBType),
        doubles: (column) => doublesOf(bindings, chunk, column),
        timestamps: (column) => timestampsOf(duckdb, bindings, chunk, column, types[column] as DuckDBType),
        json(column) {
          const read = readerOf(duckdb, bindings, chunk, column, types[column] as DuckDBType);
          return isJson(duckdb, types[column] as DuckDBType) ? read : (row) => toJson(read(row));
        },
      };
    }
  } finally {
    await next?.catch(() => undefined);
    held.chunk = null;
    connection.closeSync();
  }
}

function rowsOf({ rows, width, reader }: Chunk): readonly (readonly DuckDBValue[])[] {
  const readers = Array.from({ length: width }, (_none, column) => reader(column));
  const table: DuckDBValue[][] = [];
  for (let row = 0; row < rows; row++) {
    const cells: DuckDBValue[] = [];
    for (let column = 0; column < width; column++) cells.push((readers[column] as ColumnReader)(row));
    table.push(cells);
  }
  return table;
}

async function createTable(
  { duckdb, bindings }: Pick<Opened, 'duckdb' | 'bindings'>,
  connection: DuckDBConnection,
  name: string,
  columns: readonly Column[],
): Promise<RowTable> {
  const list = columns.map((column) => `${identifier(column.name)} ${column.type}`).join(', ');
  await connection.run(`CREATE TABLE ${name} (${list})`);
  const types: readonly DuckDBType[] = (await connection.run(`SELECT * FROM ${name}`)).columnTypes();
  const appender = await connection.createAppender(name);
  const writers = types.map((type) => writerOf(duckdb, bindings, type));
  /** Filled again and again: what it holds is copied. */
  const chunk = duckdb.DuckDBDataChunk.create(types);
  let buffered = 0;
  let rows = 0;

  function flush(): void {
    if (buffered === 0) return;
    chunk.rowCount = buffered;
    for (const [column, writer] of writers.entries()) writer.flush(chunk, column, buffered);
    appender.appendDataChunk(chunk);
    chunk.reset();
    buffered = 0;
  }

  return {
    name,
    get rows() {
      return rows;
    },
    push(row) {
      for (let index = 0; index < writers.length; index++) {
        (writers[index] as ColumnWriter).put(buffered, row[index] ?? null);
      }
      rows += 1;
      buffered += 1;
      if (buffered === CHUNK_ROWS) flush();
    },
    end() {
      flush();
      appender.closeSync();
    },
    drop: async () => {
      await connection.run(`DROP TABLE ${name}`);
    },
  };
}

/** Rows that are compressed, and so read, together. */
const ROW_GROUP_ROWS = 131_072;

export interface ParquetOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** `snappy`: for what is read once and goes. */
  readonly compression?: 'zstd' | 'snappy';
}

/** The query's rows as a Parquet file, which is whole and durable once it has its name. */
export async function writeParquet(
  duck: Duck,
  query: string,
  path: string,
  { metadata = {}, compression = 'zstd' }: ParquetOptions = {},
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const entries = Object.entries(metadata).map(([name, value]) => `${identifier(name)}: ${literal(value)}`);
  const keyed = entries.length === 0 ? '' : `, KV_METADATA { ${entries.join(', ')} }`;
  try {
    await duck.runBeside(
      `COPY (${query}) TO ${literal(temporary)} (FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, USE_TMP_FILE false${keyed})`,
    );
    await sync(temporary);
    await rename(temporary, path);
    await sync(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  }
}

/** Several files as one table. */
export function parquetTable(paths: readonly string[]): string {
  return `read_parquet([${paths.map(fileLiteral).join(', ')}], hive_partitioning = false)`;
}
