import type { Message } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomFrom } from '../contract/random.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { recordsOf } from './accounting.ts';
import { sumOfSamples } from './observe.ts';
import { POISON, REJECTED_BY, createPayments } from './payments.ts';
import { type Process, type World, createWorld } from './world.ts';

describeWith(['kafka', 'redis'], 'a topic as bad producers leave it', () => {
  let kafka: KafkaService;
  let redis: RedisService;
  let world: World;
  let server: Process;
  let materializer: Process;
  beforeAll(async () => {
    [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
    world = await createWorld({ brokers: kafka.brokers, redisUrl: redis.url });
    [server, materializer] = await Promise.all([world.start('serve'), world.start('materialize')]);
  });
  afterAll(async () => {
    await world.close();
    await redis.stop();
    await kafka.stop();
  });

  test('records that come again, byte for byte, and in another order: each counts once', async () => {
    const random = randomFrom(7);
    const messages = createPayments(7, world.nowMs)(800);
    await world.send(messages);
    await world.send(shuffled(messages, random.int));
    await world.send(messages.toReversed());
    await world.check(server);
    // The fault: the topic holds each three times, and event times go back and forth.
    const records = (await recordsOf(world.log, world.topic)).flat();
    const copies = Map.groupBy(records, ({ value }) => Buffer.from(value ?? []).toString('latin1'));
    expect([...copies.values()].every((some) => some.length >= 3)).toBe(true);
    expect(disorder(messages)).toBeGreaterThan(messages.length / 4);
    const counted = (view: string, outcome: string): Promise<number> =>
      sumOfSamples(materializer, 'skewless_records_total', { view, outcome });
    expect(await counted('card_life@1', 'duplicate')).toBeGreaterThanOrEqual(
      (2 * records.length) / 3 - records.length / 20,
    );
    expect(await counted('card_pace@1', 'late')).toBeGreaterThan(0);
    expect(await counted('card_pace@1', 'too_late')).toBeGreaterThan(0);
  });

  test('poison, records that are too large and those of another schema, between good ones: each is a letter with its reason', async () => {
    const made = createPayments(8, world.nowMs)(3_000);
    await world.send(made);
    await world.check(server);
    // The fault: every kind was there, and good ones stood before and after.
    const codes = made.map(({ headers }) => headers?.[POISON]);
    for (const code of Object.keys(REJECTED_BY)) {
      const at = codes.indexOf(code);
      expect(at, code).toBeGreaterThan(0);
      expect(codes.slice(at).includes(undefined), code).toBe(true);
      expect(await sumOfSamples(materializer, 'skewless_records_rejected_total', { code })).toBeGreaterThan(0);
    }
  });
});

function shuffled<T>(items: readonly T[], below: (limit: number) => number): readonly T[] {
  const order = [...items];
  for (let index = order.length - 1; index > 0; index--) {
    const other = below(index + 1);
    [order[index], order[other]] = [order[other] as T, order[index] as T];
  }
  return order;
}

/** Neighbours whose event times go back. */
function disorder(messages: readonly Message[]): number {
  const times = messages
    .filter(({ headers }) => headers?.[POISON] === undefined)
    .map(({ value }) => (JSON.parse(String(value)) as { at: number }).at);
  return times.filter((at, index) => index > 0 && at < (times[index - 1] ?? 0)).length;
}
