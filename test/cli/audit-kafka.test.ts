/** An audit over a real Kafka and a real Redis: served by one process, folded by another, in four partitions. */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { startKafka } from '../services/kafka.ts';
import { startRedis } from '../services/redis.ts';
import { ORDERS, writeDefinitions } from './definitions.ts';
import { type Running, run, start, temporaryFolder } from './run.ts';

const CUSTOMERS = Array.from({ length: 12 }, (_none, index) => `c${index}`);
const AT_MS = Date.UTC(2024, 0, 31, 12);

async function post(server: Running, path: string, body: unknown) {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const json = (await response.json()) as Record<string, unknown>;
  expect([response.status, json['code']]).toEqual([200, undefined]);
  return json;
}

describeWith(['kafka', 'redis'], 'Kafka and Redis', () => {
  test('rows served while orders came late are the same to the last bit, and new ones are audited once', async () => {
    const [kafka, redis] = [await startKafka(), await startRedis()];
    const folder = temporaryFolder();
    const namespace = `n${randomUUID().slice(0, 8)}`;
    writeDefinitions(folder, ORDERS.replace('clock: watermark', `topic: orders-${namespace}`));
    const client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    const topics = [{ topic: `orders-${namespace}`, numPartitions: 4 }];
    await admin.createTopics({ topics, waitForLeaders: true });
    await admin.disconnect();
    const log = ['--definitions', 'features', '--log', `kafka://${kafka.brokers.join(',')}`, '--namespace', namespace];
    const places = [...log, '--store', redis.url];
    const materializer = await start([...places, '--role', 'materialize'], folder);
    const server = await start([...places, '--role', 'serve', '--served-sample', '1'], folder);
    const orderAll = (minute: number) =>
      post(server, '/v1/sources/orders/events', {
        events: CUSTOMERS.map((customer, index) => ({ customer, at: AT_MS + minute * 60_000, amount: index / 7 })),
      });
    const askAll = (after: unknown) =>
      post(server, '/v1/feature-services/scoring/vectors', {
        entities: CUSTOMERS.map((customer) => ({ customer })),
        as_of: AT_MS + 600_000,
        after,
        budget_ms: 30_000,
      });
    try {
      await askAll((await orderAll(1))['position']);
      await askAll((await orderAll(2))['position']);
      await server.stop();
      const first = await run(['audit', ...log, '--new', '--json'], folder);
      expect([first.code, first.stderr]).toEqual([0, '']);
      const { rows, reports } = JSON.parse(first.stdout) as { rows: number; reports: Record<string, unknown>[] };
      expect(rows).toBe(24);
      expect(reports[0]).toMatchObject({ compared: 48, mismatched: 0, skipped: {} });
      const figures = { differing: 12, missing: 0, largest_difference: 1 };
      expect(reports[0]).toMatchObject({ features: [figures, { feature: 'spent_1h' }] });
      const again = await run(['audit', ...log, '--new', '--json'], folder);
      expect(JSON.parse(again.stdout)).toMatchObject({ rows: 0, reports: [] });
      const listing = await start([...places, '--role', 'serve'], folder);
      const listed = (await (await fetch(`${listing.url}/v1/audits`)).json()) as { items: object[] };
      expect(listed.items).toEqual([expect.objectContaining({ kind: 'new', rows: 24, mismatched: 0 })]);
      await listing.stop();
    } finally {
      await server.stop();
      await materializer.stop();
      await redis.stop();
      await kafka.stop();
    }
  }, 120_000);
});
