/** Parquet, read by DuckDB, which is loaded only for it. */
import type { DuckDBResult } from '@duckdb/node-api';
import { type DuckDB, createToJson, fileLiteral } from '../core/duckdb.ts';
import { loadBindings, readerOf } from '../core/duckdb-vectors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { FileRecord } from './file.ts';
import { columnsOf, place } from './file-columns.ts';

export async function* readParquet(path: string, _size: number, source: SourceDefinition): AsyncGenerator<FileRecord> {
  const duckdb = await import('@duckdb/node-api');
  const toJson = createToJson(duckdb);
  const bindings = await loadBindings();
  yield* withRows(duckdb, path, async function* (result, total) {
    const columns = columnsOf(result.columnNames(), source, path);
    const types = result.columnTypes();
    let number = 0;
    for await (const chunk of result) {
      const readers = types.map((type, column) => readerOf(duckdb, bindings, chunk, column, type));
      for (let row = 0; row < chunk.rowCount; row++) {
        number += 1;
        const json: Record<string, unknown> = {};
        for (const [index, { path }] of columns.entries()) place(json, path, toJson(readers[index]?.(row) ?? null));
        yield { number, content: { ok: true, json }, progress: number / total };
      }
    }
  });
}

export async function checkParquet(path: string, _size: number, source: SourceDefinition): Promise<void> {
  const chunks = withRows(await import('@duckdb/node-api'), path, (result) => {
    columnsOf(result.columnNames(), source, path);
    return result[Symbol.asyncIterator]();
  });
  for await (const _chunk of chunks);
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
