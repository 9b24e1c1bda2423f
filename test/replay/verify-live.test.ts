/**
 * A real Kafka and a real Redis, served through the tier while events stream in late and out of order: each vector's receipt is
 * verified afterwards, all of them in one pass over the log.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { createTier } from '../../src/cache/tier.ts';
import { parseSaved } from '../../src/cli/served-vectors.ts';
import { createVerify } from '../../src/cli/verifier.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { positionsTopic } from '../../src/log/position-notes.ts';
import { createMaterializer } from '../../src/materialize/materializer.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import { readPositionIndex } from '../../src/replay/position-index.ts';
import { buildApp } from '../../src/serve/app.ts';
import { createStateDecoder } from '../../src/serve/state-decoder.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { type Random, createRandom } from '../oracle/random.ts';
import { load } from '../property/engine.ts';
import { describeWith } from '../services/available.ts';
import { startKafka } from '../services/kafka.ts';
import { startRedis } from '../services/redis.ts';

const PARTITIONS = 3;
const REQUESTS = 250;
const ROWS = 20;
const CUSTOMERS = Array.from({ length: 40 }, (_none, index) => `c${index}`);
const MERCHANTS = Array.from({ length: 8 }, (_none, index) => `m${index}`);

const definitionsFor = (topic: string) =>
  load(`
sources:
  - name: payments
    topic: ${topic}
    key: [customer]
    event_time: at
    fields: { customer: string, merchant: string, at: timestamp, amount: double }
entities:
  - { name: customer, keys: { customer: string } }
  - { name: merchant, keys: { merchant: string } }
views:
  - name: spending
    entity: customer
    source: payments
    history: 2m
    features:
      - { name: paid, agg: count, windows: [1m, 1h] }
      - { name: spent, agg: sum, of: amount, windows: [1m, 1h] }
      - { name: spread, agg: stddev, of: amount, windows: [1h] }
      - { name: recent, agg: last_n, n: 3, of: { merchant: merchant, at: at }, windows: [1h] }
      - { name: since, agg: time_since_last, windows: [1h] }
  - name: takings
    entity: merchant
    source: payments
    where: "amount > 2"
    history: 2m
    features:
      - { name: taken, agg: mean, of: amount, windows: [1h] }
      - { name: people, agg: count_distinct, of: customer, windows: [1h] }
services:
  - name: scoring
    inputs: { basket: double }
    features: [spending.*, takings.*]
    derived: [{ name: share, expr: "basket / spent_1h" }]
`);

async function stream(log: Log, topic: string, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const records = Array.from({ length: 40 }, () => {
      const customer = random.pick(CUSTOMERS);
      const lateMs = random.chance(0.3) ? random.integer(0, 300_000) : random.integer(0, 2_000);
      const payment = {
        customer,
        merchant: random.pick(MERCHANTS),
        at: clock.nowMs() - lateMs,
        amount: random.integer(1, 5_000) / 7,
      };
      return { key: Buffer.from(customer), value: Buffer.from(JSON.stringify(payment)), timestampMs: null };
    });
    await log.append(topic, records);
    await delay(10);
  }
}

async function open(topic: string) {
  const [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
  const namespace = `v${randomUUID().slice(0, 8)}`;
  const definitions = definitionsFor(topic);
  const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock });
  await log.ensureTopic(topic, PARTITIONS);
  const store = await openRedisStore({
    location: parseRedisUrl(redis.url),
    tls: { ca: null, cert: null, key: null },
    namespace,
    onWarning: () => undefined,
  });
  const common = { definitions, aggregations: AGGREGATIONS, log, store, clock, namespace };
  const materializer = createMaterializer({ ...common, owner: 'test' });
  await materializer.start();
  const tier = createTier({ store, decode: createStateDecoder(definitions), clock, stalenessMs: 1_000 });
  tier.start();
  const app = await buildApp({
    definitions,
    store,
    tier,
    log,
    clock,
    logger: pino({ level: 'silent' }),
    materializerStatus: null,
    version: 'test',
  });
  onTestFinished(async () => {
    await app.close();
    await tier.close();
    await materializer.stop();
    await store.close();
    await log.close();
    await Promise.all([kafka.stop(), redis.stop()]);
  });
  const isLive = (): boolean =>
    materializer
      .status()
      .sources.flatMap(({ views }) => views.flatMap(({ partitions }) => partitions))
      .filter(({ state }) => state === 'live').length ===
    2 * PARTITIONS;
  await expect.poll(isLive, { timeout: 30_000 }).toBe(true);
  return { definitions, log, app, materializer, namespace };
}

describeWith(['kafka', 'redis'], 'a real Kafka and a real Redis', () => {
  test('vectors that are served while events stream in late and out of order are all the same bits', async () => {
    const seed = clock.nowMs() % 1_000_000;
    const random = createRandom(seed);
    const topic = `payments-${randomUUID().slice(0, 8)}`;
    const { definitions, log, app, materializer, namespace } = await open(topic);
    const stop = new AbortController();
    const streaming = stream(log, topic, createRandom(seed + 1), stop.signal);
    await delay(2_000);
    const answers: string[] = [];
    for (let request = 0; request < REQUESTS; request++) {
      const entities = Array.from({ length: ROWS }, () => ({
        customer: random.pick(CUSTOMERS),
        merchant: random.pick(MERCHANTS),
        basket: random.integer(1, 900) / 8,
      }));
      const payload = {
        entities,
        as_of: clock.nowMs() - random.integer(0, 100_000),
        include: random.chance(0.5) ? ['receipt'] : ['receipt', 'status'],
        layout: random.pick(['rows', 'columns']),
      };
      const answer = await app.inject({ method: 'POST', url: '/v1/feature-services/scoring/vectors', payload });
      answers.push(answer.body);
    }
    stop.abort();
    await streaming;
    await materializer.stop();
    const saved = parseSaved(answers.join('\n'));
    const served = saved.flatMap((each) => ('served' in each ? [each.served] : []));
    expect(served.length).toBe(REQUESTS * ROWS);
    const found = await createVerify(log, namespace, definitions, 2_000_000)(served, AbortSignal.timeout(60_000));
    const wrong = found.filter(({ result }) => result !== 'same_bits');
    expect([seed, wrong.length, wrong.slice(0, 3)]).toEqual([seed, 0, []]);
    // That there was something to be wrong with: many positions, and values rather than nulls.
    expect(new Set(served.map(({ receipt }) => JSON.stringify(receipt.shards))).size).toBeGreaterThan(20);
    const values = served.flatMap((each) => each.values ?? []);
    expect(values.filter((value) => value !== null).length).toBeGreaterThan(values.length / 2);
    const notes = new Map([['payments', createLogReader(log, positionsTopic(namespace, 'payments'), 'notes')]]);
    const index = await readPositionIndex(notes, { signal: new AbortController().signal, nowMs: clock.nowMs() });
    const shard = { source: 'payments', entityKey: 'customer', partition: 0 };
    expect(index.knownMs(shard, 0, 100)).toBeGreaterThan(clock.nowMs() - 600_000);
  }, 120_000);
});
