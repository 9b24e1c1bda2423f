/**
 * Keeps a topic's records in an archive: each partition from where its archive ends to where the log ended when this
 * began. A file appears under its name when it is whole and durable, so a run that is killed leaves nothing half done,
 * and the next one goes on after the last file. Two runs at once write the same records twice, under names that overlap.
 *
 * A few partitions are read at a time, so that memory is that of a few files, however many partitions there are.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogRecord } from '../event/event.ts';
import { fileName, partitionFolder, temporaryName } from './archive-files.ts';
import type { ArchiveParquet } from './archive-parquet.ts';
import { consumeAlone } from './consume-alone.ts';
import type { Log, LogBatch, LogConsumer } from './log.ts';

/** Bounds of a file: it ends with the record that reaches one of them. */
export interface ArchiveBounds {
  readonly fileRecordsMax: number;
  /** Of keys, values and headers. */
  readonly fileBytesMax: number;
  readonly partitionsAtOnce: number;
}

export const DEFAULT_ARCHIVE_BOUNDS: ArchiveBounds = {
  fileRecordsMax: 65_536,
  fileBytesMax: 33_554_432,
  partitionsAtOnce: 2,
};

/** Of one partition: what is to be done, and how far it is. */
export interface ArchiveWork {
  readonly partition: number;
  readonly from: number;
  readonly target: number;
  /** Everything below it is in the archive. */
  next: number;
  records: number;
  files: number;
}

export interface ArchiveTopicOptions {
  readonly log: Log;
  readonly topic: string;
  readonly folder: string;
  readonly parquet: ArchiveParquet;
  readonly bounds: ArchiveBounds;
  /** When aborted, what has been read is written, and the run ends. */
  readonly signal: AbortSignal;
  /** `readOffsets`: of all partitions, written or not. */
  readonly onProgress: (readOffsets: number) => void;
}

/** Records that are read and not yet written, and the position after them. */
interface Pending {
  records: LogRecord[];
  bytes: number;
  next: number;
}

/** Moves `works` on; rejects with what the log or the disk failed with, and what was written stays. */
export async function archiveTopic(options: ArchiveTopicOptions, works: readonly ArchiveWork[]): Promise<void> {
  const { log, topic, bounds, signal } = options;
  const pendings = new Map(works.map((work) => [work, createPending(work.next)]));
  const byPartition = new Map(works.map((work) => [work.partition, work]));
  const waiting = works.filter(({ next, target }) => next < target);
  const reading = new Set(waiting.splice(0, bounds.partitionsAtOnce));
  if (reading.size === 0) return;

  function finish(work: ArchiveWork, consumer: LogConsumer): void {
    reading.delete(work);
    consumer.pause([work.partition]);
    const next = waiting.shift();
    if (next === undefined) return;
    reading.add(next);
    consumer.resume([next.partition]);
  }

  async function batch(each: LogBatch, consumer: LogConsumer): Promise<boolean> {
    const work = byPartition.get(each.partition);
    if (work === undefined || !reading.has(work)) {
      // Its turn comes, if it has anything to do, and then from there.
      consumer.pause([each.partition]);
      consumer.seek(each.partition, each.fetchPosition);
      return false;
    }
    const pending = pendings.get(work) as Pending;
    if (each.fetchPosition !== pending.next) return false;
    await take(options, work, pending, each);
    options.onProgress([...pendings].reduce((sum, [{ from }, { next }]) => sum + next - from, 0));
    if (pending.next < work.target && !each.reachedEnd) return false;
    await write(options, work, pending);
    finish(work, consumer);
    return reading.size === 0;
  }

  const start = (partitions: readonly number[]): Promise<ReadonlyMap<number, number>> =>
    startsOf(log, topic, partitions, byPartition);
  await consumeAlone(log, topic, { purpose: 'archive', start, batch }, signal);
  for (const [work, pending] of pendings) await write(options, work, pending);
}

function createPending(next: number): Pending {
  return { records: [], bytes: 0, next };
}

/** A partition with nothing to do waits at its end. */
async function startsOf(
  log: Log,
  topic: string,
  partitions: readonly number[],
  works: ReadonlyMap<number, ArchiveWork>,
): Promise<ReadonlyMap<number, number>> {
  const ranges = (await log.ranges(topic)) ?? [];
  const ends = new Map(ranges.map(({ partition, endOffset }) => [partition, endOffset]));
  return new Map(partitions.map((partition) => [partition, works.get(partition)?.next ?? ends.get(partition) ?? 0]));
}

/** What of the batch is below the target. */
async function take(
  options: ArchiveTopicOptions,
  work: ArchiveWork,
  pending: Pending,
  { records, nextPosition }: LogBatch,
): Promise<void> {
  const { fileRecordsMax, fileBytesMax } = options.bounds;
  for (const record of records) {
    if (record.offset >= work.target) break;
    pending.records.push(record);
    pending.bytes += bytesOf(record);
    pending.next = record.offset + 1;
    if (pending.records.length < fileRecordsMax && pending.bytes < fileBytesMax) continue;
    await write(options, work, pending);
    if (options.signal.aborted) return;
  }
  pending.next = Math.min(nextPosition, work.target);
}

/** A file, if there is anything to write; also of offsets without records, for they are not lost. */
async function write(
  { topic, folder, parquet }: ArchiveTopicOptions,
  work: ArchiveWork,
  pending: Pending,
): Promise<void> {
  const { partition, next: from } = work;
  const { next, records } = pending;
  if (next === from) return;
  const directory = partitionFolder(folder, partition);
  await mkdir(directory, { recursive: true });
  const file = { partition, from, next, path: join(directory, fileName({ from, next })) };
  await parquet.write(topic, file, records, join(directory, temporaryName()));
  work.next = next;
  work.records += records.length;
  work.files += 1;
  pending.records = [];
  pending.bytes = 0;
}

function bytesOf({ key, value, headers }: LogRecord): number {
  const ofHeaders = Object.entries(headers ?? {}).map(([name, bytes]) => name.length + bytes.length);
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders.reduce((sum, bytes) => sum + bytes, 0);
}
