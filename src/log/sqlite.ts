/**
 * The embedded log: topics, partitions and records in one SQLite file, durable when an append resolves. Offsets are
 * contiguous from 0; the head of a partition may be truncated, its offsets are never used again.
 */
import type { StatementSync } from 'node:sqlite';
import type { Clock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import { type SqliteFile, type SqliteSchema, openSqliteFile } from '../core/sqlite.ts';
import type { LogRecord } from '../event/event.ts';
import type { AppendProgress, AppendRecord, AppendedAt, Log, PartitionRange } from './log.ts';
import { partitionOf } from './partitioner.ts';
import { type Fetched, createConsumers } from './sqlite-consumer.ts';

const SCHEMA: SqliteSchema = {
  applicationId: 0x736b776c,
  version: 1,
  name: 'log',
  statements: `
    CREATE TABLE partitions (
      id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
      start_offset INTEGER NOT NULL DEFAULT 0, end_offset INTEGER NOT NULL DEFAULT 0,
      UNIQUE (topic, partition)
    );
    CREATE TABLE records (
      partition INTEGER NOT NULL REFERENCES partitions (id), offset INTEGER NOT NULL,
      appended_ms INTEGER NOT NULL, key BLOB, value BLOB,
      PRIMARY KEY (partition, offset)
    ) WITHOUT ROWID;
    CREATE TABLE progress (topic TEXT NOT NULL, id TEXT NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (topic, id))`,
};

export interface SqliteLogOptions {
  readonly file: string;
  /** Gives records their append time. */
  readonly clock: Clock;
}

export interface SqliteLog extends Log {
  /** Forgets records below `beforeOffset`, as a retention limit does. */
  truncate(topic: string, partition: number, beforeOffset: number): Promise<void>;
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
}

/** Opens or creates the file; throws `sqlite_unusable` if it is not a log. */
export async function openSqliteLog({ file, clock }: SqliteLogOptions): Promise<SqliteLog> {
  const sqlite = openSqliteFile(file, SCHEMA);
  const table = createTable(sqlite, clock);
  const consumers = createConsumers({ fetch: table.fetch, partitions: table.partitionNumbers });
  return {
    ensureTopic: async (topic, partitions) => table.ensureTopic(topic, partitions),
    ranges: async (topic) => table.ranges(topic),
    async append(topic, records, progress) {
      const places = table.append(topic, records, progress ?? null);
      consumers.wake(topic);
      return places;
    },
    progressOf: async (topic, id) => table.progressOf(topic, id),
    consume: async (options, handler) => consumers.open(options, handler),
    read: async (topic, partition, fromOffset, recordsMax) => table.read(topic, partition, fromOffset, recordsMax),
    truncate: async (topic, partition, beforeOffset) => table.truncate(topic, partition, beforeOffset),
    async close() {
      await consumers.close();
      sqlite.close();
    },
  };
}

interface Table {
  ensureTopic(topic: string, partitions: number): void;
  partitionNumbers(topic: string): readonly number[];
  ranges(topic: string): readonly PartitionRange[] | null;
  append(topic: string, records: readonly AppendRecord[], progress: AppendProgress | null): readonly AppendedAt[];
  progressOf(topic: string, id: string): number;
  read(topic: string, partition: number, fromOffset: number, recordsMax: number): readonly LogRecord[];
  fetch(topic: string, partition: number, fromOffset: number, recordsMax: number, bytesMax: number): Fetched;
  truncate(topic: string, partition: number, beforeOffset: number): void;
}

function createTable(sqlite: SqliteFile, clock: Clock): Table {
  const sql = (text: string): StatementSync => sqlite.database.prepare(text);
  const selectPartitions = sql(
    'SELECT id, partition, start_offset, end_offset FROM partitions WHERE topic = ? ORDER BY partition',
  );
  const addPartition = sql('INSERT OR IGNORE INTO partitions (topic, partition) VALUES (?, ?)');
  const setEnd = sql('UPDATE partitions SET end_offset = ? WHERE id = ?');
  const setStart = sql('UPDATE partitions SET start_offset = ? WHERE id = ?');
  const addRecord = sql('INSERT INTO records (partition, offset, appended_ms, key, value) VALUES (?, ?, ?, ?, ?)');
  const dropRecords = sql('DELETE FROM records WHERE partition = ? AND offset < ?');
  const selectRecords = sql(
    'SELECT offset, appended_ms, key, value FROM records WHERE partition = ? AND offset >= ? ORDER BY offset LIMIT ?',
  );
  const selectProgress = sql('SELECT done FROM progress WHERE topic = ? AND id = ?');
  const setProgress = sql('INSERT OR REPLACE INTO progress (topic, id, done) VALUES (?, ?, ?)');

  const partitionsOf = (topic: string): PartitionRow[] => selectPartitions.all(topic) as unknown as PartitionRow[];

  function partitionRow(topic: string, partition: number): PartitionRow {
    const row = partitionsOf(topic).find((each) => each.partition === partition);
    if (row === undefined) throw unknownTopic(topic, partition);
    return row;
  }

  return {
    ensureTopic(topic, partitions) {
      sqlite.write(() => {
        if (partitionsOf(topic).length > 0) return;
        for (let partition = 0; partition < partitions; partition++) addPartition.run(topic, partition);
      });
    },
    partitionNumbers: (topic) => partitionsOf(topic).map((row) => row.partition),
    ranges: (topic) =>
      sqlite.read(() => {
        const rows = partitionsOf(topic);
        return rows.length === 0
          ? null
          : rows.map((row) => rangeOf(row, selectRecords.get(row.id, row.start_offset, 1) as RecordRow | undefined));
      }),
    append: (topic, records, progress) =>
      sqlite.write(() => {
        const rows = partitionsOf(topic);
        if (rows.length === 0) throw unknownTopic(topic, null);
        const ends = rows.map((row) => row.end_offset);
        const places = records.map(({ key, value, timestampMs }) => {
          const index = partitionOf(key, rows.length, 'murmur2') ?? 0;
          const row = rows[index] as PartitionRow;
          const offset = ends[index] as number;
          addRecord.run(row.id, offset, timestampMs ?? clock.nowMs(), key, value);
          ends[index] = offset + 1;
          return { partition: row.partition, offset };
        });
        for (const [index, row] of rows.entries())
          if (ends[index] !== row.end_offset) setEnd.run(ends[index] as number, row.id);
        if (progress !== null) setProgress.run(topic, progress.id, progress.done);
        return places;
      }),
    progressOf: (topic, id) => Number(selectProgress.get(topic, id)?.['done'] ?? 0),
    read: (topic, partition, fromOffset, recordsMax) => {
      const rows = selectRecords.all(
        partitionRow(topic, partition).id,
        fromOffset,
        recordsMax,
      ) as unknown as RecordRow[];
      return rows.map((row) => recordOf(partition, row));
    },
    fetch: (topic, partition, fromOffset, recordsMax, bytesMax) =>
      sqlite.read(() => {
        const row = partitionRow(topic, partition);
        const records: LogRecord[] = [];
        let bytes = 0;
        for (const each of selectRecords.iterate(row.id, fromOffset, recordsMax) as Iterable<unknown>) {
          const record = recordOf(partition, each as RecordRow);
          bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
          if (records.length > 0 && bytes > bytesMax) break;
          records.push(record);
        }
        return { records, startOffset: row.start_offset, endOffset: row.end_offset };
      }),
    truncate(topic, partition, beforeOffset) {
      sqlite.write(() => {
        const row = partitionRow(topic, partition);
        const start = Math.min(Math.max(beforeOffset, row.start_offset), row.end_offset);
        dropRecords.run(row.id, start);
        setStart.run(start, row.id);
      });
    },
  };
}

function rangeOf(row: PartitionRow, first: RecordRow | undefined): PartitionRange {
  const { partition, start_offset: startOffset, end_offset: endOffset } = row;
  return { partition, startOffset, endOffset, startTimestampMs: first?.appended_ms ?? null };
}

function recordOf(partition: number, { offset, appended_ms: timestampMs, key, value }: RecordRow): LogRecord {
  return { partition, offset, timestampMs, key, value };
}

function unknownTopic(topic: string, partition: number | null): SkewlessError {
  const what = partition === null ? `topic ${topic}` : `partition ${partition} of topic ${topic}`;
  return new SkewlessError('unknown_topic', `there is no ${what} in the log`);
}
