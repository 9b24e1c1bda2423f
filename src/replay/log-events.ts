/** A source's topic as events of a replay: each partition up to where it ended when the run was planned. */
import { randomUUID } from 'node:crypto';
import { SkewlessError } from '../core/errors.ts';
import type { Schemas } from '../event/schemas.ts';
import type { Log, LogBatch, LogConsumer } from '../log/log.ts';
import type { EventBatch, EventReader, ReadRange } from './event-reader.ts';

const BATCH_RECORDS_MAX = 4_096;
const BATCH_BYTES_MAX = 4_194_304;
const IDLE_MS = 200;

/** `location`: for the manifest; it holds no secret. Rejects with `unknown_topic`. */
export function createLogReader(
  log: Log,
  topic: string,
  location: string,
  schemas: Schemas | null = null,
): EventReader {
  return {
    identity: { log: location, topic },
    schemas,
    isPartitioned: true,
    timestamps: async () => ((await log.timestampOrigin(topic)) === 'log' ? 'append_time' : 'producer_time'),
    async ranges() {
      const ranges = await log.ranges(topic);
      if (ranges === null) throw new SkewlessError('unknown_topic', `there is no topic ${topic} in ${location}`);
      return ranges.map(({ partition, startOffset, endOffset, startTimestampMs }) => ({
        partition,
        from: startOffset,
        next: endOffset,
        startTimestampMs,
      }));
    },
    read: (ranges, sink, { signal }) => readTopic(log, topic, ranges, sink, signal),
  };
}

interface Work {
  readonly range: ReadRange;
  readonly target: number;
  position: number;
}

async function readTopic(
  log: Log,
  topic: string,
  ranges: readonly ReadRange[],
  sink: (batch: EventBatch) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const works = new Map<number, Work>();
  for (const range of ranges) works.set(range.partition, { range, target: range.next ?? 0, position: range.from });
  const isDone = ({ position, target }: Work): boolean => position >= target;
  if ([...works.values()].every(isDone)) return;
  const opened = Promise.withResolvers<LogConsumer>();
  const ended = Promise.withResolvers<void>();

  async function take(batch: LogBatch): Promise<void> {
    const work = works.get(batch.partition);
    const consumer = await opened.promise;
    if (work === undefined || isDone(work)) {
      consumer.pause([batch.partition]);
      return;
    }
    if (signal.aborted || batch.fetchPosition !== work.position) return;
    // Nothing readable is beyond the end, though the markers of transactions take offsets there.
    const position = batch.reachedEnd ? work.target : Math.min(batch.nextPosition, work.target);
    const records = batch.records.filter(({ offset }) => offset < work.target);
    const all = work.target - work.range.from;
    const share = (position - work.range.from) / all;
    await sink({ partition: batch.partition, records, rejected: [], nextOffset: position, share });
    work.position = position;
    if (isDone(work)) consumer.pause([batch.partition]);
    if ([...works.values()].every(isDone)) ended.resolve();
  }

  const stop = (): void => ended.resolve();
  signal.addEventListener('abort', stop);
  try {
    const consumer = await log.consume(
      // Of its own: it shares the partitions with nobody, and leaves no offsets behind.
      {
        topic,
        group: `skewless-train-${randomUUID()}`,
        batchRecordsMax: BATCH_RECORDS_MAX,
        batchBytesMax: BATCH_BYTES_MAX,
        idleMs: IDLE_MS,
      },
      {
        // Of a partition that came after the run was planned nothing is read.
        assigned: (partitions) =>
          Promise.resolve(new Map(partitions.map((each) => [each, works.get(each)?.position ?? 0]))),
        revoked: () => Promise.resolve(),
        batch: (batch) => take(batch).catch(ended.reject),
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
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
