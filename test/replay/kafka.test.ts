/** A real topic: transactions that were aborted, a head that only the archive has, and times that are the broker's or not. */
import { randomUUID } from 'node:crypto';
import kafkajs, { type Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { withArchives } from '../../src/log/archived.ts';
import { runArchive } from '../../src/log/archive-run.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import { load } from '../property/engine.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { createMemoryReader, folderForTest, serviceOf, trainFor } from './support.ts';

const PARTITIONS = 4;
const NOW_MS = Date.now();
const SHOPS = Array.from({ length: 9 }, (_none, index) => `s${index}`);

const serviceFor = (topic: string) =>
  serviceOf(
    load(`
sources:
  - { name: orders, topic: ${topic}, key: [shop], event_time: at, fields: { shop: string, brand: string, at: timestamp, amount: double } }
entities: [{ name: shop, keys: { shop: string } }, { name: brand, keys: { brand: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: sold, agg: sum, of: amount, windows: [1h] }] }
  - { name: brands, entity: brand, source: orders, features: [{ name: brand_sold, agg: mean, of: amount, windows: [1h] }] }
services: [{ name: scoring, features: [sales.*, brands.*] }]
`),
  );

const LABELS = SHOPS.map((shop, index) => ({ shop, brand: `b${index % 3}`, timestamp: NOW_MS - 1_000 * index }));

describeWith(['kafka'], 'a real Kafka', () => {
  let kafka: KafkaService;
  let client: Kafka;
  let log: Log;
  beforeAll(async () => {
    kafka = await startKafka();
    client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
    log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock });
  });
  afterAll(async () => {
    await log.close();
    await kafka.stop();
  });

  /** Transactions of twenty orders, of which every third is aborted. */
  async function orderedTopic(timestampType: string): Promise<string> {
    const topic = `orders-${randomUUID().slice(0, 8)}`;
    const admin = client.admin();
    await admin.connect();
    const configEntries = [{ name: 'message.timestamp.type', value: timestampType }];
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, configEntries }], waitForLeaders: true });
    await admin.disconnect();
    const producer = client.producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    for (let number = 0; number < 12; number++) {
      const transaction = await producer.transaction();
      const messages = Array.from({ length: 20 }, (_none, index) => {
        const shop = SHOPS[(number * 7 + index) % SHOPS.length] as string;
        const order = {
          shop,
          brand: `b${index % 3}`,
          at: NOW_MS - (number * 20 + index) * 10_000,
          amount: (index + 1) / 3,
        };
        return { key: shop, value: JSON.stringify(order) };
      });
      await transaction.send({ topic, messages });
      await (number % 3 === 2 ? transaction.abort() : transaction.commit());
    }
    await producer.disconnect();
    return topic;
  }

  const trainOn = (topic: string, from: Log, knowledge: 'event-time' | 'arrival' = 'event-time') =>
    trainFor({
      service: serviceFor(topic),
      readers: new Map([['orders', createLogReader(from, topic, 'kafka://test')]]),
      labels: LABELS,
      knowledge,
    });

  test('what was committed counts, and what was aborted does not; nor does it matter that the head is in the archive', async () => {
    const topic = await orderedTopic('LogAppendTime');
    const trained = await trainOn(topic, log);
    const ranges = (await log.ranges(topic)) ?? [];
    const records = (await Promise.all(ranges.map(({ partition }) => log.read(topic, partition, 0, 1_000)))).flat();
    expect(records.length).toBe(8 * 20);
    expect(trained.manifest.sources[0]?.records).toBe(records.length);
    const held = ranges.map(({ partition, startOffset: from, endOffset: next }) => ({
      partition,
      from,
      next,
      startTimestampMs: null,
    }));
    const inMemory = await trainFor({
      service: serviceFor(topic),
      readers: new Map([['orders', createMemoryReader(records, { ranges: held })]]),
      labels: LABELS,
    });
    expect(trained.rows).toEqual(inMemory.rows);
    expect(new Set(trained.rows.map((row) => row['sold_1h__status']))).toEqual(new Set(['PRESENT']));

    const folder = folderForTest();
    await runArchive({
      log,
      topic,
      folder,
      clock: systemClock,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    const admin = client.admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({
      topic,
      partitions: ranges.map(({ partition, endOffset }) => ({ partition, offset: String(endOffset >> 1) })),
    });
    await admin.disconnect();
    expect((await trainOn(topic, log)).rows.some((row) => row['sold_1h__status'] === 'INCOMPLETE')).toBe(true);
    const joined = withArchives(log, {
      archives: new Map([[topic, folder]]),
      clock: systemClock,
      onWarning: () => undefined,
    });
    expect((await trainOn(topic, joined)).rows).toEqual(trained.rows);
  }, 60_000);

  test('the broker says when records came, if the topic has it so; a producer does not', async () => {
    const theirs = await orderedTopic('LogAppendTime');
    const { manifest, rows } = await trainOn(theirs, log, 'arrival');
    expect(manifest.sources[0]?.known_by).toBe('append_time');
    // They came after all labels.
    expect(new Set(rows.map((row) => row['sold_1h__status']))).toEqual(new Set(['NOT_FOUND']));
    expect(manifest.late_data?.[0]).toMatchObject({
      feature: 'sold_1h',
      differing: LABELS.length,
      extra: 0,
      missing: LABELS.length,
    });
    await expect(trainOn(await orderedTopic('CreateTime'), log, 'arrival')).rejects.toThrow(/CreateTime/);
  }, 60_000);
});
