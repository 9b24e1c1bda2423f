/**
 * Topics, partitions and records of the embedded log. A partition's offsets have no holes and each record has a
 * checksum, so a damaged file is an error, never a record less or other bytes. All calls are within a transaction.
 */
import { crc32 } from 'node:zlib';
import { SkewlessError } from '../core/errors.ts';
import { type SqliteFile, type SqlitePart, damaged } from '../core/sqlite.ts';
import type { Partitioner } from '../definition/definition.ts';
import type { LogRecord, RecordHeaders } from '../event/event.ts';
import type { AppendProgress, AppendRecord, AppendedAt, PartitionRange } from './log.ts';
import { partitionOf } from './partitioner.ts';

const TRANSFERS = 'CREATE TABLE transfers (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, position INTEGER)';

export const LOG_PART: SqlitePart = {
  name: 'log',
  version: 2,
  upgrades: { 1: `ALTER TABLE records ADD COLUMN headers TEXT; ${TRANSFERS}` },
  mend: 'restore it from a backup, or delete it and ingest the events again',
  statements: `
    CREATE TABLE partitions (
      id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
      start_offset INTEGER NOT NULL DEFAULT 0, end_offset INTEGER NOT NULL DEFAULT 0,
      UNIQUE (topic, partition)
    );
    CREATE TABLE records (
      partition INTEGER NOT NULL, offset INTEGER NOT NULL,
      appended_ms INTEGER NOT NULL, key BLOB, value BLOB, checksum INTEGER NOT NULL, headers TEXT,
      PRIMARY KEY (partition, offset)
    ) WITHOUT ROWID;
    CREATE TABLE progress (topic TEXT NOT NULL, id TEXT NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (topic, id));
    ${TRANSFERS}`,
};

/** Records of one fetch, and the bounds of the partition at that moment. */
export interface Fetched {
  readonly records: readonly LogRecord[];
  readonly startOffset: number;
  readonly endOffset: number;
}

export interface Records {
  ensureTopic(topic: string, partitions: number): void;
  /** In order; empty when the topic does not exist. */
  partitions(topic: string): readonly number[];
  ranges(topic: string): readonly PartitionRange[] | null;
  append(
    topic: string,
    records: readonly AppendRecord[],
    partitioner: Partitioner,
    nowMs: number,
  ): readonly AppendedAt[];
  progress(topic: string, id: string): number;
  setProgress(topic: string, progress: AppendProgress): void;
  /** The new holder's epoch. */
  beginTransfer(id: string): number;
  transfer(id: string): { readonly epoch: number; readonly position: number | null };
  moveTransfer(id: string, position: number): void;
  /** At least one record, if there is any; otherwise within both bounds. Below the start or beyond the end: none. */
  fetch(topic: string, partition: number, fromOffset: number, recordsMax: number, bytesMax: number): Fetched;
  truncate(topic: string, partition: number, beforeOffset: number): void;
}

interface PartitionRow {
  readonly id: number;
  readonly partition: number;
  readonly start_offset: number;
  readonly end_offset: number;
}

interface RecordRow {
  readonly offset: number;
  readonly appended_ms: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly checksum: number;
  readonly headers: string | null;
}

export function createRecords(sqlite: SqliteFile): Records {
  const selectPartitions = sqlite.prepare(
    'SELECT id, partition, start_offset, end_offset FROM partitions WHERE topic = ? ORDER BY partition',
  );
  const addPartition = sqlite.prepare('INSERT INTO partitions (topic, partition) VALUES (?, ?)');
  const setEnd = sqlite.prepare('UPDATE partitions SET end_offset = ? WHERE id = ?');
  const setStart = sqlite.prepare('UPDATE partitions SET start_offset = ? WHERE id = ?');
  const addRecord = sqlite.prepare(
    'INSERT INTO records (partition, offset, appended_ms, key, value, checksum, headers) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const dropRecords = sqlite.prepare('DELETE FROM records WHERE partition = ? AND offset < ?');
  const selectRecords = sqlite.prepare(
    'SELECT offset, appended_ms, key, value, checksum, headers FROM records WHERE partition = ? AND offset >= ? ORDER BY offset LIMIT ?',
  );
  const selectBounds = sqlite.prepare(
    'SELECT min(offset) AS first, max(offset) AS last FROM records WHERE partition = ?',
  );
  const selectProgress = sqlite.prepare('SELECT done FROM progress WHERE topic = ? AND id = ?');
  const setProgress = sqlite.prepare('INSERT OR REPLACE INTO progress (topic, id, done) VALUES (?, ?, ?)');

  const beginTransfer = sqlite.prepare(
    'INSERT INTO transfers (id, epoch) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch',
  );
  const selectTransfer = sqlite.prepare('SELECT epoch, position FROM transfers WHERE id = ?');
  const moveTransfer = sqlite.prepare('UPDATE transfers SET position = ? WHERE id = ?');

  const rowsOf = (topic: string): PartitionRow[] => selectPartitions.all(topic) as unknown as PartitionRow[];

  function rowOf(topic: string, partition: number): PartitionRow {
    const row = rowsOf(topic).find((each) => each.partition === partition);
    if (row === undefined) throw unknownTopic(topic, partition);
    return row;
  }

  function rangeOf(row: PartitionRow): PartitionRange {
    const { id, partition, start_offset: startOffset, end_offset: endOffset } = row;
    const { first, last } = selectBounds.get(id) as { first: number | null; last: number | null };
    const whole = startOffset === endOffset ? first === null : first === startOffset && last === endOffset - 1;
    if (!whole) throw damaged(sqlite.path, LOG_PART, `partition ${partition} lacks records at an end`);
    const oldest = selectRecords.get(id, startOffset, 1) as RecordRow | undefined;
    return { partition, startOffset, endOffset, startTimestampMs: oldest?.appended_ms ?? null };
  }

  function append(
    topic: string,
    records: readonly AppendRecord[],
    partitioner: Partitioner,
    nowMs: number,
  ): readonly AppendedAt[] {
    const rows = rowsOf(topic);
    if (rows.length === 0) throw unknownTopic(topic, null);
    const ends = rows.map((row) => row.end_offset);
    const places = records.map((record) => {
      const { key, value, timestampMs } = record;
      const index = record.partition ?? partitionOf(key, rows.length, partitioner) ?? 0;
      const row = rows[index];
      if (row === undefined) throw unknownTopic(topic, index);
      const { id, partition } = row;
      const offset = ends[index] as number;
      const appendedMs = timestampMs ?? nowMs;
      const headers = record.headers === undefined ? null : formatHeaders(record.headers);
      const checksum = checksumOf(offset, appendedMs, key, value, headers);
      addRecord.run(id, offset, appendedMs, key, value, checksum, headers);
      ends[index] = offset + 1;
      return { partition, offset };
    });
    for (const [index, row] of rows.entries()) {
      if (ends[index] !== row.end_offset) setEnd.run(ends[index] as number, row.id);
    }
    return places;
  }

  function fetch(topic: string, partition: number, fromOffset: number, recordsMax: number, bytesMax: number): Fetched {
    const row = rowOf(topic, partition);
    const { start_offset: startOffset, end_offset: endOffset } = row;
    const records: LogRecord[] = [];
    const count = fromOffset < startOffset ? 0 : Math.min(recordsMax, endOffset - fromOffset);
    let bytes = 0;
    for (const each of count <= 0 ? [] : selectRecords.iterate(row.id, fromOffset, count)) {
      const record = recordOf(partition, each as unknown as RecordRow, fromOffset + records.length);
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
      if (records.length > 0 && bytes > bytesMax) return { records, startOffset, endOffset };
      records.push(record);
    }
    if (records.length < count) throw damaged(sqlite.path, LOG_PART, `partition ${partition} lacks records`);
    return { records, startOffset, endOffset };
  }

  function recordOf(partition: number, row: RecordRow, expectedOffset: number): LogRecord {
    const { offset, appended_ms: timestampMs, key, value, checksum, headers } = row;
    const whole = offset === expectedOffset && isBytes(key) && isBytes(value);
    if (!whole || checksum !== checksumOf(offset, timestampMs, key, value, headers)) {
      throw damaged(sqlite.path, LOG_PART, `offset ${expectedOffset} of partition ${partition}`);
    }
    const record = { partition, offset, timestampMs, key, value };
    return headers === null ? record : { ...record, headers: parseHeaders(headers) };
  }

  return {
    ensureTopic(topic, partitions) {
      if (rowsOf(topic).length > 0) return;
      for (let partition = 0; partition < partitions; partition++) addPartition.run(topic, partition);
    },
    partitions: (topic) => rowsOf(topic).map((row) => row.partition),
    ranges(topic) {
      const rows = rowsOf(topic);
      return rows.length === 0 ? null : rows.map(rangeOf);
    },
    append,
    progress: (topic, id) => Number(selectProgress.get(topic, id)?.['done'] ?? 0),
    beginTransfer: (id) => Number(beginTransfer.get(id)?.['epoch']),
    transfer: (id) => selectTransfer.get(id) as unknown as { epoch: number; position: number | null },
    moveTransfer: (id, position) => void moveTransfer.run(position, id),
    setProgress: (topic, { id, done }) => void setProgress.run(topic, id, done),
    fetch,
    truncate(topic, partition, beforeOffset) {
      const row = rowOf(topic, partition);
      const start = Math.min(Math.max(beforeOffset, row.start_offset), row.end_offset);
      dropRecords.run(row.id, start);
      setStart.run(start, row.id);
    },
  };
}

/** One changed bit makes a text of a blob, of the same bytes. */
function isBytes(column: Uint8Array | null): boolean {
  return column === null || column instanceof Uint8Array;
}

const COORDINATES = new DataView(new ArrayBuffer(21));
const COORDINATE_BYTES = new Uint8Array(COORDINATES.buffer);

/** Over all of the record: also where the key ends, and which of key and value are null. */
/** Names to base64. */
function formatHeaders(headers: RecordHeaders): string {
  const entries = Object.entries(headers).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
  return JSON.stringify(Object.fromEntries(entries));
}

function parseHeaders(text: string): RecordHeaders {
  const entries = Object.entries(JSON.parse(text) as Record<string, string>);
  return Object.fromEntries(entries.map(([name, base64]) => [name, Buffer.from(base64, 'base64')]));
}

function checksumOf(
  offset: number,
  appendedMs: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: string | null,
): number {
  COORDINATES.setFloat64(0, offset);
  COORDINATES.setFloat64(8, appendedMs);
  COORDINATES.setUint32(16, key?.length ?? 0);
  COORDINATES.setUint8(20, (key === null ? 0 : 1) + (value === null ? 0 : 2));
  const checksum = crc32(COORDINATE_BYTES);
  const withKey = key === null ? checksum : crc32(key, checksum);
  const withValue = value === null ? withKey : crc32(value, withKey);
  return headers === null ? withValue : crc32(headers, withValue);
}

export function unknownTopic(topic: string, partition: number | null): SkewlessError {
  const what = partition === null ? `topic ${topic}` : `partition ${partition} of topic ${topic}`;
  return new SkewlessError('unknown_topic', `there is no ${what} in the log`);
}
