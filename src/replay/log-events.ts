/** A source's topic as events of a replay: each partition up to where it ended when the run was planned. */
import { SkewlessError } from '../core/errors.ts';
import type { Schemas } from '../event/schemas.ts';
import { consumeAlone } from '../log/consume-alone.ts';
import type { Log, LogBatch, LogConsumer } from '../log/log.ts';
import type { EventBatch, EventReader, ReadRange } from './event-reader.ts';

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

  async function batch(each: LogBatch, consumer: LogConsumer): Promise<boolean> {
    const work = works.get(each.partition);
    if (work === undefined || isDone(work)) {
      consumer.pause([each.partition]);
      return false;
    }
    if (each.fetchPosition !== work.position) return false;
    // Nothing readable is beyond the end, though the markers of transactions take offsets there.
    const position = each.reachedEnd ? work.target : Math.min(each.nextPosition, work.target);
    const records = each.records.filter(({ offset }) => offset < work.target);
    const all = work.target - work.range.from;
    const share = (position - work.range.from) / all;
    await sink({ partition: each.partition, records, rejected: [], nextOffset: position, share });
    work.position = position;
    if (isDone(work)) consumer.pause([each.partition]);
    return [...works.values()].every(isDone);
  }

  // Of a partition that came after the run was planned nothing is read.
  const start = (partitions: readonly number[]): Promise<ReadonlyMap<number, number>> =>
    Promise.resolve(new Map(partitions.map((each) => [each, works.get(each)?.position ?? 0])));
  await consumeAlone(log, topic, { purpose: 'train', start, batch }, signal);
  signal.throwIfAborted();
}
