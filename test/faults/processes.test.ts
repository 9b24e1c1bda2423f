import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomFrom } from '../contract/random.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { type World, createWorld } from './world.ts';

const KILLS = 20;

describeWith(['kafka', 'redis'], 'processes that die', () => {
  let kafka: KafkaService;
  let redis: RedisService;
  let world: World;
  beforeAll(async () => {
    [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
    world = await createWorld({ brokers: kafka.brokers, redisUrl: redis.url });
  });
  afterAll(async () => {
    await world.close();
    await redis.stop();
    await kafka.stop();
  });

  test(`one of two materializers killed ${KILLS} times during load: nothing is lost, nothing counts twice`, async () => {
    const random = randomFrom(1);
    const server = await world.start('serve');
    const both = [await world.start('materialize'), await world.start('materialize')];
    for (let kill = 0; kill < KILLS; kill++) {
      await Promise.all([
        world.produce(300),
        new Promise((resolve) => setTimeout(resolve, 100 + random.int(400))).then(async () => {
          const victim = random.int(both.length);
          await both[victim]?.kill();
          both[victim] = await world.start('materialize');
        }),
      ]);
    }
    await world.check(server);
    const epochs = [...(await world.checkpoints()).values()].map(({ epoch }) => epoch);
    expect(Math.max(...epochs)).toBeGreaterThan(1);
  });
});
