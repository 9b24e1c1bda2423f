/** What a source's consumer calls: assigned, revoked, batch, failed. Never throws into the log. */
import type { Clock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import type { LogBatch, LogConsumer, LogHandler } from '../log/log.ts';
import type { Partition } from './partition.ts';

export interface SourceHandlerContext {
  readonly clock: Clock;
  /** Aborted when the driver stops without waiting any longer. */
  readonly signal: AbortSignal;
  /** A partition that comes back is the same one, with its counters. */
  partitionOf(partition: number): Partition;
  /** Where to start in a partition of which nothing is owned. */
  endOf(partition: number): Promise<number>;
  fetched(batch: LogBatch): void;
  /** The consumer is of no more use; null: nothing failed. */
  ended(error: unknown): void;
}

/** A consumer that keeps delivering from elsewhere has lost a seek: it is told again. */
const DISCARDS_IN_A_ROW_MAX = 8;

/** `consumer` resolves with what `consume` answered: batches may come before that. */
export function createSourceHandler(context: SourceHandlerContext, consumer: Promise<LogConsumer>): LogHandler {
  const assigned = new Map<number, { readonly partition: Partition; expected: number; discards: number }>();

  async function assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const starts = new Map<number, number>();
    for (const number of partitions) {
      const partition = context.partitionOf(number);
      const expected = (await partition.open()) ?? (await context.endOf(number));
      assigned.set(number, { partition, expected, discards: 0 });
      starts.set(number, expected);
    }
    return starts;
  }

  async function apply(batch: LogBatch): Promise<void> {
    const fetchedAtMs = context.clock.nowMs();
    const entry = assigned.get(batch.partition);
    if (entry === undefined) return;
    if (batch.fetchPosition !== entry.expected) {
      // It was on its way when the position changed.
      entry.discards++;
      if (entry.discards < DISCARDS_IN_A_ROW_MAX) return;
      entry.discards = 0;
      (await consumer).seek(batch.partition, entry.expected);
      return;
    }
    entry.discards = 0;
    context.fetched(batch);
    entry.expected = await entry.partition.apply(batch, fetchedAtMs);
    if (entry.expected !== batch.nextPosition) (await consumer).seek(batch.partition, entry.expected);
  }

  /** Runs a call of the log's; what it throws ends the consumer, unless the driver stops anyway. */
  async function guarded<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      context.ended(context.signal.aborted ? null : error);
      return otherwise;
    }
  }

  return {
    assigned: (partitions) => guarded(() => assign(partitions), new Map()),
    revoked: (partitions) =>
      guarded(async () => {
        for (const number of partitions) {
          const entry = assigned.get(number);
          assigned.delete(number);
          // Best effort: an owner that could not say so is found out by its heartbeat.
          await entry?.partition.release().catch(() => {});
        }
      }, undefined),
    batch: (batch) => guarded(() => apply(batch), undefined),
    failed: (error) => context.ended(error ?? new SkewlessError('log_failed', 'the log gave no reason')),
  };
}
