import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { type Replayed, type ReplayOptions, replayLetters } from '../../src/cli/dlq-replay.ts';
import type { Definitions, SourceDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { erasureRecord } from '../../src/event/erasure.ts';
import type { LogRecord } from '../../src/event/event.ts';
import type { Log } from '../../src/log/log.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import type { DeadLetter } from '../../src/materialize/dead-letters.ts';
import { framed, memoryRegistry, writeAvro } from '../event/schemas-support.ts';
import { temporaryFolder } from './run.ts';

const NOW_MS = 1_700_000_000_000;
const PARTITIONS = 4;
const TEXT = `
sources:
  - { name: orders, topic: orders, key: [shop], event_time: at, fields: { at: timestamp, shop: string, amount: double } }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: total, agg: sum, of: amount, windows: [24h] }] }
  - { name: visits, entity: shop, source: orders, features: [{ name: visits, agg: count }] }
services: [{ name: s, features: [sales.*] }]
`;

interface Setting {
  readonly log: Log;
  readonly source: SourceDefinition;
  /** Of `sales`, which rejects, and of `visits`. */
  readonly fingerprints: readonly [string, string];
  /** Adds a letter that `sales` wrote of a record at such an offset. */
  letter(offset: number, code: string, at: number, more?: Partial<DeadLetter>): Promise<void>;
  replay(more?: Partial<ReplayOptions>): Promise<Replayed>;
  /** Records of the topic. */
  appended(): Promise<readonly LogRecord[]>;
}

const logs: Log[] = [];
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
});

async function setUp(text = TEXT): Promise<Setting> {
  const loaded = loadDefinitions([{ path: 'orders.yaml', text }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const definitions: Definitions = loaded.definitions;
  const source = definitions.sources.get('orders') as SourceDefinition;
  const clock = { nowMs: () => NOW_MS };
  const log = await openSqliteLog({ file: join(temporaryFolder(), 'log.sqlite'), clock });
  logs.push(log);
  await log.ensureTopic('orders', PARTITIONS);
  await log.ensureTopic('orders.dlq', 1);
  const fingerprints = ['sales@1', 'visits@1'].map((id) => definitions.views.get(id)?.stateFingerprint ?? '');
  return {
    log,
    source,
    fingerprints: fingerprints as [string, string],
    async letter(offset, code, at, more = {}) {
      const value = Buffer.from(JSON.stringify({ at, shop: 'a', amount: 1 })).toString('base64');
      const rejection = {
        code,
        column: null,
        message: code,
        views: ['sales@1'],
        fingerprints: fingerprints.slice(0, 1),
      };
      const where = { source: 'orders', topic: 'orders', partition: 0, offset, appended_ms: NOW_MS };
      const key_base64 = Buffer.from('a').toString('base64');
      const letter: DeadLetter = { ...where, rejections: [rejection], key_base64, value_base64: value, ...more };
      await log.append('orders.dlq', [{ key: null, value: Buffer.from(JSON.stringify(letter)), timestampMs: null }]);
    },
    replay: (more = {}) => replayLetters({ log, definitions, source, clock, schemas: null, dryRun: false, ...more }),
    async appended() {
      const found = await Promise.all(
        Array.from({ length: PARTITIONS }, (_none, partition) => log.read('orders', partition, 0, 1_000)),
      );
      return found.flat();
    },
  };
}

const namedBy = ({ headers }: LogRecord): unknown =>
  JSON.parse(Buffer.from(headers?.['skewless-replay'] ?? []).toString()) as unknown;

const DAY_MS = 86_400_000;

test('a letter that nobody takes yet is taken later, though others beyond it were replayed', async () => {
  const { letter, replay, appended, fingerprints } = await setUp();
  await letter(7, 'too_far_ahead', NOW_MS + DAY_MS);
  await letter(8, 'too_far_ahead', NOW_MS);
  expect(await replay()).toMatchObject({ appended: 1, rejected: 1, earlier: 0 });
  expect(await replay()).toMatchObject({ appended: 0, rejected: 1, earlier: 1 });
  const tomorrow = { clock: { nowMs: () => NOW_MS + DAY_MS } };
  expect(await replay(tomorrow)).toMatchObject({ appended: 1, rejected: 0, earlier: 1 });
  expect(await replay(tomorrow)).toMatchObject({ appended: 0, rejected: 0, earlier: 2 });
  expect((await appended()).map(namedBy)).toEqual(
    [8, 7].map((offset) => ({ partition: 0, offset, fingerprints: fingerprints.slice(0, 1) })),
  );
});

test('a reason asked for is replayed alone, and a dry run appends nothing', async () => {
  const { letter, replay, appended } = await setUp();
  await letter(1, 'too_far_ahead', NOW_MS);
  await letter(2, 'misplaced', NOW_MS);
  expect(await replay({ dryRun: true })).toMatchObject({ appended: 2 });
  expect(await appended()).toEqual([]);
  expect(await replay({ reason: 'misplaced' })).toMatchObject({ appended: 1 });
  expect(await replay()).toMatchObject({ appended: 1, earlier: 1 });
});

test('two letters of one record, of two deployments, are replayed once for each fingerprint', async () => {
  const { letter, replay, appended, fingerprints } = await setUp();
  await letter(1, 'too_far_ahead', NOW_MS);
  await letter(1, 'too_far_ahead', NOW_MS);
  const rejection = { code: 'too_far_ahead', column: null, message: '', views: ['visits@1'] };
  await letter(1, '', NOW_MS, { rejections: [{ ...rejection, fingerprints: fingerprints.slice(1) }] });
  expect(await replay()).toMatchObject({ appended: 2, earlier: 1 });
  expect((await appended()).map(namedBy)).toEqual(
    fingerprints.map((fingerprint) => ({ partition: 0, offset: 1, fingerprints: [fingerprint] })),
  );
});

test('a record keeps the trace it was appended in', async () => {
  const { log, letter, replay, appended } = await setUp();
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await letter(1, 'too_far_ahead', NOW_MS);
  const [plain] = await log.read('orders.dlq', 0, 0, 1);
  const headers = { traceparent: Buffer.from(traceparent), tracestate: Buffer.from('vendor=1') };
  const other = { ...(JSON.parse(Buffer.from(plain?.value ?? []).toString()) as DeadLetter), offset: 2, traceparent };
  const traced = JSON.stringify(other);
  await log.append('orders.dlq', [{ key: null, value: Buffer.from(traced), timestampMs: null, headers }]);
  await replay();
  const kept = (await appended()).map((record) =>
    ['traceparent', 'tracestate'].map((name) => Buffer.from(record.headers?.[name] ?? []).toString()),
  );
  expect(kept).toEqual([
    ['', ''],
    [traceparent, 'vendor=1'],
  ]);
});

test('a misplaced record goes where its key belongs, with the key that the source declares', async () => {
  const { letter, replay, appended } = await setUp();
  await letter(1, 'misplaced', NOW_MS, { partition: 3, key_base64: Buffer.from('"a"').toString('base64') });
  await replay();
  const [again] = await appended();
  expect(Buffer.from(again?.key ?? []).toString()).toBe('a');
  expect(again?.partition).toBe(partitionOf(Buffer.from('a'), PARTITIONS, 'murmur2'));
});

const TABLE = `
sources:
  - name: orders
    mode: upsert
    envelope: debezium
    key: { fields: [shop], encoding: json }
    event_time: at
    fields: { at: { type: timestamp, path: ts_ms }, shop: string, amount: double }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: amount, agg: last, of: amount }] }
  - { name: visits, entity: shop, source: orders, features: [{ name: shop, agg: last, of: shop }] }
`;

test('a change is replayed by the key of its row, and a deletion never: it would happen at another time', async () => {
  const { letter, replay, appended } = await setUp(TABLE);
  const base64 = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64');
  const row = { shop: 'a', amount: 1 };
  const change = { schema: {}, payload: { op: 'u', after: row, ts_ms: NOW_MS } };
  await letter(1, 'misplaced', NOW_MS, { value_base64: base64(change) });
  const deletion = { op: 'd', before: row, after: null, ts_ms: NOW_MS };
  await letter(2, 'misplaced', NOW_MS, { key_base64: base64({ shop: 'a' }), value_base64: base64(deletion) });
  await letter(3, 'misplaced', NOW_MS, { value_base64: null });
  expect(await replay()).toMatchObject({ appended: 1, rejected: 2 });
  expect((await appended()).map(({ key }) => Buffer.from(key ?? []).toString())).toEqual(['{"shop":"a"}']);
});

/** A log that ends at the n-th append of a transfer, before or after it is stored. */
function failing(log: Log, at: number, when: 'before' | 'after'): Log {
  let appends = 0;
  return {
    ...log,
    async openTransfer(options) {
      const transfer = await log.openTransfer(options);
      return {
        ...transfer,
        async append(topic, records, next) {
          const dies = ++appends === at;
          if (dies && when === 'before') throw new Error('killed');
          await transfer.append(topic, records, next);
          if (dies) throw new Error('killed');
        },
      };
    },
  };
}

test.for([
  [1, 'before'],
  [1, 'after'],
  [2, 'before'],
  [2, 'after'],
  [3, 'after'],
  [4, 'before'],
] as const)(
  'killed at append %i, %s it is stored, the next replay leaves each record there once',
  async ([at, when]) => {
    const { log, letter, replay, appended } = await setUp();
    for (let offset = 0; offset < 150; offset++) await letter(offset, 'too_far_ahead', NOW_MS);
    await expect(replay({ log: failing(log, at, when) })).rejects.toThrow('killed');
    await replay();
    expect(await replay()).toMatchObject({ appended: 0, earlier: 150 });
    const offsets = (await appended()).map((record) => (namedBy(record) as { offset: number }).offset);
    expect(offsets.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 150 }, (_none, index) => index));
  },
);

test('a position that is older than the last append does not append twice', async () => {
  const { log, letter, replay, appended } = await setUp();
  await letter(1, 'too_far_ahead', NOW_MS);
  await replay();
  const stale: Log = {
    ...log,
    openTransfer: async (options) => ({ ...(await log.openTransfer(options)), position: () => Promise.resolve(null) }),
  };
  expect(await replay({ log: stale })).toMatchObject({ appended: 0, earlier: 1 });
  expect(await appended()).toHaveLength(1);
});

test('a letter of an entity that was erased since stays where it is, for the views of that entity', async () => {
  const { log, letter, replay, appended } = await setUp();
  await letter(1, 'too_far_ahead', NOW_MS);
  const erase = (shop: string, ends: Record<number, number>) =>
    log.append('orders.dlq', [
      { ...erasureRecord({ id: shop, entities: { shop: JSON.stringify([shop]) }, ends }), timestampMs: null },
    ]);
  await erase('b', { 0: 10 });
  await erase('a', { 0: 1 });
  expect(await replay({ dryRun: true })).toMatchObject({ appended: 1, erased: 0 });
  await erase('a', { 0: 2 });
  expect(await replay()).toMatchObject({ appended: 0, rejected: 0, erased: 1 });
  expect(await appended()).toEqual([]);
});

test('a plan that was left lying leaves out what was erased since', async () => {
  const { log, letter, replay, appended } = await setUp();
  await letter(1, 'too_far_ahead', NOW_MS);
  await expect(replay({ log: failing(log, 2, 'before') })).rejects.toThrow('killed');
  await log.append('orders.dlq', [
    { ...erasureRecord({ id: 'e', entities: { shop: '["a"]' }, ends: { 0: 10 } }), timestampMs: null },
  ]);
  await replay();
  expect(await appended()).toEqual([]);
});

test('a letter in Avro is taken once its schema is registered, with the key and in the partition that it had', async () => {
  const registry = memoryRegistry();
  const { letter, replay, appended } = await setUp(
    TEXT.replace('topic: orders, key: [shop]', 'topic: orders, format: avro, key: { fields: [shop], encoding: avro }'),
  );
  const fields = [
    { name: 'at', type: 'long' },
    { name: 'shop', type: 'string' },
    { name: 'amount', type: 'double' },
  ];
  const schema = { type: 'record', name: 'o', fields };
  const value = framed(1, writeAvro(schema, { at: BigInt(NOW_MS), shop: 's', amount: 1 }));
  const more = { partition: 2, key_base64: 'AAAAAAI=', value_base64: Buffer.from(value).toString('base64') };
  await letter(7, 'unknown_schema', NOW_MS, more);
  expect(await replay({ schemas: registry })).toMatchObject({ appended: 0, rejected: 1 });
  registry.register(schema);
  expect(await replay({ schemas: registry })).toMatchObject({ appended: 1, rejected: 0 });
  const [record] = await appended();
  expect(Buffer.from(record?.value ?? []).equals(value)).toBe(true);
  expect(Buffer.from(record?.key ?? []).toString('base64')).toBe('AAAAAAI=');
});
