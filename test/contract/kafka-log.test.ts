import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { describeLogContract } from './log-contract.ts';

describeWith(['kafka'], 'a real Kafka', () => {
  let kafka: KafkaService;
  let prefix = '';
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());
  beforeEach(() => {
    prefix = randomUUID();
  });

  /** Each test has topics, groups and work of its own. */
  const own = (name: string): string => `${prefix}.${name}`;

  async function open(): Promise<Log> {
    const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock });
    return {
      ...log,
      ensureTopic: (topic, partitions) => log.ensureTopic(own(topic), partitions),
      ranges: (topic) => log.ranges(own(topic)),
      append: (topic, records, options) => log.append(own(topic), records, options),
      async openTransfer(options) {
        const { topic, id, group } = options;
        const transfer = await log.openTransfer({ ...options, id: own(id), group: own(group), topic: own(topic) });
        return { ...transfer, append: (to, records, next) => transfer.append(own(to), records, next) };
      },
      progressOf: (topic, id) => log.progressOf(own(topic), id),
      consume: (options, handler) =>
        log.consume({ ...options, topic: own(options.topic), group: own(options.group) }, handler),
      read: (topic, partition, fromOffset, recordsMax) => log.read(own(topic), partition, fromOffset, recordsMax),
    };
  }

  async function truncate(_log: Log, topic: string, beforeOffset: number): Promise<void> {
    const admin = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    // Without it kafkajs does not know where the partitions are.
    await admin.fetchTopicOffsets(own(topic));
    await admin.deleteTopicRecords({ topic: own(topic), partitions: [{ partition: 0, offset: String(beforeOffset) }] });
    await admin.disconnect();
  }

  describeLogContract('Kafka', { open, truncate });

  test('a topic that does not exist, asked for all the while, hides none that does', async () => {
    const log = await open();
    const topics = ['a', 'b', 'c'];
    for (const topic of topics) await log.ensureTopic(topic, 2);
    const absent = Array.from({ length: 12 }, (_none, index) => `absent-${index}`);
    const askFor = async (some: readonly string[]): Promise<void> => {
      for (const topic of some) expect(await log.ranges(topic), topic).toBeNull();
    };
    const progress = { isDone: false };
    const asking = Promise.all([0, 4, 8].map((from) => askFor(absent.slice(from, from + 4)))).finally(() => {
      progress.isDone = true;
    });
    while (!progress.isDone) {
      for (const topic of topics) expect((await log.ranges(topic))?.length, topic).toBe(2);
    }
    await asking;
    await log.close();
  });
});
