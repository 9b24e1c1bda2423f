import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { run, start, temporaryFolder } from './run.ts';

const definitionsOf = (aggregation: string): string => `
sources:
  - { name: orders, topic: orders, key: [shop], event_time: at, fields: { at: timestamp, shop: string, amount: double } }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: total, agg: ${aggregation}, of: amount, windows: [24h] }] }
  - { name: visits, entity: shop, source: orders, features: [{ name: visits, agg: count }] }
services: [{ name: shop_sales, features: [sales.*, visits.*] }]
`;

/** A folder with definitions and an embedded log that holds `values`. */
async function setUp(
  values: readonly string[],
): Promise<{ folder: string; flags: string[]; json: (args: string[]) => Promise<unknown> }> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'orders.yaml'), definitionsOf('sum'));
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  await log.ensureTopic('orders', 1);
  await log.append(
    'orders',
    values.map((value) => ({ key: Buffer.from('s'), value: Buffer.from(value), timestampMs: null })),
  );
  await log.close();
  const flags = ['--log', 'sqlite:log.sqlite', '--store', 'sqlite:store.sqlite'];
  const json = async (args: string[]): Promise<unknown> =>
    JSON.parse((await run([...args, '--json'], folder)).stdout) as unknown;
  return { folder, flags, json };
}

const order = (amount: unknown, at = Date.now() - 1_000): string => JSON.stringify({ at, shop: 's', amount });

async function fold(
  { folder, flags }: { folder: string; flags: string[] },
  settled: (url: string) => Promise<boolean>,
): Promise<void> {
  const program = await start(['--definitions', '.', ...flags], folder);
  const deadlineMs = Date.now() + 30_000;
  while (!(await settled(program.url))) {
    if (Date.now() > deadlineMs) throw new Error('not settled in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await program.stop();
}

const ready = async (url: string): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;

async function served(url: string): Promise<unknown> {
  const response = await fetch(`${url}/v1/feature-services/shop_sales/vectors?shop=s`);
  return ((await response.json()) as { vectors?: { values: unknown }[] }).vectors?.[0]?.values;
}

test('plan says what is built, kept and left behind, and what topics there are', async () => {
  const setting = await setUp([order(1), order(2)]);
  const { json, flags, folder } = setting;
  expect(await json(['plan', '.', ...flags])).toMatchObject({
    views: [
      { view: 'sales@1', action: 'build', records: 2 },
      { view: 'visits@1', action: 'build', records: 2 },
    ],
    left_behind: [],
    topics: [
      { topic: 'orders', exists: true, partitions: 1 },
      { topic: 'orders.dlq', exists: false },
      { topic: 'default.orders.positions', exists: false },
      { topic: 'default.definitions', exists: false },
    ],
  });
  await fold(setting, ready);
  writeFileSync(join(folder, 'orders.yaml'), definitionsOf('max'));
  expect(await json(['plan', '.', ...flags])).toMatchObject({
    views: [
      { view: 'sales@1', action: 'build', records: 2 },
      { view: 'visits@1', action: 'keep', records: 0 },
    ],
    left_behind: [{ source: 'orders', entity_key: 'shop' }],
  });
  const shown = await run(['plan', '.', '--topics', ...flags], folder);
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('orders.dlq')]);
});

test('prune lists, frees with --yes what no definition wants, and leaves alone what is alive', async () => {
  const setting = await setUp([order(1)]);
  const { json, flags, folder } = setting;
  const store = flags.slice(2);
  await fold(setting, ready);
  expect((await run(['prune', '.', ...store], folder)).stdout).toMatch(/Nothing to free/);
  writeFileSync(join(folder, 'orders.yaml'), definitionsOf('max'));
  const alive = await run(['prune', '.', ...store, '--yes'], folder);
  expect([alive.code, alive.stdout]).toEqual([1, expect.stringContaining('left alone')]);
  await new Promise((resolve) => setTimeout(resolve, 10_500));
  expect(await json(['prune', '.', ...store])).toMatchObject({ freed: [], would_free: [{ entity_key: 'shop' }] });
  expect(await json(['prune', '.', ...store, '--yes'])).toMatchObject({ states: 1, freed: [{ entity_key: 'shop' }] });
  expect((await run(['prune', '.', ...store], folder)).stdout).toMatch(/Nothing to free/);
});

test('dead letters are listed by reason, and a replayed record counts once, for those who rejected it', async () => {
  const ahead = order(5, Date.now() + 400_000);
  const setting = await setUp([order(1), order('much'), ahead]);
  const { json, flags } = setting;
  const log = flags.slice(0, 2);
  await fold(setting, ready);
  const dlq = ['--definitions', '.', ...log];
  expect(await json(['dlq', 'list', ...dlq])).toMatchObject({ counts: { wrong_type: 1, too_far_ahead: 1 } });
  expect(await json(['dlq', 'list', ...dlq, '--reason', 'wrong_type'])).toMatchObject({
    items: [{ topic: 'orders', partition: 0, offset: 1, rejections: [{ code: 'wrong_type', views: ['sales@1'] }] }],
  });
  const none = (await json(['dlq', 'replay', ...dlq, '--dry-run'])) as {
    sources: { appended: number; rejected: number }[];
  };
  expect(none.sources).toEqual([{ source: 'orders', appended: 0, rejected: 2, erased: 0, earlier: 0 }]);
}, 60_000);

test('a record that would be taken now is appended again, once, however often it is replayed', async () => {
  const setting = await setUp([order(1), order(2, Date.now() + 303_000)]);
  const { json, flags, folder } = setting;
  const dlq = ['--definitions', '.', ...flags.slice(0, 2)];
  await fold(setting, ready);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(await json(['dlq', 'replay', ...dlq, '--dry-run'])).toMatchObject({ sources: [{ appended: 1 }] });
  expect(await json(['dlq', 'replay', ...dlq])).toMatchObject({ sources: [{ appended: 1, rejected: 0 }] });
  expect(await json(['dlq', 'replay', ...dlq])).toMatchObject({ sources: [{ appended: 0, rejected: 0 }] });
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  expect((await log.ranges('orders'))?.[0]?.endOffset).toBe(3);
  const [again] = await log.read('orders', 0, 2, 1);
  await log.close();
  expect(JSON.parse(Buffer.from(again?.headers?.['skewless-replay'] ?? []).toString())).toMatchObject({
    partition: 0,
    offset: 1,
  });
  await fold(setting, async (url) => (await ready(url)) && JSON.stringify(await served(url)) === '[1,1]');
}, 60_000);

test('doctor says what is well and what is not, with the mend', async () => {
  const setting = await setUp([order(1)]);
  const { json, flags, folder } = setting;
  expect(await json(['doctor', '--definitions', '.', ...flags])).toMatchObject({ ok: true });
  const log = await openSqliteLog({ file: join(folder, 'many.sqlite'), clock: systemClock });
  await log.ensureTopic('orders', 7);
  await log.append(
    'orders',
    Array.from({ length: 30 }, (_, index) => ({
      key: Buffer.from(`s${index}`),
      value: Buffer.from(order(1)),
      timestampMs: null,
    })),
    { partitioner: 'crc32' },
  );
  await log.close();
  const many = ['--log', 'sqlite:many.sqlite', '--store', 'sqlite:store.sqlite'];
  const found = await run(['doctor', '--definitions', '.', ...many], folder);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/fail {2}source orders: .*\n {6}mend: declare partitioner: crc32/);
  const away = ['--log', 'sqlite:log.sqlite', '--store', 'redis://127.0.0.1:1'];
  const unreachable = await run(['doctor', '--definitions', '.', ...away], folder);
  expect([unreachable.code, unreachable.stdout]).toEqual([
    3,
    expect.stringMatching(/fail {2}store: .*\n {6}mend: check --store/),
  ]);
});
