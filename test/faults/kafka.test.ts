import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { type KafkaProcess, type KafkaService, startOwnKafka } from '../services/kafka.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { type Process, type World, createWorld, eventually } from './world.ts';

describeWith(['own-kafka', 'redis'], 'a Kafka that fails', () => {
  let kafka: KafkaService & { readonly process: KafkaProcess };
  let redis: RedisService;
  let world: World;
  let server: Process;
  let materializer: Process;
  beforeAll(async () => {
    [kafka, redis] = await Promise.all([startOwnKafka(), startRedis()]);
    world = await createWorld({ brokers: kafka.brokers, redisUrl: redis.url });
    server = await world.start('serve');
    materializer = await world.start('materialize');
    await world.produce(1_500);
    await world.caughtUp();
  });
  afterAll(async () => {
    await world.close();
    await redis.stop();
    await kafka.stop();
  });

  test('a broker that is killed and comes back: the process lives on and nothing is lost', async () => {
    await world.produce(500);
    await kafka.process.kill();
    // Long enough that kafkajs gives up by itself, and the driver must begin anew.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    await kafka.process.restart();
    await eventually('the topic takes records again', async () => {
      await world.produce(500);
      return true;
    });
    await world.check(server);
    expect(materializer.running()).toBe(true);
  });

  test('a broker that hangs and goes on: nothing is lost', async () => {
    await world.produce(500);
    kafka.process.suspend();
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    kafka.process.resume();
    await world.produce(500);
    await world.check(server);
    expect(materializer.running()).toBe(true);
  });
});
