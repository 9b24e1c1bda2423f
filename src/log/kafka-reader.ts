/**
 * Records by coordinates. kafkajs reads only as a member of a group, so a reader is a group of its own, kept for a while:
 * joining takes seconds where the broker waits for more members, and reads come in rows.
 */
import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { LogRecord } from '../event/event.ts';
import { type KafkaClient, kafkaFault } from './kafka-client.ts';
import { within } from './kafka-time.ts';
import { recordOf } from './kafka-record.ts';

export interface KafkaReaders {
  /** Records from `fromOffset` on, at most `recordsMax`, none at or beyond `endOffset`. */
  read(
    topic: string,
    partition: number,
    fromOffset: number,
    recordsMax: number,
    endOffset: number,
  ): Promise<readonly LogRecord[]>;
  close(): Promise<void>;
}

/** A reader without work for this long leaves. */
const KEPT_MS = 10_000;

interface Wanted {
  readonly partition: number;
  readonly recordsMax: number;
  readonly endOffset: number;
  position: number;
  readonly found: LogRecord[];
  readonly done: PromiseWithResolvers<readonly LogRecord[]>;
}

interface Reader {
  readonly consumer: Consumer;
  wanted: Wanted | null;
  timer: NodeJS.Timeout | null;
}

export function createKafkaReaders(client: KafkaClient): KafkaReaders {
  const readers = new Map<string, Promise<Reader>>();
  /** Reads of one topic take turns. */
  const turns = new Map<string, Promise<unknown>>();

  async function open(topic: string): Promise<Reader> {
    const consumer = client.kafka.consumer({
      groupId: `skewless-read-${randomUUID()}`,
      sessionTimeout: client.bounds.sessionMs,
      heartbeatInterval: client.bounds.heartbeatMs,
      maxWaitTimeInMs: client.bounds.fetchWaitMs,
      maxBytesPerPartition: client.bounds.fetchPartitionBytesMax,
      allowAutoTopicCreation: false,
      retry: { retries: 5, initialRetryTime: 100, restartOnFailure: () => Promise.resolve(false) },
    });
    const reader: Reader = { consumer, wanted: null, timer: null };
    const fail = (error: unknown): void => reader.wanted?.done.reject(kafkaFault(error, topic));
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      readers.delete(topic);
      fail(payload.error);
    });
    // A batch of which nothing is delivered, at the end of what is wanted.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { batchSize, partition, lastOffset } }) => {
      const { wanted } = reader;
      if (batchSize > 0 || partition !== wanted?.partition || Number(lastOffset) + 1 < wanted.endOffset) return;
      wanted.done.resolve(wanted.found);
    });
    const joined = Promise.withResolvers<void>();
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      // Nothing is fetched but what is asked for.
      consumer.pause([{ topic, partitions: payload.memberAssignment[topic] ?? [] }]);
      joined.resolve();
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => Promise.resolve(take(reader, topic, payload)),
    });
    await joined.promise;
    return reader;
  }

  async function readNow(topic: string, wanted: Wanted): Promise<readonly LogRecord[]> {
    let opening = readers.get(topic);
    if (opening === undefined) {
      opening = open(topic);
      readers.set(topic, opening);
      opening.catch(() => readers.delete(topic));
    }
    const reader = await within(opening, client.bounds.callMs);
    if (reader.timer !== null) clearTimeout(reader.timer);
    reader.wanted = wanted;
    const { partition } = wanted;
    reader.consumer.seek({ topic, partition, offset: String(wanted.position) });
    reader.consumer.resume([{ topic, partitions: [partition] }]);
    try {
      return await within(wanted.done.promise, client.bounds.callMs);
    } finally {
      reader.wanted = null;
      if (readers.get(topic) === opening) {
        reader.consumer.pause([{ topic, partitions: [partition] }]);
        reader.timer = setTimeout(() => void leave(topic, opening), KEPT_MS);
        reader.timer.unref();
      }
    }
  }

  async function leave(topic: string, opening: Promise<Reader>): Promise<void> {
    if (readers.get(topic) === opening) readers.delete(topic);
    const reader = await opening.catch(() => null);
    if (reader === null) return;
    if (reader.timer !== null) clearTimeout(reader.timer);
    await within(reader.consumer.disconnect(), client.bounds.callMs).catch(() => undefined);
  }

  return {
    async read(topic, partition, fromOffset, recordsMax, endOffset) {
      const done = Promise.withResolvers<readonly LogRecord[]>();
      const wanted: Wanted = { partition, recordsMax, endOffset, position: fromOffset, found: [], done };
      const turn = (turns.get(topic) ?? Promise.resolve()).then(() => readNow(topic, wanted));
      turns.set(
        topic,
        turn.catch(() => undefined),
      );
      try {
        return await turn;
      } catch (error) {
        throw kafkaFault(error, topic);
      }
    },
    async close() {
      for (const [topic, opening] of readers) await leave(topic, opening);
    },
  };
}

/** Takes of a batch what is wanted, until there is enough or the end is reached. */
function take({ consumer, wanted }: Reader, topic: string, { batch, resolveOffset }: EachBatchPayload): void {
  if (wanted === null || batch.partition !== wanted.partition) return;
  for (const message of batch.messages) {
    const offset = Number(message.offset);
    if (offset < wanted.position) continue;
    if (offset >= wanted.endOffset || wanted.found.length >= wanted.recordsMax) break;
    wanted.found.push(recordOf(batch.partition, message));
    wanted.position = offset + 1;
  }
  const batchEnd = Number(batch.lastOffset()) + 1;
  resolveOffset(batch.lastOffset());
  if (wanted.found.length < wanted.recordsMax && batchEnd < wanted.endOffset) return;
  consumer.pause([{ topic, partitions: [wanted.partition] }]);
  wanted.done.resolve(wanted.found);
}
