/** What owners note is what was stored, and tells a training set what the server knew. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { LogRecord } from '../../src/event/event.ts';
import { positionsTopic, readNotes, writeNotes } from '../../src/log/position-notes.ts';
import { createVerify } from '../../src/cli/verifier.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import { readPositionIndex } from '../../src/replay/position-index.ts';
import { type Receipt, parseReceipt, valuesDigest } from '../../src/vector/receipt.ts';
import { createRandom } from '../oracle/random.ts';
import { startHarness } from '../serve/harness.ts';
import { createMemoryReader, jsonOf, serviceOf, trainFor } from './support.ts';

const SHARD = { source: 'orders', entityKey: 'customer', partition: 2 };
const RUN = { signal: new AbortController().signal, nowMs: 0 };

function notesReader(records: readonly Uint8Array[]) {
  return createMemoryReader(
    records.map((value, offset): LogRecord => ({ partition: 0, offset, timestampMs: 0, key: null, value })),
  );
}

function noteOf(
  atMs: number,
  position: Record<number, number>,
  shard: { entityKey: string; partition: number } = SHARD,
) {
  return writeNotes([{ ...shard, position, atMs }]);
}

test('notes are read as they were written, and what is none of ours says nothing', () => {
  const note = { entityKey: 'a,b', partition: 3, position: { 0: 5, 7: 2 }, atMs: 17 };
  expect(readNotes(writeNotes([note, note]))).toEqual([note, note]);
  for (const text of ['', '{}', '[1]', '[["a",1,"now",{}]]', '[["a",1,2,null]]']) {
    expect(readNotes(Buffer.from(text))).toEqual([]);
  }
});

test('a record is known from the first note beyond it; of several owners the earliest word counts', async () => {
  const records = [noteOf(100, { 2: 5 }), noteOf(300, { 2: 9 }), noteOf(310, { 2: 7 }), noteOf(400, { 2: 9 })];
  const index = await readPositionIndex(new Map([['orders', notesReader(records)]]), RUN);
  const known = [0, 4, 5, 8, 9].map((offset) => index.knownMs(SHARD, 2, offset));
  expect(known).toEqual([100, 100, 300, 300, null]);
  const elsewhere = { ...SHARD, partition: 1 };
  expect([index.firstMs(SHARD, 2), index.firstMs(elsewhere, 2), index.firstNext(elsewhere, 2)]).toEqual([
    100,
    null,
    null,
  ]);
  expect(index.firstNext(SHARD, 2)).toBe(5);
  expect(index.knownMs(elsewhere, 2, 0)).toBeNull();
});

test('beyond its bound the index gets coarser: known later, and never earlier', async () => {
  const records = Array.from({ length: 1_000 }, (_none, at) => noteOf(at, { 2: at + 1 }));
  const readers = new Map([['orders', notesReader(records)]]);
  const fine = await readPositionIndex(readers, RUN);
  const coarse = await readPositionIndex(new Map([['orders', notesReader(records)]]), RUN, 100);
  for (let offset = 0; offset < 1_000; offset++) {
    const [exact, later] = [fine.knownMs(SHARD, 2, offset), coarse.knownMs(SHARD, 2, offset)];
    expect(exact).toBe(offset);
    expect(later).toBeGreaterThanOrEqual(offset);
    expect(later).toBeLessThan(offset + 64);
  }
});

const DEFINITIONS = `
sources:
  - { name: orders, key: [customer], event_time: at, fields: { customer: string, at: timestamp, amount: double } }
entities: [{ name: customer, keys: { customer: string } }]
views:
  - name: spending
    entity: customer
    source: orders
    features:
      - { name: n, agg: count, windows: [1h] }
      - { name: spent, agg: sum, of: amount, windows: [1h] }
services: [{ name: scoring, features: [spending.*] }]
`;
const PARTITIONS = 3;
const CUSTOMERS = ['a', 'b', 'c', 'd', 'e'];

interface Asked {
  readonly timestamp: number;
  readonly customer: string;
  readonly values: readonly unknown[];
  readonly receipt: Receipt;
}

test('by arrival a training set knows what the notes say, and where these name the position of the receipt, what was served', async () => {
  const seed = Date.now() % 1_000_000;
  const random = createRandom(seed);
  const { vectors, log, clock, definitions, materializer } = await startHarness({
    definitions: DEFINITIONS,
    partitions: PARTITIONS,
  });
  const asked: Asked[] = [];
  for (let round = 0; round < 120; round++) {
    const customer = random.pick(CUSTOMERS);
    const late = random.chance(0.5) ? random.integer(0, 1_800_000) : 0;
    const order = { customer, at: clock.nowMs() - late, amount: random.integer(1, 900) / 7 };
    const key = Buffer.from(customer);
    await log.append('orders', [{ key, value: Buffer.from(JSON.stringify(order)), timestampMs: null }]);
    if (random.chance(0.4)) await delay(random.integer(1, 30));
    const timestamp = clock.nowMs();
    const who = random.pick(CUSTOMERS);
    const request = { entities: [{ customer: who }], as_of: timestamp, include: ['receipt'] };
    const [{ values, receipt }] = (await vectors('scoring', request)).json.vectors;
    const parsed = parseReceipt(receipt);
    if (!parsed.ok) throw new Error(parsed.problem);
    asked.push({ timestamp, customer: who, values, receipt: parsed.receipt });
  }
  await materializer.stop();
  const notes = new Map([['orders', createLogReader(log, positionsTopic('test', 'orders'), 'notes')]]);
  const positionIndex = await readPositionIndex(notes, { ...RUN, nowMs: clock.nowMs() });
  const trained = await trainFor({
    service: serviceOf(definitions),
    readers: new Map([['orders', createLogReader(log, 'orders', 'sqlite:test')]]),
    labels: asked.map(({ timestamp, customer }) => ({ timestamp, customer })),
    knowledge: 'arrival',
    positionIndex,
  });
  expect(trained.manifest.sources[0]?.known_by).toBe('position_index');
  const verify = createVerify(log, 'test', definitions, 10_000);
  let atSamePosition = 0;
  const byNotes = asked.map(({ timestamp, customer, values, receipt }, index) => {
    const partition = partitionOf(Buffer.from(customer), PARTITIONS, 'murmur2') ?? 0;
    const shard = { source: 'orders', entityKey: 'customer', partition };
    let next = 0;
    while ((positionIndex.knownMs(shard, partition, next) ?? Infinity) <= timestamp) next++;
    const live = receipt.shards[0]?.position[partition] ?? 0;
    // A note is never ahead of what was stored.
    expect([seed, index, next <= live]).toEqual([seed, index, true]);
    const known = ['n_1h', 'spent_1h'].map((name) => jsonOf(trained.rows[index]?.[name] ?? null));
    if (next === live) {
      atSamePosition += 1;
      expect([seed, index, known]).toEqual([seed, index, values]);
    }
    const shards = receipt.shards.map((each) => ({ ...each, position: { [partition]: next } }));
    const digest = valuesDigest(JSON.stringify(known));
    return { receipt: { ...receipt, shards, digest }, values: known, features: null, statuses: null, issues: null };
  });
  expect(atSamePosition).toBeGreaterThan(10);
  // All that differs is the position: at that of the notes, the log gives the training set's values.
  const found = await verify(byNotes, RUN.signal);
  expect([seed, new Set(found.map(({ result }) => result))]).toEqual([seed, new Set(['same_bits'])]);
}, 60_000);

test('a log that does not take notes holds nothing up: they are counted, and the next says as much', async () => {
  const refused = { count: 0 };
  const { log, materializer, append, vectors } = await startHarness({
    definitions: DEFINITIONS,
    partitions: 1,
    beforeMaterialize(opened) {
      const { append: appendTo } = opened;
      Object.assign(opened, {
        append: (topic: string, ...rest: unknown[]) => {
          if (!topic.endsWith('.positions') || refused.count >= 3)
            return Reflect.apply(appendTo, opened, [topic, ...rest]);
          refused.count += 1;
          return Promise.reject(new Error('the log is away'));
        },
      });
      return Promise.resolve();
    },
  });
  const at = Date.now();
  for (let index = 0; index < 20; index++) {
    await append('orders', [{ customer: 'a', at: at - index, amount: 1 }]);
    await delay(25);
  }
  const answer = await vectors('scoring', { entities: [{ customer: 'a' }], as_of: at + 1 });
  expect(answer.json.vectors[0].values).toEqual([20, 20]);
  await materializer.stop();
  expect(materializer.status().sources[0]?.notesDropped).toBe(3);
  const index = await readPositionIndex(
    new Map([['orders', createLogReader(log, positionsTopic('test', 'orders'), 'notes')]]),
    RUN,
  );
  expect(index.knownMs({ ...SHARD, partition: 0 }, 0, 19)).not.toBeNull();
});
