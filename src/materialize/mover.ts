/**
 * Repartitioning, of one partition of the source: what it holds goes to the internal topic, each record to its entity's
 * partition, in one transaction with how far that went. The transaction's id is the source partition's, so whoever had it
 * before is fenced, and what they had begun is undone. A position that is older than the last transaction makes records
 * come twice: lanes skip them by their vector.
 */
import { SkewlessError } from '../core/errors.ts';
import { type EntityReader, compileEntityReader } from '../event/entity-reader.ts';
import { parseErasure } from '../event/erasure.ts';
import type { LogRecord } from '../event/event.ts';
import { partitionOfEntityKey } from '../log/entity-partition.ts';
import type { AppendRecord, Log, LogBatch, PartitionRange, Transfer } from '../log/log.ts';
import type { Partition } from './partition.ts';
import type { Repartition } from './repartition.ts';
import { type RetryPolicy, untilReachable } from './retry.ts';
import { moved, type Progress, progressRecord } from './transit.ts';

export interface MoverContext {
  readonly log: Log;
  readonly repartition: Repartition;
  readonly partition: number;
  /** Of the internal topic. */
  readonly partitions: number;
  readonly retry: RetryPolicy;
  /** Where nothing is appended, that the end is still reached is said this often. */
  readonly confirmMs: number;
}

export function createMover({ log, repartition, partition, partitions, retry, confirmMs }: MoverContext): Partition {
  const { source, topic, group } = repartition;
  const entityOf = entityFinder(repartition);
  let transfer: Transfer | null = null;
  /** Everything below is moved. */
  let position = 0;
  let lostUntilMs: number | null = null;
  let confirmedAtMs: number | null = null;

  async function take(): Promise<Transfer> {
    const taken = await log.openTransfer({ id: `${group}/${partition}`, group, topic: source.topic, partition });
    const stored = await taken.position();
    if (stored === null) {
      const range = await rangeOf(log, source.topic, partition);
      position = range.startOffset;
      lostUntilMs = range.startOffset === 0 ? null : (range.startTimestampMs ?? 0);
    } else position = stored;
    return taken;
  }

  async function append(batch: LogBatch, progress: Progress): Promise<void> {
    transfer ??= await take();
    if (position > batch.nextPosition) return;
    const records = batch.records.filter(({ offset }) => offset >= position);
    const lost = { partition, nextOffset: position, reachedEndAtMs: null, lostUntilMs };
    const appended = [
      ...(lostUntilMs === null ? [] : toAll(lost)),
      ...records.map((record) => route(record, entityOf, partitions)),
      ...toAll(progress),
    ];
    try {
      await transfer.append(topic, appended, batch.nextPosition);
    } catch (error) {
      // Whether it was appended, the next one asks.
      await closeTransfer();
      throw error;
    }
    position = batch.nextPosition;
    lostUntilMs = null;
  }

  function toAll(progress: Progress): readonly AppendRecord[] {
    return Array.from({ length: partitions }, (_none, to) => progressRecord(progress, to));
  }

  async function closeTransfer(): Promise<void> {
    const former = transfer;
    transfer = null;
    await former?.close();
  }

  return {
    shards: [],
    async open() {
      confirmedAtMs = null;
      transfer = await untilReachable(retry, take);
      return position;
    },
    async apply(batch, fetchedAtMs) {
      const isNews = batch.nextPosition > position || (batch.reachedEnd && confirmedAtMs === null);
      const isDue = batch.reachedEnd && confirmedAtMs !== null && fetchedAtMs - confirmedAtMs >= confirmMs;
      if (!isNews && !isDue) return batch.nextPosition;
      const reachedEndAtMs = batch.reachedEnd ? fetchedAtMs : null;
      const progress = { partition, nextOffset: batch.nextPosition, reachedEndAtMs, lostUntilMs: null };
      await untilReachable(retry, () => append(batch, progress));
      confirmedAtMs = reachedEndAtMs;
      return batch.nextPosition;
    },
    release: closeTransfer,
  };
}

/** A control record goes where the entity's events are. */
function entityFinder({ source, keyColumns }: Repartition): EntityReader {
  const entityOf = compileEntityReader(source, keyColumns);
  const key = keyColumns.join(',');
  return (record) => {
    const erasure = parseErasure(record);
    return erasure === null ? entityOf(record) : (erasure.entities[key] ?? null);
  };
}

/** What is about no entity, or cannot be read, goes by its source partition: lanes count it, or write its letter. */
function route(record: LogRecord, entityOf: EntityReader, partitions: number): AppendRecord {
  const entityKey = entityOf(record);
  const to = entityKey === null ? record.partition % partitions : partitionOfEntityKey(entityKey, partitions);
  return moved(record, to, entityKey);
}

async function rangeOf(log: Log, topic: string, partition: number): Promise<PartitionRange> {
  const range = (await log.ranges(topic))?.find((each) => each.partition === partition);
  if (range !== undefined) return range;
  throw new SkewlessError('topic_missing', `topic ${topic} has no partition ${partition} any more`);
}
