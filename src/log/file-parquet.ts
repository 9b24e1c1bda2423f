/**
 * Parquet, read by DuckDB, which is loaded only for it. Values become what JSON would carry: an integer beyond ±(2^53−1)
 * a string, a decimal the nearest double, a timestamp RFC 3339 in UTC (cut off to the millisecond before it), one
 * without a time zone being taken as UTC. Nothing depends on the machine's time zone.
 */
import type { DuckDBResult, DuckDBValue } from '@duckdb/node-api';
import { TIMESTAMP_MS_MAX, formatTimestamp } from '../core/time.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { FileRecord } from './file.ts';
import { columnsOf, define, place } from './file-columns.ts';

type DuckDB = typeof import('@duckdb/node-api');

export async function* readParquet(path: string, _size: number, source: SourceDefinition): AsyncGenerator<FileRecord> {
  const duckdb = await import('@duckdb/node-api');
  const toJson = createToJson(duckdb);
  yield* withRows(duckdb, path, async function* (result, total) {
    const columns = columnsOf(result.columnNames(), source, path);
    let number = 0;
    for await (const rows of result.yieldRows()) {
      for (const row of rows) {
        number += 1;
        const json: Record<string, unknown> = {};
        for (const [index, column] of columns.entries()) place(json, column.path, toJson(row[index] ?? null));
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
    const table = `read_parquet(${fileName(path)}, hive_partitioning = false)`;
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${table}`);
    yield* use(await connection.stream(`SELECT * FROM ${table}`), Number(counted.getRows()[0]?.[0]));
  } finally {
    instance.closeSync();
  }
}

/** As a SQL literal. DuckDB takes `*`, `?` and `[` for patterns, except within brackets. */
function fileName(path: string): string {
  return `'${path.replaceAll(/[*?[]/g, '[$&]').replaceAll("'", "''")}'`;
}

function createToJson(duckdb: DuckDB): (value: DuckDBValue) => unknown {
  const { DuckDBArrayValue, DuckDBListValue, DuckDBMapValue, DuckDBStructValue, DuckDBDecimalValue } = duckdb;
  const timestampMs = createTimestampMs(duckdb);

  function toJson(value: DuckDBValue): unknown {
    if (typeof value === 'bigint') return integer(value);
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(toJson);
    if (value instanceof DuckDBStructValue) {
      const json: Record<string, unknown> = {};
      for (const [name, member] of Object.entries(value.entries)) define(json, name, toJson(member));
      return json;
    }
    if (value instanceof DuckDBMapValue) {
      return value.entries.map((entry) => ({ key: toJson(entry.key), value: toJson(entry.value) }));
    }
    if (value instanceof DuckDBDecimalValue) return value.scale === 0 ? integer(value.value) : Number(value.toString());
    const ms = timestampMs(value);
    return ms === null ? value.toString() : formatTimestamp(ms);
  }

  return toJson;
}

function integer(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Null for what is not a timestamp, or none that can be written. */
function createTimestampMs(duckdb: DuckDB): (value: object) => number | null {
  function toMs(value: object): bigint | null {
    if (value instanceof duckdb.DuckDBTimestampValue || value instanceof duckdb.DuckDBTimestampTZValue) {
      return floorDivide(value.micros, 1_000n);
    }
    if (value instanceof duckdb.DuckDBTimestampNanosecondsValue) return floorDivide(value.nanos, 1_000_000n);
    if (value instanceof duckdb.DuckDBTimestampMillisecondsValue) return value.millis;
    return value instanceof duckdb.DuckDBTimestampSecondsValue ? value.seconds * 1_000n : null;
  }
  return (value) => {
    const ms = toMs(value);
    return ms === null || ms > TIMESTAMP_MS_MAX || ms < -TIMESTAMP_MS_MAX ? null : Number(ms);
  };
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
