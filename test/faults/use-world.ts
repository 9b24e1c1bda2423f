/** Hooks that several files of faults share: a Kafka, a Redis and a world on them, for the tests of one `describe`. */
import { afterAll, beforeAll } from 'vitest';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { type World, createWorld } from './world.ts';

export interface Started {
  readonly kafka: KafkaService;
  readonly redis: RedisService;
  readonly world: World;
}

/** `ready` gets them before the first test; they are stopped after the last. */
export function useWorld(ready: (started: Started) => void): void {
  let started: Started;
  beforeAll(async () => {
    const [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
    started = { kafka, redis, world: await createWorld({ brokers: kafka.brokers, redisUrl: redis.url }) };
    ready(started);
  });
  afterAll(async () => {
    await started.world.close();
    await started.redis.stop();
    await started.kafka.stop();
  });
}
