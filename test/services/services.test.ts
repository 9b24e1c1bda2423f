import { Kafka, logLevel } from 'kafkajs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from './available.ts';
import { type KafkaProcess, type KafkaService, startOwnKafka } from './kafka.ts';
import { type OwnRedis, startOwnRedis } from './redis.ts';
import { startTcpProxy } from './tcp-proxy.ts';

describeWith(['own-kafka'], 'a Kafka of the test', () => {
  let kafka: KafkaService & { readonly process: KafkaProcess };
  beforeAll(async () => {
    kafka = await startOwnKafka();
  });
  afterAll(() => kafka.stop());

  test('comes back after a kill with what was written', async () => {
    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 1 }] });
    const producer = client.producer();
    await producer.connect();
    await producer.send({ topic: 't', messages: [{ value: 'a' }] });
    await producer.disconnect();
    await kafka.process.kill();
    await kafka.process.restart();
    const [offsets] = await admin.fetchTopicOffsets('t');
    expect(offsets?.high).toBe('1');
    await admin.disconnect();
  });
});

describeWith(['own-redis'], 'a Redis of the test', () => {
  let redis: OwnRedis;
  beforeAll(async () => {
    redis = await startOwnRedis();
  });
  afterAll(() => redis.stop());

  test('is empty after a restart, and as it was after a snapshot is put back', async () => {
    await redis.command('set', 'k', 'saved');
    await redis.snapshot();
    await redis.command('set', 'k', 'later');
    await redis.restoreSnapshot();
    expect(await redis.command('get', 'k')).toBe('saved');
    await redis.command('flushall');
    await redis.kill();
    await redis.restart();
    expect(await redis.command('get', 'k')).toBeNull();
  });

  test('hangs behind a proxy that stalls, and goes on when it resumes', async () => {
    const proxy = await startTcpProxy({ port: redis.port });
    const client = new Redis({ port: proxy.port, host: '127.0.0.1', commandTimeout: 200 });
    client.on('error', () => undefined);
    expect(await client.ping()).toBe('PONG');
    proxy.stall();
    await expect(client.ping()).rejects.toThrow('timed out');
    proxy.resume();
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
    await proxy.close();
  });
});
