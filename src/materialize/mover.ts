/**
 * Repartitioning, of one partition of the source: what it holds goes to the internal topic, each record to its entity's
 * partition, in one transaction with how far that went. The transaction's id is the source partition's, so whoever had it
 * before is fenced, and what they had begun is undone. A position that is older than the last transaction makes records
 * come twice: lanes skip them by their vector.
 */
import { SkewlessError } from '../core/errors.ts';
import { compileEntityReader } from '../event/entity-reader.ts';
import { parseErasure } from '../event/erasure.ts';
import type { LogRecord } from '../event/event.ts';
import type { Schemas } from '../event/schemas.ts';
import { partitionOfEntityKey } from '../log/entity-partition.ts';
import type { Log, LogBatch, PartitionRange, Transfer } from '../log/log.ts';
import type { Partition } from './partition.ts';
import type { Repartition } from './repartition.ts';
import { type RetryPolicy, untilReachable } from './retry.ts';
import { bundlesForAll, type Progress } from './transit.ts';

export interface MoverContext {
  readonly log: Log;
  readonly repartition: Repartition;
  readonly partition: number;
  /** Of the internal topic. */
  readonly partitions: number;
  readonly schemas: Schemas | null;
  readonly retry: RetryPolicy;
  /** Where nothing is appended, that the end is still reached is said this often. */
  readonly confirmMs: number;
}

export function createMover({
  log,
  repartition,
  partition,
  partitions,
  schemas,
  retry,
  confirmMs,
}: MoverContext): Partition {
  const { source, topic, group } = repartition;
  const { prepare, partitionOf } = compileRoute(repartition, partitions, schemas);
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
      ...(lostUntilMs === null ? [] : bundlesForAll([], lost, partitions, partitionOf)),
      ...bundlesForAll(records, progress, partitions, partitionOf),
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
      if (prepare !== null) await untilReachable(retry, () => prepare(batch.records));
      await untilReachable(retry, () => append(batch, progress));
      confirmedAtMs = reachedEndAtMs;
      return batch.nextPosition;
    },
    release: closeTransfer,
  };
}

/** Partitions of entities that are remembered. */
const ENTITIES_REMEMBERED = 100_000;

/**
 * The internal partition of a record: its entity's. A control record goes there, too. What is about no entity, or cannot be
 * read, goes by its source partition: lanes count it, or write its letter.
 */
function compileRoute({ source, keyColumns }: Repartition, partitions: number, schemas: Schemas | null) {
  const { prepare, entityOf } = compileEntityReader(source, keyColumns, schemas);
  const key = keyColumns.join(',');
  const known = new Map<string, number>();
  function partitionOf(record: LogRecord): number {
    const erasure = parseErasure(record);
    const entityKey = erasure === null ? entityOf(record) : (erasure.entities[key] ?? null);
    if (entityKey === null) return record.partition % partitions;
    let partition = known.get(entityKey);
    if (partition === undefined) {
      partition = partitionOfEntityKey(entityKey, partitions);
      if (known.size >= ENTITIES_REMEMBERED) known.clear();
      known.set(entityKey, partition);
    }
    return partition;
  }

  return { prepare, partitionOf };
}

async function rangeOf(log: Log, topic: string, partition: number): Promise<PartitionRange> {
  const range = (await log.ranges(topic))?.find((each) => each.partition === partition);
  if (range !== undefined) return range;
  throw new SkewlessError('topic_missing', `topic ${topic} has no partition ${partition} any more`);
}
