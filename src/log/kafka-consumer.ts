/**
 * A consumer of the Kafka log. kafkajs fetches and keeps the group; what is here holds the port's promises on top of it:
 *
 * - Start positions are the handler's. A partition that was just assigned is paused until the handler has answered, and
 *   the one that was lost is revoked before; kafkajs tells of a new generation before it fetches anything for it.
 * - A batch is delivered only if it was fetched from where the partition is. Records that are never delivered (markers,
 *   aborted or compacted ones) move a partition on as an empty batch does.
 * - kafkajs starts again at the beginning when its position is not in the log. Here that is a gap, and ends the consumer.
 * - The end: `ListOffsets` answers the last stable offset, below which nothing is undecided. A partition whose position
 *   was there before the question was asked, and still is, has nothing more to read.
 *
 * Heartbeats go on while the handler works, so that a store that is away does not cost the partitions; a rebalance waits
 * for the handler, at most as long as the group does.
 */
import type { Batch, Consumer, EachBatchPayload } from 'kafkajs';
import { SkewlessError } from '../core/errors.ts';
import { gap } from './gap.ts';
import { type KafkaClient, kafkaFault } from './kafka-client.ts';
import { within } from './kafka-time.ts';
import { type Held, createHeld } from './held.ts';
import { endOfPiece, recordOf } from './kafka-record.ts';
import type { Topics } from './kafka-topics.ts';
import type { ConsumeOptions, LogConsumer, LogHandler } from './log.ts';

/** After this many fetches that ended at one place beyond the position, what is in between is known to be invisible. */
const DETOURS_MAX = 3;
const CLOSE_MS = 10_000;

/** kafkajs has it, and its types do not say so. */
type FetchedBatch = Batch & { readonly fetchedOffset: string };

export async function openKafkaConsumer(
  client: KafkaClient,
  topics: Topics,
  options: ConsumeOptions,
  handler: LogHandler,
): Promise<LogConsumer> {
  const { topic } = options;
  const { bounds } = client;
  const held = new Map<number, Held>();
  /** Assignments are settled one after the other. */
  let settling: Promise<void> = Promise.resolve();
  let closing: Promise<void> | null = null;
  let asking = false;
  const consumer = client.kafka.consumer({
    groupId: options.group,
    sessionTimeout: bounds.sessionMs,
    heartbeatInterval: bounds.heartbeatMs,
    rebalanceTimeout: bounds.rebalanceMs,
    maxWaitTimeInMs: bounds.fetchWaitMs,
    maxBytes: bounds.fetchBytesMax,
    maxBytesPerPartition: bounds.fetchPartitionBytesMax,
    allowAutoTopicCreation: false,
    // Starting again is the driver's, who knows how long it has been waiting.
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(false) },
  });

  function fail(error: unknown): void {
    if (closing !== null) return;
    handler.failed(error);
    void close();
  }

  function seek(partition: number, position: number): void {
    consumer.seek({ topic, partition, offset: String(position) });
  }

  function pauseFetching(partitions: readonly number[]): void {
    if (partitions.length > 0) consumer.pause([{ topic, partitions: [...partitions] }]);
  }

  async function settle(wanted: readonly number[]): Promise<void> {
    if (closing !== null) return;
    const lost = [...held.keys()].filter((partition) => !wanted.includes(partition));
    const fresh = wanted.filter((partition) => !held.has(partition));
    await revoke(lost);
    if (fresh.length === 0) return;
    const starts = await handler.assigned(fresh);
    for (const partition of fresh) {
      const position = starts.get(partition);
      if (position === undefined) continue;
      held.set(partition, createHeld(partition, position));
      seek(partition, position);
      consumer.resume([{ topic, partitions: [partition] }]);
    }
    void confirmEnds();
  }

  async function revoke(lost: readonly number[]): Promise<void> {
    if (lost.length === 0) return;
    const entries = lost.map((partition) => held.get(partition)).filter((entry) => entry !== undefined);
    for (const entry of entries) entry.lost = true;
    await Promise.all(entries.map((entry) => entry.settled()));
    await handler.revoked(lost);
    for (const partition of lost) held.delete(partition);
  }

  /** Called before anything is fetched for the new generation, in which kafkajs knows no positions. */
  function joined(assigned: readonly number[]): void {
    const kept = assigned.filter((partition) => held.get(partition)?.lost === false);
    pauseFetching(assigned.filter((partition) => !kept.includes(partition)));
    for (const partition of kept) seek(partition, (held.get(partition) as Held).position);
    settling = settling.then(() => settle(assigned)).catch(fail);
  }

  async function isGap(partition: number, position: number): Promise<boolean> {
    const offsets = (await topics.offsets(topic))?.get(partition);
    if (offsets !== undefined && position >= offsets.startOffset && position <= offsets.endOffset) return false;
    fail(
      offsets === undefined
        ? new SkewlessError('unknown_topic', `partition ${partition} of topic ${topic} is gone`)
        : gap(topic, partition, position, offsets),
    );
    return true;
  }

  /** Fetched from elsewhere than the position: stale, reset by kafkajs, or beyond what can never be seen. */
  async function detour(entry: Held, fetchedOffset: number): Promise<void> {
    const { partition, position } = entry;
    if (await isGap(partition, position)) return;
    if (entry.noteDetour(fetchedOffset) >= DETOURS_MAX && fetchedOffset > position) {
      await skip(entry, position, fetchedOffset);
    }
    seek(partition, entry.position);
  }

  /** What lies between the two is never delivered to anybody. */
  async function skip(entry: Held, from: number, to: number): Promise<void> {
    await entry.exclusively(async () => {
      // What was before it in the queue may have sought elsewhere.
      if (entry.lost || entry.position !== from || to <= from) return;
      entry.position = to;
      const { partition } = entry;
      await handler.batch({
        partition,
        fetchPosition: from,
        records: [],
        nextPosition: to,
        endOffset: to,
        reachedEnd: false,
      });
    });
  }

  async function eachBatch({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
    const entry = held.get(batch.partition);
    if (entry === undefined || entry.lost || closing !== null) return;
    const beat = setInterval(() => void heartbeat().catch(() => undefined), bounds.heartbeatMs);
    try {
      const fetchedOffset = Number((batch as FetchedBatch).fetchedOffset);
      if (!(await entry.exclusively(() => deliver(entry, batch, fetchedOffset)))) await detour(entry, fetchedOffset);
      // What was sought meanwhile is not overwritten: kafkajs takes it after this.
      if (entry.position > fetchedOffset) resolveOffset(String(entry.position - 1));
    } catch (error) {
      fail(error);
    } finally {
      clearInterval(beat);
    }
  }

  /** In pieces as small as the options ask for. Answers false if the partition is not where the batch was fetched from. */
  async function deliver(entry: Held, batch: Batch, fetchedOffset: number): Promise<boolean> {
    if (entry.position !== fetchedOffset) return false;
    const { partition, messages } = batch;
    const highWatermark = Number(batch.highWatermark);
    const batchEnd = Number(batch.lastOffset()) + 1;
    for (let from = 0; from < messages.length; ) {
      const to = endOfPiece(messages, from, options);
      const records = messages.slice(from, to).map((message) => recordOf(partition, message));
      const nextPosition = to === messages.length ? batchEnd : (records.at(-1)?.offset ?? 0) + 1;
      const fetchPosition = entry.position;
      entry.position = nextPosition;
      const reachedEnd = nextPosition >= highWatermark;
      await handler.batch({ partition, fetchPosition, records, nextPosition, endOffset: highWatermark, reachedEnd });
      if (entry.position !== nextPosition || entry.lost || closing !== null) return true;
      from = to;
    }
    return true;
  }

  /** Empty batches for partitions that are at their end, and a look at whether positions are still in the log. */
  async function confirmEnds(): Promise<void> {
    if (asking || closing !== null) return;
    asking = true;
    try {
      const before = [...held.values()]
        .filter((entry) => entry.isQuiet())
        .map((entry) => [entry, entry.position] as const);
      if (before.length === 0) return;
      const offsets = await topics.offsets(topic);
      for (const [entry, position] of before) {
        const { partition } = entry;
        const there = offsets?.get(partition);
        if (there === undefined || position < there.startOffset || position > there.endOffset) {
          await isGap(partition, position);
        } else if (position === there.endOffset && entry.position === position && entry.isQuiet()) {
          const endOffset = there.endOffset;
          await entry.exclusively(async () => {
            if (entry.lost || entry.position !== position) return;
            await handler.batch({
              partition,
              fetchPosition: position,
              records: [],
              nextPosition: position,
              endOffset,
              reachedEnd: true,
            });
          });
        }
      }
    } catch (error) {
      // The consumer itself finds out whether Kafka is away for good.
      if (!(error instanceof SkewlessError) || !error.retryable) fail(error);
    } finally {
      asking = false;
    }
  }

  const timer = setInterval(() => void confirmEnds(), Math.max(options.idleMs, MIN_ASK_MS));

  function close(): Promise<void> {
    closing ??= (async () => {
      clearInterval(timer);
      await within(consumer.disconnect(), CLOSE_MS).catch(() => undefined);
      await settling;
      await revoke([...held.keys()]);
    })();
    return closing;
  }

  listen(consumer, topic, {
    joined,
    fail,
    skipped: (partition, firstOffset, lastOffset) => {
      const entry = held.get(partition);
      // A batch that was on its way when the position changed says nothing of what is there now.
      if (entry !== undefined && !entry.lost) void skip(entry, firstOffset, lastOffset + 1).catch(fail);
    },
  });
  try {
    await within(start(consumer, topic, eachBatch, bounds.partitionsAtOnce), bounds.callMs);
  } catch (error) {
    await close();
    throw kafkaFault(error, topic);
  }
  return {
    seek(partition, position) {
      const entry = held.get(partition);
      if (entry === undefined || entry.lost || closing !== null) return;
      entry.position = position;
      seek(partition, position);
    },
    pause(partitions) {
      for (const partition of partitions) held.get(partition)?.pause();
      if (closing === null) pauseFetching(partitions);
    },
    resume(partitions) {
      for (const partition of partitions) held.get(partition)?.resume();
      if (closing === null && partitions.length > 0) consumer.resume([{ topic, partitions: [...partitions] }]);
      void confirmEnds();
    },
    close,
  };
}

/** A question for the end of each partition is asked no more often than this. */
const MIN_ASK_MS = 50;

async function start(
  consumer: Consumer,
  topic: string,
  eachBatch: (payload: EachBatchPayload) => Promise<void>,
  partitionsConsumedConcurrently: number,
): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently, eachBatch });
}

interface Listeners {
  joined(partitions: readonly number[]): void;
  fail(error: unknown): void;
  /** A batch of which nothing is delivered. */
  skipped(partition: number, firstOffset: number, lastOffset: number): void;
}

function listen(consumer: Consumer, topic: string, listeners: Listeners): void {
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => listeners.joined(payload.memberAssignment[topic] ?? []));
  consumer.on(consumer.events.CRASH, ({ payload }) => listeners.fail(kafkaFault(payload.error, topic)));
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const { batchSize, partition, firstOffset, lastOffset } = payload;
    if (batchSize === 0 && firstOffset !== null) listeners.skipped(partition, Number(firstOffset), Number(lastOffset));
  });
}
