/** Records as columns of an archive's files, and back, with a checksum over each record and its place in the file. */
import { crc32 } from 'node:zlib';
import type { DuckDBValue } from '@duckdb/node-api';
import type { DuckDB } from '../core/duckdb.ts';
import type { LogRecord, RecordHeaders } from '../event/event.ts';

/** In this order in every file. Timestamps are ms; of headers, null is none. */
export const COLUMNS = `
  "partition" INTEGER, "offset" BIGINT, "timestamp" BIGINT, "key" BLOB, "value" BLOB,
  "headers" STRUCT("name" VARCHAR, "value" BLOB)[], "checksum" UINTEGER`;

/** `row`: the place of the first of them in the file. */
export function columnsOf(
  { blobValue, listValue, structValue }: DuckDB,
  records: readonly LogRecord[],
  row: number,
): readonly DuckDBValue[][] {
  const blob = (bytes: Uint8Array | null): DuckDBValue => (bytes === null ? null : blobValue(bytes));
  return [
    records.map(({ partition }) => partition),
    records.map(({ offset }) => BigInt(offset)),
    records.map(({ timestampMs }) => BigInt(timestampMs)),
    records.map(({ key }) => blob(key)),
    records.map(({ value }) => blob(value)),
    records.map(({ headers }) =>
      headers === undefined
        ? null
        : listValue(Object.entries(headers).map(([name, bytes]) => structValue({ name, value: blobValue(bytes) }))),
    ),
    records.map((record, index) => checksumOf(row + index, record)),
  ];
}

/** The columns as they were stored, without their `partition`; null where one is not what was written. */
export function recordOf(
  { DuckDBListValue }: DuckDB,
  partition: number,
  row: number,
  [offset, timestamp, key, value, headers, checksum]: readonly DuckDBValue[],
): LogRecord | null {
  const record = {
    partition,
    offset: Number(offset),
    timestampMs: Number(timestamp),
    key: bytesOf(key),
    value: bytesOf(value),
  };
  const whole = headers instanceof DuckDBListValue ? { ...record, headers: headersOf(headers.items) } : record;
  return checksum === checksumOf(row, whole) ? whole : null;
}

function headersOf(items: readonly DuckDBValue[]): RecordHeaders {
  return Object.fromEntries(
    items.map((item) => {
      const { name, value } = (item as unknown as Struct).entries;
      return [name, value.bytes];
    }),
  );
}

interface Struct {
  readonly entries: { readonly name: string; readonly value: { readonly bytes: Uint8Array } };
}

function bytesOf(value: DuckDBValue | undefined): Uint8Array | null {
  return (value as { readonly bytes: Uint8Array } | null)?.bytes ?? null;
}

const TEXT_ENCODER = new TextEncoder();
const PLACE = new DataView(new ArrayBuffer(37));
const PLACE_BYTES = new Uint8Array(PLACE.buffer);

/** Over all of the record: also where the key ends, and which of key, value and headers are absent. */
function checksumOf(row: number, { partition, offset, timestampMs, key, value, headers }: LogRecord): number {
  PLACE.setFloat64(0, row);
  PLACE.setFloat64(8, offset);
  PLACE.setFloat64(16, timestampMs);
  PLACE.setUint32(24, partition);
  PLACE.setUint32(28, key?.length ?? 0);
  PLACE.setUint32(32, value?.length ?? 0);
  PLACE.setUint8(36, (key === null ? 0 : 1) + (value === null ? 0 : 2) + (headers === undefined ? 0 : 4));
  let checksum = crc32(PLACE_BYTES);
  if (key !== null) checksum = crc32(key, checksum);
  if (value !== null) checksum = crc32(value, checksum);
  for (const [name, bytes] of Object.entries(headers ?? {})) {
    const text = TEXT_ENCODER.encode(name);
    checksum = crc32(`${text.length} ${bytes.length} `, checksum);
    checksum = crc32(bytes, crc32(text, checksum));
  }
  return checksum;
}
