/**
 * The `Log` port in memory, with a consumer that is as unhelpful as the contract allows: random batch sizes, batches
 * delivered again, batches that were on their way when the position changed, and failures of the log itself.
 */
import { SkewlessError } from '../../src/core/errors.ts';
import type { LogRecord } from '../../src/event/event.ts';
import type { ConsumeOptions, Log, LogBatch, LogConsumer, LogHandler, PartitionRange } from '../../src/log/log.ts';
import type { Defect } from './defect.ts';
import type { Random } from './random.ts';

export interface MemoryLog extends Log {
  /** Drops the oldest records of a partition, as retention does. */
  truncate(topic: string, partition: number, startOffset: number): void;
  topics(): readonly string[];
  /** All records of a topic, partition by partition. */
  records(topic: string): readonly LogRecord[];
}

export interface LogOptions {
  readonly nowMs: () => number;
  readonly random: Random;
  /** Probability of each unkindness per delivery. */
  readonly mischief: number;
  readonly defects?: ReadonlySet<Defect>;
  /** Told of each unkindness that was done. */
  readonly onMischief?: (what: Mischief) => void;
  /** Chooses the partition of an appended record. */
  readonly partitionOf?: (key: Uint8Array | null, partitions: number) => number;
}

/** What befell a consumer or a transfer. */
export type Mischief = 'redelivered' | 'strayed' | 'consumersFailed' | 'transfersFenced' | 'transfersLost' | 'rewound';

/** Of transfers, one in so many is torn. */
const TORN_EVERY = 4;

interface Partition {
  startOffset: number;
  readonly records: LogRecord[];
}

export function createMemoryLog(options: LogOptions): MemoryLog {
  const { random, mischief, defects = new Set(), onMischief = () => undefined } = options;
  let transferred = 0;
  const topics = new Map<string, Partition[]>();
  const transfers = new Map<string, { epoch: number; position: number | null; before: number | null }>();

  function partitionsOf(topic: string): Partition[] {
    const partitions = topics.get(topic);
    if (partitions === undefined) throw new SkewlessError('topic_missing', `no topic ${topic}`);
    return partitions;
  }

  const log: MemoryLog = {
    makesTopics: true,
    timestampOrigin: () => Promise.resolve('log'),
    ensureTopic(topic, partitions) {
      if (!topics.has(topic)) {
        topics.set(
          topic,
          Array.from({ length: partitions }, () => ({ startOffset: 0, records: [] })),
        );
      }
      return Promise.resolve();
    },
    ranges: (topic) => Promise.resolve(topics.get(topic)?.map(rangeOf) ?? null),
    append(topic, records) {
      const partitions = partitionsOf(topic);
      const appended = records.map(({ key, value, timestampMs, headers, partition: given }) => {
        const partition = given ?? options.partitionOf?.(key, partitions.length) ?? 0;
        const target = partitions[partition] as Partition;
        const offset = endOf(target);
        const record = { partition, offset, key, value, timestampMs: timestampMs ?? options.nowMs() };
        target.records.push(headers === undefined ? record : { ...record, headers });
        return { partition, offset };
      });
      return Promise.resolve(appended);
    },
    progressOf: () => Promise.resolve(0),
    openTransfer({ id }) {
      const held = transfers.get(id) ?? { epoch: 0, position: null, before: null };
      held.epoch++;
      transfers.set(id, held);
      const { epoch } = held;
      return Promise.resolve({
        // Now and then as of before the last append.
        position() {
          if (!random.chance(mischief) || held.before === held.position) return Promise.resolve(held.position);
          onMischief('rewound');
          return Promise.resolve(held.before);
        },
        async append(topic, records, nextPosition) {
          if (held.epoch !== epoch && !defects.has('no_transfer_fence')) {
            onMischief('transfersFenced');
            throw new SkewlessError('fenced', `${id} is done by another`);
          }
          if (random.chance(mischief / 10)) throw away();
          const torn = defects.has('torn_transfer') && ++transferred % TORN_EVERY === 0;
          await log.append(topic, torn ? records.slice(records.length / 2) : records);
          held.before = held.position;
          held.position = nextPosition;
          if (!torn && !random.chance(mischief / 10)) return;
          // Done, and whoever did it does not know.
          onMischief('transfersLost');
          throw away();
        },
        close: () => Promise.resolve(),
      });
    },
    async consume(consume, handler) {
      return startConsumer(partitionsOf(consume.topic), options, consume, handler);
    },
    read(topic, partition, fromOffset, recordsMax) {
      const { startOffset, records } = partitionsOf(topic)[partition] as Partition;
      const from = Math.max(0, fromOffset - startOffset);
      return Promise.resolve(records.slice(from, from + recordsMax));
    },
    close: () => Promise.resolve(),
    truncate(topic, partition, startOffset) {
      const target = partitionsOf(topic)[partition] as Partition;
      target.records.splice(0, startOffset - target.startOffset);
      target.startOffset = startOffset;
    },
    topics: () => [...topics.keys()],
    records: (topic) => partitionsOf(topic).flatMap(({ records }) => records),
  };
  return log;
}

function away(): SkewlessError {
  return new SkewlessError('log_unavailable', 'the log is away', { retryable: true });
}

function endOf({ startOffset, records }: Partition): number {
  return startOffset + records.length;
}

function rangeOf(partition: Partition, number: number): PartitionRange {
  return {
    partition: number,
    startOffset: partition.startOffset,
    endOffset: endOf(partition),
    startTimestampMs: partition.records[0]?.timestampMs ?? null,
  };
}

async function startConsumer(
  partitions: readonly Partition[],
  { random, mischief, defects = new Set(), onMischief = () => undefined }: LogOptions,
  options: ConsumeOptions,
  handler: LogHandler,
): Promise<LogConsumer> {
  const numbers = partitions.map((_partition, number) => number);
  const positions = new Map(await handler.assigned(numbers));
  let closed = false;

  function fetch(number: number, position: number): LogBatch {
    const partition = partitions[number] as Partition;
    if (position < partition.startOffset) throw new SkewlessError('log_gap', `offset ${position} is gone`);
    const count = 1 + random.below(options.batchRecordsMax);
    const from = position - partition.startOffset;
    const records = partition.records.slice(from, from + count);
    return {
      partition: number,
      fetchPosition: position,
      records,
      nextPosition: position + records.length,
      endOffset: endOf(partition),
      reachedEnd: position + records.length >= endOf(partition),
    };
  }

  async function deliver(number: number): Promise<number> {
    const position = positions.get(number) ?? 0;
    const batch = fetch(number, position);
    positions.set(number, batch.nextPosition);
    await handler.batch(batch);
    if (random.chance(mischief)) {
      onMischief('redelivered');
      await handler.batch(batch);
    }
    if (random.chance(mischief)) {
      const end = endOf(partitions[number] as Partition);
      const strayed = fetch(number, random.below(end + 1));
      onMischief('strayed');
      await handler.batch(
        defects.has('lying_log') ? { ...strayed, fetchPosition: positions.get(number) ?? 0 } : strayed,
      );
    }
    return batch.records.length;
  }

  async function pump(): Promise<void> {
    while (!closed) {
      let delivered = 0;
      for (const number of numbers) if (!closed) delivered += await deliver(number);
      if (random.chance(mischief / 20)) {
        onMischief('consumersFailed');
        closed = true;
        handler.failed(away());
      }
      await new Promise((resolve) => {
        if (delivered > 0) setImmediate(resolve);
        else setTimeout(resolve, 1);
      });
    }
  }

  const pumped = pump().catch((error: unknown) => {
    closed = true;
    handler.failed(error);
  });
  return {
    seek(partition, position) {
      positions.set(partition, position);
    },
    pause: () => {},
    resume: () => {},
    async close() {
      closed = true;
      await pumped;
      await handler.revoked(numbers);
    },
  };
}
