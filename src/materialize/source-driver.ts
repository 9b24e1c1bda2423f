/**
 * One source at work: its consumer, its partitions, and what happens when the log fails. The log awaits each call of
 * the handler, one at a time for a partition, and waiting for the store is the back-pressure.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { messageOf, SkewlessError } from '../core/errors.ts';
import type { ConsumeOptions, Log, LogBatch, LogConsumer } from '../log/log.ts';
import type { MaterializeBounds } from './bounds.ts';
import type { Partition } from './partition.ts';
import { type RetryPolicy, untilReachable } from './retry.ts';
import { createSourceHandler } from './source-handler.ts';
import type { SourceState } from './status.ts';

export interface SourceDriverContext {
  /** What is read, and as a member of which group. */
  readonly topic: string;
  readonly group: string;
  /** The source's own. */
  readonly sourceTopic: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly bounds: MaterializeBounds;
  readonly retry: RetryPolicy;
  readonly stopping: () => boolean;
  /** Called once per partition; a partition that comes back keeps its counters. */
  createPartition(partition: number): Partition;
}

export interface SourceDriver {
  /** Goes on by itself until `stop`. */
  start(): void;
  /** Ends after the chunk at hand. */
  stop(): Promise<void>;
  state(): SourceState;
  partitions(): ReadonlyMap<number, Partition>;
  /** Of the source's topic, as of lately; null where the log has not said. */
  partitionCount(): Promise<number | null>;
  /** Ends of the log at the last fetches, by partition. */
  endOffsets(): ReadonlyMap<number, number>;
}

export function createSourceDriver(context: SourceDriverContext): SourceDriver {
  const { topic, group, log, clock, bounds, retry, stopping } = context;
  const partitions = new Map<number, Partition>();
  const endOffsets = new Map<number, number>();
  const options: ConsumeOptions = {
    topic,
    group,
    batchRecordsMax: bounds.batchRecordsMax,
    batchBytesMax: bounds.batchBytesMax,
    // Heartbeats ride on empty batches, so these must come more often.
    idleMs: Math.max(1, Math.floor(bounds.heartbeatMs / 2)),
  };
  const count = createPartitionCount(context);
  let state: SourceState = { mode: 'starting' };
  let running: Promise<void> = Promise.resolve();
  let end: (error: unknown) => void = () => {};

  function partitionOf(number: number): Partition {
    // It may be a new one.
    count.forget();
    let partition = partitions.get(number);
    if (partition === undefined) {
      partition = context.createPartition(number);
      partitions.set(number, partition);
    }
    return partition;
  }

  async function endOf(partition: number): Promise<number> {
    const ranges = await untilReachable(retry, () => log.ranges(topic));
    return ranges?.find((range) => range.partition === partition)?.endOffset ?? 0;
  }

  function fetched(batch: LogBatch): void {
    endOffsets.set(batch.partition, batch.endOffset);
  }

  /** Consumes until the log fails or the driver stops; answers what the log failed with, or null. */
  async function consumeOnce(): Promise<unknown> {
    const ended = Promise.withResolvers<unknown>();
    end = ended.resolve;
    if (stopping()) return null;
    const ready = Promise.withResolvers<LogConsumer>();
    const handler = createSourceHandler(
      { clock, signal: retry.signal, partitionOf, endOf, fetched, ended: ended.resolve },
      ready.promise,
    );
    const consumer = await untilReachable(retry, () => log.consume(options, handler));
    ready.resolve(consumer);
    state = { mode: 'running' };
    const error = await ended.promise;
    await consumer.close();
    return error;
  }

  async function run(): Promise<void> {
    let waitMs = bounds.retryFirstMs;
    while (!stopping()) {
      const startedAtMs = clock.nowMs();
      const error = await consumeOnce().catch((thrown: unknown) => thrown);
      if (error === null || stopping()) break;
      const code = error instanceof SkewlessError ? error.code : 'internal';
      const reason = { code, message: messageOf(error) };
      // Fenced: another owner has the partition, which joining the group again settles.
      if (!(error instanceof SkewlessError) || !(error.retryable || code === 'fenced')) {
        state = { mode: 'failed', ...reason };
        return;
      }
      state = { mode: 'restarting', ...reason };
      if (clock.nowMs() - startedAtMs > bounds.retryLastMs) waitMs = bounds.retryFirstMs;
      await delay(waitMs, undefined, { signal: retry.signal }).catch(() => {});
      waitMs = Math.min(waitMs * 2, bounds.retryLastMs);
    }
    state = { mode: 'stopped' };
  }

  return {
    start() {
      running = run();
    },
    async stop() {
      end(null);
      await running;
    },
    state: () => state,
    partitions: () => partitions,
    partitionCount: () => count.ask(),
    endOffsets: () => endOffsets,
  };
}

interface PartitionCount {
  ask(): Promise<number | null>;
  /** The next question is asked of the log. */
  forget(): void;
}

/** The log does not tell of a topic that has grown, so it is asked from time to time. */
function createPartitionCount({ sourceTopic, log, clock, bounds }: SourceDriverContext): PartitionCount {
  let answer: Promise<number | null> = Promise.resolve(null);
  let askedAtMs = Number.NEGATIVE_INFINITY;
  return {
    ask() {
      if (clock.nowMs() - askedAtMs >= bounds.topicAskMs) {
        askedAtMs = clock.nowMs();
        // An outage is noticed elsewhere.
        answer = log.ranges(sourceTopic).then(
          (ranges) => ranges?.length ?? null,
          () => null,
        );
      }
      return answer;
    },
    forget() {
      askedAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}
