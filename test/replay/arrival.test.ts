/** What was known at a label's time, by each of the things that can tell, and that nothing less is taken. */
import { expect, test } from 'vitest';
import type { LogRecord } from '../../src/event/event.ts';
import type { TimestampMeaning } from '../../src/replay/event-reader.ts';
import type { PositionIndex } from '../../src/replay/known-times.ts';
import type { ShardId } from '../../src/store/store.ts';
import { load } from '../property/engine.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import { createMemoryReader, serviceOf, trainFor } from './support.ts';

const HOUR_MS = 3_600_000;
const AT = Date.UTC(2024, 0, 1, 12);
const definitionsOf = (key: string) =>
  load(`
sources:
  - { name: orders, key: [${key}], event_time: at, max_ahead: 1h, fields: { shop: string, till: string, at: timestamp, amount: double } }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - name: sales
    entity: shop
    source: orders
    features:
      - { name: n, agg: count, windows: [24h] }
      - { name: total, agg: sum, of: amount, windows: [24h] }
services: [{ name: scoring, features: [sales.*] }]
`);

/** Each is appended so many hours after it happened. */
function recordsOf(lateHours: readonly number[], partition = 0): readonly LogRecord[] {
  return lateHours.map((late, offset) => {
    const value = { shop: 'a', till: 't', at: AT + offset * HOUR_MS, amount: 2 ** offset };
    const timestampMs = AT + (offset + late) * HOUR_MS;
    return { partition, offset, timestampMs, key: Buffer.from('a'), value: Buffer.from(JSON.stringify(value)) };
  });
}

const LABELS = Array.from({ length: 6 }, (_none, hour) => ({ shop: 'a', timestamp: AT + hour * HOUR_MS + 1 }));

function trainOn(
  records: readonly LogRecord[],
  timestamps: TimestampMeaning,
  positionIndex: PositionIndex | null = null,
  key = 'shop',
) {
  const readers = new Map([['orders', createMemoryReader(records, { timestamps })]]);
  return trainFor({
    service: serviceOf(definitionsOf(key)),
    readers,
    labels: LABELS,
    knowledge: 'arrival',
    positionIndex,
  });
}

const totalsOf = ({ rows }: { readonly rows: readonly Readonly<Record<string, unknown>>[] }) =>
  rows.map((row) => row['total_24h']);

// The second comes two and a half hours late; the third and the fourth lie behind it, although their times say earlier.
const LATE = recordsOf([0, 2.5, 0.5, 0]);

test('by append time, an event counts from its own on, and no earlier than those before it in the partition', async () => {
  const trained = await trainOn(LATE, 'append_time');
  expect(totalsOf(trained)).toEqual([1, 1, 1, 1, 15, 15]);
  expect(trained.manifest.sources[0]?.known_by).toBe('append_time');
  expect(trained.manifest.late_data).toEqual([
    { feature: 'n_24h', rows: 6, differing: 3, missing: 0, extra: 0, mean_difference: 2, largest_difference: 3 },
    {
      feature: 'total_24h',
      rows: 6,
      differing: 3,
      missing: 0,
      extra: 0,
      mean_difference: 22 / 3,
      largest_difference: 14,
    },
  ]);
});

test('by an arrival column, each event counts from its own time on', async () => {
  const trained = await trainOn(LATE, 'arrival_column');
  expect(totalsOf(trained)).toEqual([1, 1, 1, 13, 15, 15]);
  expect(trained.manifest.sources[0]?.known_by).toBe('arrival_column');
});

test('an event that is ahead of its append time is known, and counts when its time has come', async () => {
  expect(totalsOf(await trainOn(recordsOf([0, -1, -1, 0]), 'append_time'))).toEqual([1, 3, 7, 15, 15, 15]);
});

/** Notes of (wall time, position), as an owner of the shard would have made them. */
function indexOf(notes: readonly (readonly [hour: number, position: number])[], asked: string[] = []): PositionIndex {
  return {
    identity: null,
    firstMs: () => AT,
    firstNext: () => 0,
    knownMs(shard, partition, offset) {
      asked.push(`${shard.source}/${shard.entityKey}/${shard.partition} ${partition}/${offset}`);
      const note = notes.find(([, position]) => position > offset);
      return note === undefined ? null : AT + note[0] * HOUR_MS;
    },
  };
}

test('by the index of owners, an event counts from the first note beyond it, also where the log has times of its own', async () => {
  const asked: string[] = [];
  const notes = indexOf(
    [
      [0, 1],
      [3, 1],
      [4, 3],
    ],
    asked,
  );
  const trained = await trainOn(recordsOf([0, 0, 0, 0]), 'append_time', notes);
  // The last one no note reaches.
  expect(totalsOf(trained)).toEqual([1, 1, 1, 1, 7, 7]);
  expect(trained.manifest.sources[0]?.known_by).toBe('position_index');
  expect(asked).toEqual(['orders/shop/0 0/0', 'orders/shop/0 0/1', 'orders/shop/0 0/2', 'orders/shop/0 0/3']);
});

test('of a repartitioned source the index of the shard is asked where the entity is, about the partition it came from', async () => {
  const asked: string[] = [];
  const records = [...recordsOf([0, 0], 0), ...recordsOf([0], 1), ...recordsOf([0], 2)];
  await trainOn(records, 'producer_time', indexOf([[0, 9]], asked), 'till');
  const shards = new Set(asked.map((each) => each.split(' ')[0]));
  expect(shards.size).toBe(1);
  expect(asked.map((each) => each.split(' ')[1])).toEqual(['0/0', '0/1', '1/0', '2/0']);
});

test.each([
  ['producer_time', /source orders: .*message\.timestamp\.type=CreateTime.*LogAppendTime.*--namespace/s],
  ['nothing', /source orders: .*--arrival orders=COLUMN/s],
] as const)('times that say %s of arrival are refused, with the mend', async (timestamps, message) => {
  await expect(trainOn(recordsOf([0]), timestamps)).rejects.toThrow(message);
});

test('labels before the first note are refused: nobody knows what was known', async () => {
  const index = { ...indexOf([[0, 9]]), firstMs: () => AT + 2 };
  await expect(trainOn(recordsOf([0]), 'producer_time', index)).rejects.toThrow(
    /a label is of 2024-01-01T12:00:00\.001Z, and what was known of source orders was noted from 2024-01-01T12:00:00\.002Z on/,
  );
});

test("where the log's clock is one to go by, it tells of what came before the notes, labels before them included", async () => {
  const index = { ...indexOf([[5, 4]]), firstMs: () => AT + 5 * HOUR_MS, firstNext: () => 3 };
  const trained = await trainOn(recordsOf([0, 2, 0, 0]), 'append_time', index);
  expect(totalsOf(trained)).toEqual([1, 1, 1, 7, 7, 15]);
});

const TWO_KEYS = load(`
sources:
  - { name: orders, key: [shop], event_time: at, max_ahead: 1h, fields: { shop: string, till: string, at: timestamp, amount: double } }
entities:
  - { name: shop, keys: { shop: string } }
  - { name: till, keys: { till: string, shop: string } }
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: total, agg: sum, of: amount, windows: [24h] }] }
  - { name: by_till, entity: till, source: orders, features: [{ name: taken, agg: sum, of: amount, windows: [24h] }] }
services:
  - { name: scoring, features: [sales.*, by_till.*] }
  - { name: shops, features: [sales.*] }
`);

function trainTwo(name: string, timestamps: TimestampMeaning, positionIndex: PositionIndex) {
  const records = recordsOf([0, 2, 0, 0]);
  const readers = new Map([['orders', createMemoryReader(records, { timestamps })]]);
  const labels = LABELS.map((label) => (name === 'shops' ? label : { ...label, till: 't' }));
  return trainFor({ service: serviceOf(TWO_KEYS, name), readers, labels, knowledge: 'arrival', positionIndex });
}

/** Notes of some shards; of others there are none. */
function onlyOf(isNoted: (shard: ShardId) => boolean, index: PositionIndex): PositionIndex {
  return {
    identity: null,
    firstMs: (shard, partition) => (isNoted(shard) ? index.firstMs(shard, partition) : null),
    firstNext: (shard, partition) => (isNoted(shard) ? index.firstNext(shard, partition) : null),
    knownMs: (shard, partition, offset) => (isNoted(shard) ? index.knownMs(shard, partition, offset) : null),
  };
}

const SHOPS_ONLY = onlyOf(({ entityKey }) => entityKey === 'shop', indexOf([[5, 4]]));

test("states that nobody has noted anything of go by the log's clock, where it is one to go by", async () => {
  const { rows, manifest } = await trainTwo('scoring', 'append_time', SHOPS_ONLY);
  expect(rows.map((row) => row['total_24h'])).toEqual([null, null, null, null, null, 15]);
  expect(rows.map((row) => row['taken_24h'])).toEqual([1, 1, 1, 15, 15, 15]);
  expect(manifest.sources[0]?.known_by).toBe('position_index');
  const nothing = onlyOf(() => false, SHOPS_ONLY);
  expect((await trainTwo('scoring', 'append_time', nothing)).manifest.sources[0]?.known_by).toBe('append_time');
});

test('elsewhere they are refused, with what is missing and where it may be; what the service does not read is not asked for', async () => {
  await expect(trainTwo('scoring', 'producer_time', SHOPS_ONLY)).rejects.toMatchObject({
    code: 'arrival_unknown',
    message: expect.stringMatching(
      /states by till,shop, partition 0\. .*<namespace>\.orders\.positions: --namespace/,
    ) as unknown,
  });
  expect(totalsOf(await trainTwo('shops', 'producer_time', SHOPS_ONLY))).toEqual([null, null, null, null, null, 15]);
});

test('of several shards the one that was noted last says from when on labels can be told; an empty partition needs no notes', async () => {
  const own = partitionOf(Buffer.from('a'), 3, 'murmur2') as number;
  const [other, empty] = [(own + 1) % 3, (own + 2) % 3];
  const ranges = [own, other, empty]
    .toSorted((a, b) => a - b)
    .map((partition) => {
      return { partition, from: 0, next: partition === empty ? 0 : 4, startTimestampMs: null };
    });
  const index = onlyOf(({ partition }) => partition !== empty, {
    ...indexOf([[0, 4]]),
    firstMs: ({ partition }) => (partition === own ? AT : AT + 2 * HOUR_MS),
  });
  const reader = createMemoryReader(recordsOf([0, 0, 0, 0], own), { timestamps: 'producer_time', ranges });
  const options = { service: serviceOf(TWO_KEYS, 'shops'), readers: new Map([['orders', reader]]) };
  const known = { ...options, knowledge: 'arrival' as const, positionIndex: index };
  await expect(trainFor({ ...known, labels: LABELS })).rejects.toThrow(/was noted from 2024-01-01T14:00:00\.000Z on/);
  expect(totalsOf(await trainFor({ ...known, labels: LABELS.slice(2) }))).toEqual([7, 15, 15, 15]);
});
