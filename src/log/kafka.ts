/**
 * The Kafka log, on kafkajs: consumer groups, idempotent and transactional producers, committed records only. Positions
 * are the driver's: offsets in Kafka are never read to decide where to start, except those of transfers and progress,
 * which are committed with the records they speak of.
 */
import type { Clock } from '../core/clock.ts';
import { gap } from './gap.ts';
import { type KafkaOptions, createKafkaClient, unknownTopic } from './kafka-client.ts';
import { openKafkaConsumer } from './kafka-consumer.ts';
import { createKafkaProducers } from './kafka-producer.ts';
import { createKafkaReaders } from './kafka-reader.ts';
import { createTopics } from './kafka-topics.ts';
import type { Log, LogConsumer } from './log.ts';

export interface KafkaLogOptions extends KafkaOptions {
  /** Gives records their timestamp. */
  readonly clock: Clock;
}

/** Connects when first used: a broker that is away is a retryable error of the call, and none of this one. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const client = createKafkaClient(options);
  const readers = createKafkaReaders(client);
  const topics = createTopics(client, readers);
  const producers = createKafkaProducers(client, topics, options.clock);
  const consumers = new Set<LogConsumer>();
  return {
    makesTopics: false,
    ensureTopic: (topic, partitions, settings) => topics.ensure(topic, partitions, settings),
    timestampOrigin: (topic) => topics.timestampOrigin(topic),
    ranges: (topic) => topics.ranges(topic),
    append: (topic, records, { partitioner = 'murmur2', progress } = {}) =>
      producers.append(topic, records, partitioner, progress ?? null),
    openTransfer: (transfer) => producers.openTransfer(transfer),
    progressOf: (topic, id) => producers.progressOf(topic, id),
    async consume(consume, handler) {
      if ((await topics.ranges(consume.topic)) === null) throw unknownTopic(consume.topic);
      const consumer = await openKafkaConsumer(client, topics, consume, handler);
      consumers.add(consumer);
      return {
        ...consumer,
        async close() {
          consumers.delete(consumer);
          await consumer.close();
        },
      };
    },
    async read(topic, partition, fromOffset, recordsMax) {
      const offsets = (await topics.offsets(topic))?.get(partition);
      if (offsets === undefined) throw unknownTopic(topic);
      if (fromOffset < offsets.startOffset) throw gap(topic, partition, fromOffset, offsets);
      if (fromOffset >= offsets.endOffset || recordsMax <= 0) return [];
      return readers.read(topic, partition, fromOffset, recordsMax, offsets.endOffset);
    },
    async close() {
      for (const consumer of consumers) await consumer.close();
      await readers.close();
      await producers.close();
      await client.close();
    },
  };
}
