/**
 * The embedded log: topics, partitions and records in a SQLite file, durable when an append resolves. Offsets are
 * contiguous from 0; the head of a partition may be truncated, its offsets are never used again. Records without a key
 * go to partition 0.
 */
import type { Clock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import { openSqliteFile } from '../core/sqlite.ts';
import { gap } from './gap.ts';
import type { AppendProgress, Log } from './log.ts';
import { createConsumers } from './sqlite-consumer.ts';
import { LOG_PART, type Records, createRecords } from './sqlite-records.ts';

export interface SqliteLogOptions {
  /** May be the store's file, too. */
  readonly file: string;
  /** Gives records their append time. */
  readonly clock: Clock;
}

export interface SqliteLog extends Log {
  /** Forgets records below `beforeOffset`, as a retention limit does. */
  truncate(topic: string, partition: number, beforeOffset: number): Promise<void>;
}

/** Opens or creates the file; throws `sqlite_unusable` if it is not ours, `sqlite_damaged` if it cannot be read. */
export async function openSqliteLog({ file, clock }: SqliteLogOptions): Promise<SqliteLog> {
  const sqlite = openSqliteFile(file, LOG_PART);
  const records = createRecords(sqlite);
  const consumers = createConsumers({
    partitions: (topic) => sqlite.read(() => records.partitions(topic)),
    fetch: (topic, partition, fromOffset, recordsMax, bytesMax) =>
      sqlite.read(() => records.fetch(topic, partition, fromOffset, recordsMax, bytesMax)),
  });
  return {
    makesTopics: true,
    ensureTopic: async (topic, partitions) => sqlite.write(() => records.ensureTopic(topic, partitions)),
    timestampOrigin: () => Promise.resolve('log'),
    ranges: async (topic) => sqlite.read(() => records.ranges(topic)),
    async append(topic, added, { partitioner = 'murmur2', progress } = {}) {
      const places = sqlite.write(() => {
        if (progress !== undefined) advance(records, topic, progress);
        return records.append(topic, added, partitioner, clock.nowMs());
      });
      consumers.wake(topic);
      return places;
    },
    async openTransfer({ id }) {
      const epoch = sqlite.write(() => records.beginTransfer(id));
      return {
        position: async () => sqlite.read(() => records.transfer(id).position),
        async append(topic, added, nextPosition) {
          sqlite.write(() => {
            if (records.transfer(id).epoch !== epoch) throw new SkewlessError('fenced', `${id} is done by another`);
            records.append(topic, added, 'murmur2', clock.nowMs());
            records.moveTransfer(id, nextPosition);
          });
          consumers.wake(topic);
        },
        close: () => Promise.resolve(),
      };
    },
    progressOf: async (topic, id) => sqlite.read(() => records.progress(topic, id)),
    consume: async (options, handler) => consumers.open(options, handler),
    read: async (topic, partition, fromOffset, recordsMax) => {
      const fetched = sqlite.read(() => records.fetch(topic, partition, fromOffset, recordsMax, Infinity));
      if (fromOffset < fetched.startOffset) throw gap(topic, partition, fromOffset, fetched);
      return fetched.records;
    },
    truncate: async (topic, partition, beforeOffset) =>
      sqlite.write(() => records.truncate(topic, partition, beforeOffset)),
    async close() {
      await consumers.close();
      sqlite.close();
    },
  };
}

function advance(records: Records, topic: string, progress: AppendProgress): void {
  const { id, from } = progress;
  const stored = records.progress(topic, id);
  if (stored !== from) {
    throw new SkewlessError('progress_moved', `topic ${topic}: ${id} is at ${stored}, and not at ${from}`);
  }
  records.setProgress(topic, progress);
}
