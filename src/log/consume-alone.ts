/**
 * Reads a topic beside whoever else does, once, up to where its reader says that it has all it wants: it shares the partitions with
 * nobody, and leaves no offsets behind.
 */
import { randomUUID } from 'node:crypto';
import type { Log, LogBatch, LogConsumer } from './log.ts';

const BATCH_RECORDS_MAX = 4_096;
const BATCH_BYTES_MAX = 4_194_304;
const IDLE_MS = 200;

export interface AloneReader {
  /** What reads, in its group's name. */
  readonly purpose: string;
  /** Positions of these partitions. */
  start(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Answers true when nothing more is wanted. What it rejects with, the whole reading rejects with. */
  batch(batch: LogBatch, consumer: LogConsumer): Promise<boolean>;
}

/** Resolves when the reader has what it wants, or at once when `signal` is aborted; in both cases nothing is read any more. */
export async function consumeAlone(log: Log, topic: string, reader: AloneReader, signal: AbortSignal): Promise<void> {
  const opened = Promise.withResolvers<LogConsumer>();
  const ended = Promise.withResolvers<void>();

  async function batch(each: LogBatch): Promise<void> {
    const consumer = await opened.promise;
    if (signal.aborted) return;
    try {
      if (await reader.batch(each, consumer)) ended.resolve();
    } catch (error) {
      ended.reject(error);
      // Thrown on, so that the log hands over nothing that comes after.
      throw error;
    }
  }

  const stop = (): void => ended.resolve();
  signal.addEventListener('abort', stop);
  try {
    const consumer = await log.consume(
      {
        topic,
        group: `skewless-${reader.purpose}-${randomUUID()}`,
        batchRecordsMax: BATCH_RECORDS_MAX,
        batchBytesMax: BATCH_BYTES_MAX,
        idleMs: IDLE_MS,
      },
      {
        assigned: (partitions) => reader.start(partitions),
        revoked: () => Promise.resolve(),
        batch,
        failed: ended.reject,
      },
    );
    opened.resolve(consumer);
    if (signal.aborted) stop();
    try {
      await ended.promise;
    } finally {
      await consumer.close();
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
