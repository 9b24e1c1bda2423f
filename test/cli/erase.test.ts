import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { Log } from '../../src/log/log.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { run, start, temporaryFolder } from './run.ts';

/** Orders lie by shop; what is known of buyers is gathered from all partitions. */
const TEXT = `
sources:
  - name: orders
    key: [shop]
    event_time: at
    fields: { at: timestamp, shop: int, buyer: string, amount: double }
entities: [{ name: shop, keys: { shop: int } }, { name: buyer, keys: { buyer: string } }, { name: other, keys: { x: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: sold, agg: sum, of: amount }] }
  - { name: purchases, entity: buyer, source: orders, features: [{ name: bought, agg: count }, { name: spent, agg: sum, of: amount }] }
services: [{ name: s, features: [sales.*, purchases.*] }]
`;
const PARTITIONS = 3;
const FLAGS = ['--log', 'sqlite:log.sqlite'];
const START = ['--definitions', '.', ...FLAGS, '--store', 'sqlite:store.sqlite'];

async function withLog<T>(folder: string, work: (log: Log) => Promise<T>): Promise<T> {
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}

const order = (shop: number, buyer: string, amount: unknown) => ({
  key: Buffer.from(String(shop)),
  value: Buffer.from(JSON.stringify({ at: Date.now() - 1_000, shop, buyer, amount })),
  timestampMs: null,
});

async function setUp(): Promise<string> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'orders.yaml'), TEXT);
  await withLog(folder, async (log) => {
    await log.ensureTopic('orders', PARTITIONS);
    await log.append(
      'orders',
      [1, 2, 3, 4, 5, 6].flatMap((shop) => [order(shop, 'ann', 1), order(shop, 'bob', 10)]),
    );
  });
  return folder;
}

const erase = (folder: string, ...args: string[]) => run(['erase', '--definitions', '.', ...FLAGS, ...args], folder);

/** What is served of shop 3 and of two buyers, once everything up to `after` is applied. */
async function served(folder: string, after?: string): Promise<unknown> {
  const program = await start(START, folder);
  try {
    const deadlineMs = Date.now() + 30_000;
    for (;;) {
      const response = await fetch(`${program.url}/v1/feature-services/s/vectors`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          entities: ['ann', 'bob'].map((buyer) => ({ shop: 3, buyer })),
          ...(after === undefined ? {} : { after }),
          budget_ms: 10_000,
        }),
      });
      const { vectors } = (await response.json()) as { vectors?: { values: unknown[]; issues?: object }[] };
      const issues = JSON.stringify(vectors?.map((vector) => vector.issues ?? {}));
      const ready = (await fetch(`${program.url}/readyz`)).ok && !/REBUILDING|TIMED_OUT/.test(issues);
      if (ready) return vectors?.map(({ values }) => values);
      if (Date.now() > deadlineMs) throw new Error(`not settled in time: ${issues}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await program.stop();
  }
}

test('an erased entity is not known any more, in the running state and in a build; later events count anew', async () => {
  const folder = await setUp();
  expect(await served(folder)).toEqual([
    [11, 6, 6],
    [11, 6, 60],
  ]);
  const { code, stdout } = await erase(folder, '--entity', 'buyer', '--key', 'buyer=ann', '--yes', '--json');
  expect(code).toBe(0);
  const { position, sources, entity_key } = JSON.parse(stdout) as Record<string, unknown>;
  expect(entity_key).toBe('["ann"]');
  expect(sources).toEqual([
    {
      source: 'orders',
      topic: 'orders',
      views: ['purchases@1'],
      position: { 0: expect.any(Number), 1: expect.any(Number), 2: expect.any(Number) },
    },
  ]);
  // Shops keep what they sold: their events are theirs.
  const erased = [
    [11, null, null],
    [11, 6, 60],
  ];
  expect(await served(folder, position as string)).toEqual(erased);
  await withLog(folder, (log) => log.append('orders', [order(9, 'ann', 4), order(8, 'ann', 5)]));
  const later = [
    [11, 2, 9],
    [11, 6, 60],
  ];
  await expect.poll(() => served(folder), { timeout: 30_000 }).toEqual(later);
  rmSync(join(folder, 'store.sqlite'));
  expect(await served(folder)).toEqual(later);
});

test('an entity that lies together with its records is erased, too', async () => {
  const folder = await setUp();
  const { stdout } = await erase(folder, '--entity', 'shop', '--key', 'shop=3', '--yes', '--json');
  const { position } = JSON.parse(stdout) as { position: string };
  const left = [
    [null, 6, 6],
    [null, 6, 60],
  ];
  expect(await served(folder, position)).toEqual(left);
});

test('without --yes nothing is written, and what would be is said', async () => {
  const folder = await setUp();
  const { code, stdout } = await erase(folder, '--entity', 'buyer', '--key', 'buyer=ann');
  expect(code).toBe(1);
  expect(stdout).toContain('views purchases@1');
  expect(stdout).toContain('--yes');
  const ends = await withLog(folder, (log) => log.ranges('orders'));
  expect(ends?.reduce((sum, { endOffset }) => sum + endOffset, 0)).toBe(12);
});

test.for([
  [[], 'erase needs --entity; defined are: shop, buyer, other'],
  [['--entity', 'buyr'], 'did you mean buyer?'],
  [['--entity', 'buyer'], '--key buyer=… is missing (string)'],
  [['--entity', 'buyer', '--key', 'buyer'], 'expected name=value'],
  [['--entity', 'buyer', '--key', 'name=a', '--key', 'buyer=b'], 'entity buyer has the keys buyer'],
  [['--entity', 'buyer', '--key', 'buyer=a', '--key', 'buyer=b'], 'given twice'],
  [['--entity', 'shop', '--key', 'shop=three'], '--key shop: expected int'],
  [['--entity', 'other', '--key', 'x=1'], 'no view is of entity other'],
] as const)('%s is refused with what is wrong', async ([args, message]) => {
  const folder = await setUp();
  const { code, stderr } = await erase(folder, ...args, '--yes');
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('a key may come from the environment, as any flag', async () => {
  const folder = await setUp();
  const args = ['erase', '--definitions', '.', ...FLAGS, '--entity', 'buyer'];
  const { stdout } = await run(args, folder, { SKEWLESS_KEY: 'buyer=ann' });
  expect(stdout).toContain('["ann"]');
});

test('a topic that is not there is said', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'orders.yaml'), TEXT);
  const { code, stderr } = await erase(folder, '--entity', 'buyer', '--key', 'buyer=a', '--yes');
  expect(code).toBe(1);
  expect(stderr).toContain('there is no topic orders');
});
