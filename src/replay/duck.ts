/**
 * DuckDB as replay uses it: a database in memory that may hold so many bytes and no more, what is beyond going to a folder,
 * and rows of ours into Parquet files. Integers travel as doubles, which hold ours exactly and need no bigint for each.
 */
import { open, rename, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { type DuckDB, fileLiteral, identifier, literal, rowsOf } from '../core/duckdb.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';

export interface Duck {
  readonly duckdb: DuckDB;
  run(sql: string): Promise<void>;
  /** Small results, whole. */
  rows(sql: string): Promise<readonly (readonly DuckDBValue[])[]>;
  columns(sql: string): Promise<readonly { readonly name: string; readonly type: string }[]>;
  /** Rows in the order of the query, a few at a time. Of several streams at once, each has a connection of its own. */
  stream(sql: string): AsyncGenerator<readonly (readonly DuckDBValue[])[]>;
  /** A table to fill. */
  table(columns: readonly Column[]): Promise<RowTable>;
  close(): void;
}

export interface Column {
  readonly name: string;
  /** SQL type. */
  readonly type: string;
}

export interface RowTable {
  readonly name: string;
  readonly rows: number;
  push(row: readonly DuckDBValue[]): void;
  /** To be called after the last row, before the table is read. */
  end(): void;
  drop(): Promise<void>;
}

/** DuckDB's own unit: a chunk holds no more. */
const CHUNK_ROWS = 2_048;

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
  let tables = 0;

  return {
    duckdb,
    async run(sql) {
      await connection.run(sql);
    },
    async rows(sql) {
      return (await connection.runAndReadAll(sql)).getRows();
    },
    async columns(sql) {
      const described = await connection.runAndReadAll(`DESCRIBE ${sql}`);
      return described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }));
    },
    async *stream(sql) {
      const own = await instance.connect();
      try {
        const result = await own.stream(sql);
        for await (const chunk of result) yield rowsOf(chunk);
      } finally {
        own.closeSync();
      }
    },
    table: (columns) => createTable(duckdb, connection, `t${tables++}`, columns),
    close: () => instance.closeSync(),
  };
}

async function createTable(
  duckdb: DuckDB,
  connection: DuckDBConnection,
  name: string,
  columns: readonly Column[],
): Promise<RowTable> {
  const list = columns.map((column) => `${identifier(column.name)} ${column.type}`).join(', ');
  await connection.run(`CREATE TABLE ${name} (${list})`);
  const types: readonly DuckDBType[] = (await connection.run(`SELECT * FROM ${name}`)).columnTypes();
  const appender = await connection.createAppender(name);
  let buffer: DuckDBValue[][] = columns.map(() => []);
  let buffered = 0;
  let rows = 0;

  function flush(): void {
    if (buffered === 0) return;
    const chunk = duckdb.DuckDBDataChunk.create(types, buffered);
    chunk.setColumns(buffer);
    appender.appendDataChunk(chunk);
    buffer = columns.map(() => []);
    buffered = 0;
  }

  return {
    name,
    get rows() {
      return rows;
    },
    push(row) {
      for (let index = 0; index < buffer.length; index++) (buffer[index] as DuckDBValue[]).push(row[index] ?? null);
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

/** Rows that are compressed, and so read, together: fewer than usual, for a part reads a share of each file of the work. */
const ROW_GROUP_ROWS = 16_384;
/** Of what is kept. */
export const OUTPUT_ROW_GROUP_ROWS = 131_072;

export interface ParquetOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly rowGroupRows?: number;
}

/** The query's rows as a Parquet file, which is whole and durable once it has its name. */
export async function writeParquet(
  duck: Duck,
  query: string,
  path: string,
  { metadata = {}, rowGroupRows = ROW_GROUP_ROWS }: ParquetOptions = {},
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const entries = Object.entries(metadata).map(([name, value]) => `${identifier(name)}: ${literal(value)}`);
  const keyed = entries.length === 0 ? '' : `, KV_METADATA { ${entries.join(', ')} }`;
  try {
    await duck.run(
      `COPY (${query}) TO ${literal(temporary)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupRows}, USE_TMP_FILE false${keyed})`,
    );
    await sync(temporary);
    await rename(temporary, path);
    await sync(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new SkewlessError('output_unwritable', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

export async function sync(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Several files as one table. */
export function parquetTable(paths: readonly string[]): string {
  return `read_parquet([${paths.map(fileLiteral).join(', ')}], hive_partitioning = false)`;
}
