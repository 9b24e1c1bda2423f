/**
 * What an internal topic holds: bundles of a source partition's records that belong to one internal partition, each with how far
 * that source partition has been moved. A bundle is one record of Kafka: to write and read each record by itself takes a client
 * three times as long as to fold it. Written by mover.ts, read by lanes.
 */
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import type { LogRecord, RecordHeaders } from '../event/event.ts';
import { RECORD_BYTES_MAX } from '../event/parse-record.ts';
import type { AppendRecord } from '../log/log.ts';

/** All records of a source partition below `nextOffset` that belong to this internal partition come before this. */
export interface Progress {
  readonly partition: number;
  readonly nextOffset: number;
  /** When the partition's end was at `nextOffset`, by the mover's clock; null if it was further on. */
  readonly reachedEndAtMs: number | null;
  /**
   * Null but where records below `nextOffset` were gone before they could be moved: append time of the first one that was
   * there. It comes before that record.
   */
  readonly lostUntilMs: number | null;
}

/** `records` come before `progress`, in the source's order and coordinates. */
export interface Bundle {
  readonly records: readonly LogRecord[];
  readonly progress: Progress;
}

/** A bundle ends at either; a single record may be larger. */
const BUNDLE_RECORDS_MAX = 1_000;
const BUNDLE_BYTES_MAX = 262_144;
const PROGRESS_HEADER = 'skewless-progress';
const FORMAT = 1;
/** What else there is in a record. */
const KEY = 1;
const VALUE = 2;
const HEADERS = 4;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

const writer = new ByteWriter(BUNDLE_BYTES_MAX);

/**
 * Bundles for one internal partition. The last one says `progress`; those before it, that what is in them was moved. At least
 * one, for progress is news where nothing else is.
 */
export function bundlesOf(records: readonly LogRecord[], progress: Progress, to: number): readonly AppendRecord[] {
  const bundles: AppendRecord[] = [];
  let count = 0;
  writer.reset();
  for (const [index, record] of records.entries()) {
    if (count === 0) writer.u8(FORMAT);
    writeRecord(record);
    count++;
    if (count < BUNDLE_RECORDS_MAX && writer.length < BUNDLE_BYTES_MAX) continue;
    if (index === records.length - 1) break;
    const moved = { ...progress, nextOffset: record.offset + 1, reachedEndAtMs: null };
    bundles.push(bundleOf(writer.copy(), moved, to));
    writer.reset();
    count = 0;
  }
  bundles.push(bundleOf(count === 0 ? null : writer.copy(), progress, to));
  writer.reset();
  return bundles;
}

function bundleOf(value: Uint8Array | null, progress: Progress, partition: number): AppendRecord {
  const headers = { [PROGRESS_HEADER]: TEXT_ENCODER.encode(JSON.stringify(progress)) };
  return { key: null, value, timestampMs: null, partition, headers };
}

/**
 * A record too large to be read is cut to what is one byte too large still: whoever decodes it comes to the same end, and
 * the topic need not take what the source's takes.
 */
function writeRecord({ offset, timestampMs, key, value, headers }: LogRecord): void {
  const names = headers === undefined ? [] : Object.keys(headers);
  writer.u8((key === null ? 0 : KEY) | (value === null ? 0 : VALUE) | (names.length === 0 ? 0 : HEADERS));
  writer.varint(offset);
  writer.f64(timestampMs);
  if (key !== null) writeBytes(key);
  if (value !== null) {
    const isTooLarge = value.length + (key?.length ?? 0) > RECORD_BYTES_MAX;
    writeBytes(isTooLarge ? value.subarray(0, RECORD_BYTES_MAX + 1) : value);
  }
  if (names.length === 0) return;
  writer.varint(names.length);
  for (const name of names) {
    writer.string(name);
    writeBytes((headers as RecordHeaders)[name] as Uint8Array);
  }
}

function writeBytes(bytes: Uint8Array): void {
  writer.varint(bytes.length);
  writer.raw(bytes);
}

/** Null: no bundle, so somebody else's. Throws `CorruptBytesError` for one that `bundlesOf` did not write. */
export function parseBundle({ headers = {}, value }: LogRecord): Bundle | null {
  const header = headers[PROGRESS_HEADER];
  if (header === undefined) return null;
  const progress = JSON.parse(TEXT_DECODER.decode(header)) as Progress;
  const records: LogRecord[] = [];
  if (value === null) return { records, progress };
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format !== FORMAT) throw new CorruptBytesError(`bundles of format ${format} cannot be read`);
  while (reader.remaining > 0) records.push(readRecord(reader, progress.partition));
  return { records, progress };
}

function readRecord(reader: ByteReader, partition: number): LogRecord {
  const parts = reader.u8();
  const offset = reader.varint();
  const timestampMs = reader.f64();
  const key = (parts & KEY) === 0 ? null : reader.raw(reader.varint());
  const value = (parts & VALUE) === 0 ? null : reader.raw(reader.varint());
  if ((parts & HEADERS) === 0) return { partition, offset, timestampMs, key, value };
  const headers: Record<string, Uint8Array> = {};
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.string();
    headers[name] = reader.raw(reader.varint());
  }
  return { partition, offset, timestampMs, key, value, headers };
}

/** Of all that a mover appends at once: to every internal partition what is its own, and how far it went. */
export function bundlesForAll(
  records: readonly LogRecord[],
  progress: Progress,
  partitions: number,
  partitionOf: (record: LogRecord) => number,
): readonly AppendRecord[] {
  const byPartition = Array.from({ length: partitions }, (): LogRecord[] => []);
  for (const record of records) {
    const some = byPartition[partitionOf(record)];
    assert(some !== undefined, 'a record is moved to a partition that there is');
    some.push(record);
  }
  return byPartition.flatMap((some, to) => bundlesOf(some, progress, to));
}
