/** Rows and deletions from the log to REST: the newest row wins whole, and what is deleted is not found. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Harness, startHarness } from '../harness.ts';

const DEFINITIONS = `
sources:
  - name: customers
    mode: upsert
    key: [id]
    event_time: at
    fields: { at: timestamp, id: string, tier: "string?", credit: "double?", country: "string?" }
  - name: accounts
    mode: upsert
    envelope: debezium
    key: { fields: [id], encoding: json }
    event_time: at
    fields: { at: { type: timestamp, path: source.ts_ms }, id: int64, balance: "double?" }
entities:
  - { name: customer, keys: { id: string } }
  - { name: account, keys: { id: int64 } }
views:
  - name: profile
    entity: customer
    source: customers
    where: "country <> 'XX'"
    features:
      - { name: tier, agg: last, of: tier, default: none }
      - { name: credit, agg: last, of: credit, where: "tier = 'gold'" }
  - { name: account, entity: account, source: accounts, features: [{ name: balance, agg: last, of: balance }] }
services:
  - { name: customers, features: [profile.*] }
  - { name: accounts, features: [account.*] }
`;
const STEP_MS = 10;

interface Table extends Harness {
  readonly startedMs: number;
  /** A record as a producer writes it, whose row or deletion happens at `atMs`. */
  write(atMs: number, row: object | null): Promise<void>;
  at(asOfMs: number): Promise<unknown>;
}

async function startTable(partitions = 3): Promise<Table> {
  const harness = await startHarness({ definitions: DEFINITIONS, partitions });
  const startedMs = harness.clock.nowMs() - 1_000_000;
  return {
    ...harness,
    startedMs,
    async write(atMs, row) {
      const value = row === null ? null : Buffer.from(JSON.stringify({ at: startedMs + atMs, id: 'c1', ...row }));
      await harness.log.append('customers', [{ key: Buffer.from('c1'), value, timestampMs: startedMs + atMs }]);
      await harness.append('customers', []);
    },
    async at(asOfMs) {
      const request = { entities: [{ id: 'c1' }], as_of: startedMs + asOfMs, include: ['status'] };
      const { json } = await harness.vectors('customers', request);
      const [{ values, status }] = json.vectors as [{ values: unknown[]; status: string[] }];
      return values.map((value, index) => [value, status[index]]);
    },
  };
}

const GONE = [
  ['none', 'NOT_FOUND'],
  [null, 'NOT_FOUND'],
];

test('a row, a null, a deletion, a row again: each is served for its own time', async () => {
  const { write, at } = await startTable();
  const step = STEP_MS;
  await write(step, { tier: 'gold', credit: 5, country: 'DE' });
  await write(2 * step, { tier: null, credit: 7, country: 'DE' });
  await write(3 * step, null);
  await write(4 * step, { tier: 'gold', credit: 9, country: 'DE' });
  // Late, between the two rows before the deletion, and after it.
  await write(2 * step - 1, { tier: 'gold', credit: 6, country: 'DE' });
  await write(3 * step - 1, { tier: 'silver', credit: 8, country: 'DE' });
  expect(await at(step)).toEqual(GONE);
  expect(await at(step + 1)).toEqual([
    ['gold', 'PRESENT'],
    [5, 'PRESENT'],
  ]);
  expect(await at(2 * step)).toEqual([
    ['gold', 'PRESENT'],
    [6, 'PRESENT'],
  ]);
  expect(await at(2 * step + 1)).toEqual([
    ['none', 'NULL_VALUE'],
    [null, 'NULL_VALUE'],
  ]);
  expect(await at(3 * step)).toEqual([
    ['silver', 'PRESENT'],
    [null, 'NULL_VALUE'],
  ]);
  expect(await at(3 * step + 1)).toEqual(GONE);
  expect(await at(4 * step)).toEqual(GONE);
  expect(await at(4 * step + 1)).toEqual([
    ['gold', 'PRESENT'],
    [9, 'PRESENT'],
  ]);
});

test('a row that the view does not admit takes the entity out of it', async () => {
  const { write, at } = await startTable(1);
  await write(1, { tier: 'gold', credit: 5, country: 'DE' });
  await write(2, { tier: 'gold', credit: 5, country: 'XX' });
  expect(await at(3)).toEqual(GONE);
  await write(3, { tier: 'gold', credit: 5, country: 'DE' });
  expect(await at(4)).not.toEqual(GONE);
});

test('a deletion whose key cannot be read is a dead letter, and deletes nothing', async () => {
  const { write, at, log, append, materializer, startedMs } = await startTable(1);
  await write(1, { tier: 'gold', credit: 5, country: 'DE' });
  await log.append('customers', [{ key: null, value: null, timestampMs: startedMs + 2 }]);
  await append('customers', []);
  expect(await at(5)).toEqual([
    ['gold', 'PRESENT'],
    [5, 'PRESENT'],
  ]);
  const letters = await log.read('customers.dlq', 0, 0, 10);
  expect(letters.map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()) as object)).toMatchObject([
    { offset: 1, value_base64: null, rejections: [{ code: 'unreadable_key', views: ['profile@1'] }] },
  ]);
  const counters = materializer.status().sources.find(({ source }) => source === 'customers')?.views[0]?.counters;
  expect(counters).toMatchObject({ folded: 1, filtered: 0, rejected: { unreadable_key: 1 } });
});

test('changes are ingested as Debezium writes them, deletions too, and read after', async () => {
  const { post, vectors, clock, log } = await startTable();
  const url = '/v1/sources/accounts/events';
  const source = { ts_ms: clock.nowMs() - 1_000 };
  const changes = [
    { op: 'r', source, before: null, after: { id: 1, balance: 5 } },
    { op: 'c', source, before: null, after: { id: 2, balance: 7 } },
    { op: 't', source },
    { op: 'd', source, before: null, after: null },
  ];
  const { json } = await post(url, { events: changes });
  expect(json).toMatchObject({
    accepted: 2,
    rejected: [
      { index: 2, code: 'unsupported_op' },
      { index: 3, code: 'unreadable_key' },
    ],
  });
  const read = async (after: string): Promise<unknown> => {
    const request = { entities: [{ id: '1' }, { id: '2' }], after, budget_ms: 20_000 };
    const answer = await vectors('accounts', { ...request, include: ['status'], as_of: clock.nowMs() + 5_000 });
    return answer.json.vectors.map(({ values, status }: Record<string, unknown[]>) => [values?.[0], status?.[0]]);
  };
  expect(await read(json.position)).toEqual([
    [5, 'PRESENT'],
    [7, 'PRESENT'],
  ]);
  const deleted = await post(url, { events: [{ op: 'd', source, before: { id: 1, balance: 5 }, after: null }] });
  expect(deleted.json.rejected).toEqual([]);
  expect(await read(deleted.json.position)).toEqual([
    [null, 'NOT_FOUND'],
    [7, 'PRESENT'],
  ]);
  const ranges = (await log.ranges('accounts')) ?? [];
  const keys = await Promise.all(ranges.map(({ partition }) => log.read('accounts', partition, 0, 10)));
  expect(
    keys
      .flat()
      .map(({ key }) => Buffer.from(key ?? []).toString())
      .toSorted(),
  ).toEqual(['{"id":1}', '{"id":1}', '{"id":2}']);
});

test('the guide tells of a table what is true', async () => {
  const guide = readFileSync(new URL('../../../docs/definitions.md', import.meta.url), 'utf8');
  const definitions = /```yaml\n(sources:\n {2}- name: customers[\s\S]*?)```/.exec(guide)?.[1] ?? '';
  const rows = [...guide.matchAll(/^\| `(\{"op".*\})` \| `(\[.*\])` \| (.*) \|$/gm)];
  expect(rows).toHaveLength(3);
  const { post, vectors, clock } = await startHarness({ definitions });
  for (const [index, [, change = '', values = '', statuses = '']] of rows.entries()) {
    const event = JSON.parse(change.replace('…', String(clock.nowMs() - 1_000 + index))) as object;
    const { json } = await post('/v1/sources/customers/events', { events: [event] });
    // A moment later, for what happens at `as_of` is not seen.
    clock.offsetMs += STEP_MS;
    const request = { entities: [{ id: '1' }], include: ['status'], after: json.position, budget_ms: 20_000 };
    const answer = await vectors('checkout', request);
    expect(answer.json.vectors).toMatchObject([
      { values: JSON.parse(values) as unknown, status: statuses.replaceAll('`', '').split(' ') },
    ]);
  }
});

test('the catalog says how records are to be read, and what features read of rows', async () => {
  const { get } = await startTable();
  expect((await get('/v1/sources/customers')).json).toMatchObject({ mode: 'upsert', envelope: null });
  const accounts = (await get('/v1/sources/accounts')).json;
  expect(accounts).toMatchObject({ mode: 'upsert', envelope: 'debezium' });
  expect(accounts.key).toEqual({ fields: ['id'], encoding: 'json', separator: '|' });
  expect(accounts.fields).toContainEqual({ name: 'balance', type: 'double?', path: ['after', 'balance'] });
  const view = (await get('/v1/feature-views/profile')).json;
  expect(view.features).toMatchObject([
    { name: 'tier', of: 'tier', where: null },
    { name: 'credit', of: 'credit', where: "tier = 'gold'" },
  ]);
});
