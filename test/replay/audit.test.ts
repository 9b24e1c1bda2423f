/** Audits of what a running app served, while events came late, twice, for erased entities, and from several partitions. */
import { expect, test } from 'vitest';
import type { Audit } from '../../src/replay/audit.ts';
import { type Random, createRandom } from '../oracle/random.ts';
import { corrupted, replacingReads } from '../serve/vectors/fixture.ts';
import { type Logging, TOPIC, startLogging } from './audit-support.ts';
import {
  CUSTOMERS,
  LIFE_DEFINITIONS,
  LIFE_NOW_MS,
  MERCHANTS,
  createCustomers,
  createPayments,
  eraseCustomer,
} from './life.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2024, 4, 20);

const SMALL = `
sources:
  - { name: orders, key: [shop], event_time: at, fields: { shop: string, at: timestamp, amount: double } }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - name: sales
    entity: shop
    source: orders
    features:
      - { name: orders, agg: count, windows: [1h] }
      - { name: sold, agg: mean, of: amount, windows: [1h] }
services:
  - { name: scoring, features: [sales.*], derived: [{ name: doubled, expr: "sold_1h * 2" }] }
`;

const at = (minutes: number): number => NOW_MS + minutes * 60_000;

test('what was served is the same to the last bit; what came later shows as the difference to what is true', async () => {
  const { vectors, append, audit } = await startLogging({ definitions: SMALL, nowMs: NOW_MS + HOUR_MS });
  const ask = (shop: string, minutes: number) =>
    vectors('scoring', { entities: [{ shop }], as_of: at(minutes), include: ['status'] });
  await append('orders', [{ shop: 'a', at: at(1), amount: 10 }]);
  expect((await ask('a', 10)).json.vectors[0].values).toEqual([1, 10, 20]);
  expect((await ask('b', 10)).json.vectors[0].status).toEqual(['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
  // Late: both were to be seen at minute 10.
  await append('orders', [
    { shop: 'a', at: at(2), amount: 20 },
    { shop: 'b', at: at(3), amount: 4 },
  ]);
  expect((await ask('a', 10)).json.vectors[0].values).toEqual([2, 15, 30]);
  const { reports, mismatches, rows, unreadable } = await audit();
  expect([mismatches, rows, unreadable]).toEqual([[], 3, 0]);
  expect(reports).toEqual([
    expect.objectContaining({ service: 'scoring', rows: 3, skipped: {}, compared: 9, mismatched: 0, examples: [] }),
  ]);
  const same = { compared: 3, mismatched: 0, skipped: {}, differing: 2, missing: 1, extra: 0 };
  expect(reports[0]?.features).toEqual([
    { feature: 'orders_1h', ...same, mean_difference: 1, largest_difference: 1 },
    { feature: 'sold_1h', ...same, mean_difference: 5, largest_difference: 5 },
    { feature: 'doubled', ...same, mean_difference: 10, largest_difference: 10 },
  ]);
});

/** Rows of every kind, at times around now and before. */
async function askAround({ vectors }: Logging, random: Random, requests: number): Promise<void> {
  for (let time = 0; time < requests; time++) {
    const entities = Array.from({ length: random.integer(1, 4) }, () => ({
      customer: random.pick([...CUSTOMERS, 'nobody']),
      merchant: random.pick(MERCHANTS),
      basket: random.integer(0, 900) / 8,
    }));
    const features = random.chance(0.3) ? { features: ['since_24h', 'shop_people_24h', 'share'] } : {};
    const layout = random.chance(0.3) ? { layout: 'columns' } : {};
    const asOfMs = LIFE_NOW_MS - random.integer(0, 26) * HOUR_MS - random.integer(0, 3_599_999);
    expect((await vectors('scoring', { entities, as_of: asOfMs, ...features, ...layout })).status).toBe(200);
  }
}

async function liveAndAudit(seed: number, partitions: number, history: string): Promise<Audited> {
  const random = createRandom(seed);
  let pay: ReturnType<typeof createPayments> | null = null;
  let change: ReturnType<typeof createCustomers> | null = null;
  const app = await startLogging({
    definitions: LIFE_DEFINITIONS.replaceAll('history: 30d', history),
    partitions,
    nowMs: LIFE_NOW_MS,
    async beforeMaterialize(log) {
      change = createCustomers(log, random, partitions);
      pay = createPayments(log, random, partitions);
      await change(30);
      await pay(250);
    },
  });
  const asking = createRandom(seed + 1_000);
  for (let step = 0; step < 6; step++) {
    await askAround(app, asking, 15);
    await (change as unknown as ReturnType<typeof createCustomers>)(5);
    const ms = await (pay as unknown as ReturnType<typeof createPayments>)(70);
    if (step === 3) await eraseCustomer(app.log, 'c3', ms);
    await app.caughtUp();
  }
  await askAround(app, asking, 15);
  return { app, audited: await app.audit({ bounds: { chunkEvents: 100, partRows: 200 } }) };
}

interface Audited {
  readonly app: Logging;
  readonly audited: Audit;
}

test('late, doubled, moved, deleted and erased: what was served while they came is what its receipt gives', async () => {
  // A small head, so that the replay seals as it goes.
  const { audited } = await liveAndAudit(1, 4, 'history: 30d\n    head_max: 16');
  const [report] = audited.reports;
  expect(audited.mismatches).toEqual([]);
  expect(report?.compared).toBeGreaterThan(2_000);
  expect(report?.mismatched).toBe(0);
  // Of rows about the customer erased since, nothing can be said any more.
  expect(Object.keys(report?.skipped ?? {})).toEqual(['erased']);
  expect(report?.skipped['erased']).toBeGreaterThan(3);
  const byName = new Map(report?.features.map((each) => [each.feature, each]));
  for (const late of ['paid_24h', 'shop_taken_24h', 'share']) {
    expect(byName.get(late)?.largest_difference).toBeGreaterThan(0);
  }
}, 60_000);

test('values that were withheld for the moment are counted by status, and compared with nothing', async () => {
  const { audited } = await liveAndAudit(2, 1, 'head_max: 16');
  const [report] = audited.reports;
  expect(audited.mismatches).toEqual([]);
  const skipped = report?.features.find(({ feature }) => feature === 'paid_24h')?.skipped ?? {};
  expect(Object.keys(skipped)).toEqual(['OUT_OF_HISTORY']);
  expect(skipped['OUT_OF_HISTORY']).toBeGreaterThan(3);
  expect(report?.compared).toBeGreaterThan(500);
}, 60_000);

/** Reports without what depends on when and where rows were logged. */
function figuresOf({ reports }: Audit) {
  return reports.map(({ service, rows, skipped, compared, mismatched, features }) => {
    return { service, rows, skipped, compared, mismatched, features };
  });
}

test('the report is the same for one partition and for four, and however the work is cut', async () => {
  const [one, four] = [await servedByHand(1), await servedByHand(4)];
  const whole = figuresOf(await four.audit());
  expect(figuresOf(await one.audit())).toEqual(whole);
  const cut = await four.audit({ bounds: { chunkEvents: 2, partRows: 3, sortBytes: 100 } });
  expect(figuresOf(cut)).toEqual(whole);
  expect(whole[0]).toMatchObject({ rows: 40, compared: 120, mismatched: 0, skipped: {} });
  expect(whole[0]?.features[0]?.missing).toBeGreaterThan(0);
});

/** Ten shops, each asked after one order and again when another came late. */
async function servedByHand(partitions: number): Promise<Logging> {
  const app = await startLogging({ definitions: SMALL, nowMs: NOW_MS + HOUR_MS, partitions });
  const shops = Array.from({ length: 20 }, (_none, index) => `s${index}`);
  for (const [index, shop] of shops.entries()) {
    await app.vectors('scoring', { entities: [{ shop }], as_of: at(30) });
    await app.append('orders', [{ shop, at: at(index), amount: index / 7 }]);
    await app.vectors('scoring', { entities: [{ shop }], as_of: at(10) });
  }
  return app;
}

/** Writes the first row of the served log again, changed. */
async function rewrite({ log }: Logging, change: (row: Record<string, unknown>) => object): Promise<void> {
  const [first] = await log.read(TOPIC, 0, 0, 1);
  const row = JSON.parse(Buffer.from(first?.value ?? []).toString()) as Record<string, unknown>;
  const value = Buffer.from(JSON.stringify({ ...row, ...change(row) }));
  await log.append(TOPIC, [{ key: null, value, timestampMs: null }]);
}

test('a value or a status that was never served so is found, and named with where it is', async () => {
  const app = await startLogging({ definitions: SMALL, nowMs: NOW_MS + HOUR_MS });
  await app.append('orders', [{ shop: 'a', at: at(1), amount: 0.1 }]);
  await app.vectors('scoring', { entities: [{ shop: 'a' }], as_of: at(10) });
  expect((await app.audit()).mismatches).toEqual([]);
  await rewrite(app, () => ({ values: [1, 0.1 + Number.EPSILON, 0.2] }));
  const changed = await app.audit();
  expect(changed.mismatches).toEqual([
    expect.objectContaining({
      feature: 'sold_1h',
      partition: 0,
      offset: 1,
      served: 0.1 + Number.EPSILON,
      replayed: 0.1,
      served_status: 'PRESENT',
    }),
  ]);
  expect(changed.reports[0]).toMatchObject({ rows: 2, compared: 6, mismatched: 1 });
  // What is published says where it is, and nothing of the entity.
  expect(changed.reports[0]?.examples).toEqual([
    { feature: 'sold_1h', partition: 0, offset: 1, as_of: '2024-05-20T00:10:00.000Z' },
  ]);
  const unavailable = { values: [null, null, null], status: ['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE'] };
  await rewrite(app, () => unavailable);
  expect((await app.audit()).reports[0]?.mismatched).toBe(1 + 3);
});

/** The same receipt, of another position. */
const receiptAt = (receipt: unknown, position: object): string =>
  changedReceipt(receipt, ({ shards: [shard] }) => ({ shards: [{ ...shard, position }] }));

function changedReceipt(receipt: unknown, change: (json: { readonly shards: readonly object[] }) => object): string {
  const json = JSON.parse(Buffer.from(receipt as string, 'base64url').toString()) as { shards: object[] };
  return Buffer.from(JSON.stringify({ ...json, ...change(json) })).toString('base64url');
}

test('a receipt must be of the very row that it came with: of its service, its version and its entity, however that is written', async () => {
  const definitions = SMALL.replaceAll('shop: string', 'shop: int64').replace(
    'name: scoring,',
    'name: scoring, version: 2,',
  );
  const app = await startLogging({ definitions, nowMs: NOW_MS + HOUR_MS });
  await app.append('orders', [{ shop: '7', at: at(1), amount: 2 }]);
  await app.vectors('scoring', { entities: [{ shop: '7' }], as_of: at(10) });
  await app.whenLogged();
  await rewrite(app, () => ({ entity: { shop: 7 } }));
  expect((await app.audit()).reports).toMatchObject([{ rows: 2, compared: 6, mismatched: 0, skipped: {} }]);
  await rewrite(app, () => ({ entity: { shop: '8' } }));
  await rewrite(app, () => ({ entity: {} }));
  await rewrite(app, ({ receipt }) => ({ receipt: changedReceipt(receipt, () => ({ version: 1 })) }));
  await rewrite(app, ({ receipt }) => ({ receipt: changedReceipt(receipt, () => ({ service: 'other' })) }));
  const { reports } = await app.audit();
  expect(reports).toMatchObject([{ rows: 6, compared: 6, mismatched: 0, skipped: { receipt_invalid: 4 } }]);
});

test('values of a state that could not be decoded are mismatches, and no value is counted as the same', async () => {
  const wrapStore = replacingReads(async (_source, read) =>
    (await read()).map((each) => ({ ...each, states: each.states.map((state) => state && corrupted(state)) })),
  );
  const app = await startLogging({ definitions: SMALL, nowMs: NOW_MS + HOUR_MS, wrapStore });
  await app.append('orders', [{ shop: 'a', at: at(1), amount: 10 }]);
  const answer = await app.vectors('scoring', { entities: [{ shop: 'a' }], as_of: at(10), include: ['status'] });
  expect(answer.json.vectors[0].status).toEqual(['ERROR', 'ERROR', 'ERROR']);
  const { reports, mismatches } = await app.audit();
  expect(reports).toMatchObject([{ rows: 1, skipped: {}, compared: 3, mismatched: 3 }]);
  expect(mismatches[0]).toMatchObject({
    served: null,
    served_status: 'ERROR',
    replayed: 1,
    replayed_status: 'PRESENT',
  });
});

test('receipts that contradict each other about what came first are not compared, nor others of the entity', async () => {
  // By till, so that the orders of a shop are moved together from two partitions.
  const definitions = SMALL.replace('key: [shop]', 'key: [till]').replace(
    '{ shop: string',
    '{ till: string, shop: string',
  );
  const app = await startLogging({ definitions, nowMs: NOW_MS + HOUR_MS, partitions: 2 });
  for (const till of ['t0', 't1', 't2', 't3']) {
    await app.append('orders', [{ till, shop: 'a', at: at(1), amount: 2 }]);
    await app.vectors('scoring', { entities: [{ shop: 'a' }], as_of: at(10) });
  }
  await app.vectors('scoring', { entities: [{ shop: 'b' }], as_of: at(10) });
  expect((await app.audit()).reports[0]).toMatchObject({ compared: 15, mismatched: 0, skipped: {} });
  await rewrite(app, ({ receipt }) => ({ receipt: receiptAt(receipt, { 0: 1 }) }));
  await rewrite(app, ({ receipt }) => ({ receipt: receiptAt(receipt, { 1: 1 }) }));
  const { reports } = await app.audit();
  expect(reports[0]).toMatchObject({ rows: 7, compared: 3, mismatched: 0, skipped: { positions_crossed: 6 } });
});

test('what cannot be held against anything is skipped, and counted by why', async () => {
  const app = await startLogging({ definitions: SMALL, nowMs: NOW_MS + HOUR_MS });
  await app.append('orders', [{ shop: 'a', at: at(1), amount: 2 }]);
  await app.vectors('scoring', { entities: [{ shop: 'a' }], as_of: at(10) });
  await app.whenLogged();
  await rewrite(app, () => ({ fingerprint: 'older' }));
  await rewrite(app, () => ({ receipt: 'cut' }));
  await rewrite(app, ({ receipt }) => ({ receipt: receiptAt(receipt, { 0: 99 }) }));
  await rewrite(app, ({ receipt }) => ({
    receipt: changedReceipt(receipt, ({ shards: [shard] }) => ({ shards: [{ ...shard, partition: 7, position: {} }] })),
  }));
  await app.log.append(TOPIC, [{ key: null, value: Buffer.from('{"format":1}'), timestampMs: null }]);
  const { reports, rows, unreadable } = await app.audit();
  expect([rows, unreadable]).toEqual([5, 1]);
  const known = { rows: 4, skipped: { receipt_invalid: 1, beyond_log: 2 }, compared: 3, mismatched: 0 };
  expect(reports).toEqual([
    expect.objectContaining(known),
    expect.objectContaining({ fingerprint: 'older', rows: 1, skipped: { unknown_fingerprint: 1 }, compared: 0 }),
  ]);
});

test('values whose windows reach into what the log has forgotten since are skipped, and others are not', async () => {
  const definitions = SMALL.replace('windows: [1h] }\n', 'windows: [1h, 24h] }\n');
  const app = await startLogging({ definitions, nowMs: NOW_MS + HOUR_MS });
  const { clock } = app;
  const appendAt = async (ms: number, amount: number): Promise<void> => {
    clock.offsetMs += ms - clock.nowMs();
    await app.append('orders', [{ shop: 'a', at: ms, amount }]);
  };
  await appendAt(NOW_MS - 20 * HOUR_MS, 2);
  await appendAt(NOW_MS - 2 * HOUR_MS, 3);
  await appendAt(at(50), 4);
  const { json } = await app.vectors('scoring', { entities: [{ shop: 'a' }], as_of: at(59) });
  expect(json.vectors[0].values).toEqual([1, 3, 4, 8]);
  await app.whenLogged();
  await app.log.truncate('orders', 0, 1);
  const [report] = (await app.audit()).reports;
  const skipped = report?.features.map((each) => [each.feature, each.skipped]);
  expect(report?.mismatched).toBe(0);
  expect(skipped).toEqual([
    ['orders_1h', {}],
    ['orders_24h', { not_reproducible: 1 }],
    ['sold_1h', {}],
    ['doubled', {}],
  ]);
});
