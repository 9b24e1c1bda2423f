/**
 * What every use of DuckDB shares: text as SQL, and values as JSON carries them. The library itself is 70 MB, and is loaded
 * by whoever needs it, when they do.
 */
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { TIMESTAMP_MS_MAX, formatTimestamp } from './time.ts';

export type DuckDB = typeof import('@duckdb/node-api');

/** As a SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The name of one file as a SQL literal: DuckDB takes `*`, `?` and `[` for patterns, except within brackets. */
export function fileLiteral(path: string): string {
  return literal(path.replaceAll(/[*?[]/g, '[$&]'));
}

/** As a SQL name. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Values become what JSON would carry: an integer beyond ±(2^53−1) a string, a decimal the nearest double, a timestamp
 * RFC 3339 in UTC (cut off to the millisecond before it), one without a time zone being taken as UTC. Nothing depends on the
 * machine's time zone.
 */
export function createToJson(duckdb: DuckDB): (value: DuckDBValue) => unknown {
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

/** Whether values of such a column are already what JSON carries. */
export function isJson({ DuckDBTypeId }: DuckDB, { typeId }: DuckDBType): boolean {
  return (
    typeId === DuckDBTypeId.VARCHAR ||
    typeId === DuckDBTypeId.DOUBLE ||
    typeId === DuckDBTypeId.INTEGER ||
    typeId === DuckDBTypeId.BOOLEAN
  );
}

/** Also for a key like `__proto__`, which plain assignment would not store. */
export function define(record: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
}

function integer(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Milliseconds, as `createToJson` cuts them off; null for what is not a timestamp, or none that can be written. */
export function createTimestampMs(duckdb: DuckDB): (value: object) => number | null {
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
