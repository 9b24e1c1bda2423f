/**
 * The running app and a training set over the same log: keyed and repartitioned views, a table with deletions, duplicates,
 * late, misplaced and rejected records, an erased entity, a log that lacks its head. Every value and status must be the same.
 */
import { expect, test } from 'vitest';
import { erasureRecord } from '../../src/event/erasure.ts';
import type { SqliteLog } from '../../src/log/sqlite.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import { createRandom, type Random } from '../oracle/random.ts';
import { startHarness } from '../serve/harness.ts';
import { jsonOf, serviceOf, trainFor } from './support.ts';

const DEFINITIONS = `
sources:
  - name: payments
    key: [customer]
    event_time: at
    event_id: id
    max_ahead: 5m
    fields: { id: string, customer: string, merchant: "string?", at: timestamp, amount: "double?" }
  - name: customers
    mode: upsert
    key: [customer]
    event_time: at
    fields: { at: timestamp, customer: string, tier: "string?" }
entities:
  - { name: customer, keys: { customer: string } }
  - { name: merchant, keys: { merchant: string } }
views:
  - name: spending
    entity: customer
    source: payments
    history: 30d
    features:
      - { name: paid, agg: count, windows: [1h, 24h, { length: 6h, offset: 12h }] }
      - { name: spent, agg: sum, of: amount, windows: [1h, 24h] }
      - { name: spread, agg: stddev, of: amount }
      - { name: recent, agg: last_n, n: 3, of: { merchant: merchant, at: at }, windows: [24h] }
      - { name: since, agg: time_since_last, windows: [24h] }
  - name: takings
    entity: merchant
    source: payments
    where: "amount > 2"
    history: 30d
    features:
      - { name: taken, agg: sum, of: amount, windows: [24h] }
      - { name: people, agg: count_distinct, of: customer, windows: [24h] }
      - { name: top, agg: top_k, k: 2, of: customer }
  - name: profile
    entity: customer
    source: customers
    history: 30d
    features: [{ name: tier, agg: last, of: tier, default: none }]
services:
  - name: scoring
    inputs: { basket: double }
    features: [spending.*, { view: takings, prefix: shop_ }, profile.*]
    derived: [{ name: share, expr: "basket / spent_24h" }]
`;

const PARTITIONS = 4;
const NOW_MS = Date.UTC(2024, 4, 20);
const DAY_MS = 86_400_000;
const CUSTOMERS = Array.from({ length: 12 }, (_none, index) => `c${index}`);
const MERCHANTS = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'];

async function append(
  log: SqliteLog,
  topic: string,
  customer: string,
  json: object | null,
  appendedMs: number,
  misplaced = false,
) {
  const key = Buffer.from(customer);
  const right = partitionOf(key, PARTITIONS, 'murmur2') ?? 0;
  const partition = misplaced ? (right + 1) % PARTITIONS : right;
  const value = json === null ? null : Buffer.from(JSON.stringify(json));
  await log.append(topic, [{ key, value, timestampMs: appendedMs, partition }]);
}

async function appendPayments(log: SqliteLog, random: Random): Promise<void> {
  let appendedMs = NOW_MS - 2 * DAY_MS;
  for (let index = 0; index < 700; index++) {
    appendedMs += random.integer(0, 480_000);
    const lateMs = random.chance(0.2) ? random.integer(0, DAY_MS) : random.integer(-60_000, 60_000);
    const at = random.chance(0.02) ? appendedMs + 400_000 : appendedMs - lateMs;
    const customer = random.pick(CUSTOMERS);
    const payment = {
      id: random.chance(0.1) ? `i${random.integer(0, index)}` : `i${index}`,
      customer,
      merchant: random.chance(0.05) ? null : random.pick(MERCHANTS),
      at: random.chance(0.3) ? Math.floor(at / 3_600_000) * 3_600_000 : at,
      amount: random.chance(0.03) ? 'much' : random.integer(0, 4_000) / 7,
    };
    await append(log, 'payments', customer, payment, appendedMs, index % 200 === 7);
    if (index === 400) await erase(log, 'c3', appendedMs);
  }
}

async function erase(log: SqliteLog, customer: string, timestampMs: number): Promise<void> {
  for (const topic of ['payments', 'customers']) {
    const ranges = (await log.ranges(topic)) ?? [];
    const ends = Object.fromEntries(ranges.map(({ partition, endOffset }) => [partition, endOffset]));
    const record = erasureRecord({ id: 'e', entities: { customer: JSON.stringify([customer]) }, ends });
    await log.append(
      topic,
      ranges.map(({ partition }) => ({ ...record, partition, timestampMs })),
    );
  }
}

async function appendCustomers(log: SqliteLog, random: Random): Promise<void> {
  for (let index = 0; index < 60; index++) {
    const customer = random.pick(CUSTOMERS);
    const at = NOW_MS - 2 * DAY_MS + index * 2_800_000;
    const row = { at, customer, tier: random.pick(['gold', 'plain', null]) };
    await append(log, 'customers', customer, random.chance(0.2) ? null : row, at);
  }
}

/** Appended before anything is folded: `truncate` then forgets the head of one partition. */
function start(seed: number, truncate: boolean) {
  return startHarness({
    definitions: DEFINITIONS,
    partitions: PARTITIONS,
    nowMs: NOW_MS,
    async beforeMaterialize(log) {
      const random = createRandom(seed);
      await appendCustomers(log, random);
      await appendPayments(log, random);
      if (truncate) await log.truncate('payments', 1, 40);
    },
  });
}

test.each([
  ['whole', 1, false],
  ['that lacks the head of a partition', 2, true],
] as const)(
  'over a log %s, a training set holds what the app answers',
  async (_what, seed, truncate) => {
    const { vectors, definitions, log, materializer } = await start(seed, truncate);
    const random = createRandom(seed + 1_000);
    const labels = Array.from({ length: 150 }, () => ({
      timestamp: NOW_MS - random.integer(0, 26) * 3_600_000 - (random.chance(0.5) ? random.integer(0, 3_599_999) : 0),
      customer: random.pick([...CUSTOMERS, 'nobody']),
      merchant: random.pick(MERCHANTS),
      basket: random.integer(0, 900) / 8,
    }));
    const served: { values: unknown[]; status: string[] }[] = [];
    for (const { timestamp, ...entity } of labels) {
      const answer = await vectors('scoring', { entities: [entity], as_of: timestamp, include: ['status'] });
      served.push(answer.json.vectors[0]);
    }
    const service = serviceOf(definitions);
    const readers = new Map(
      [...definitions.sources.keys()].map((name) => [name, createLogReader(log, name, 'sqlite:test')]),
    );
    const { rows, manifest } = await trainFor({
      service,
      readers,
      labels,
      bounds: { chunkEvents: 100, partEvents: 300 },
    });
    const names = service.features.map(({ name }) => name);
    for (const [index, row] of rows.entries()) {
      const values = names.map((name) => jsonOf(row[name] ?? null));
      const status = names.map((name) => String(row[`${name}__status`]));
      expect([index, labels[index], values, status]).toEqual([
        index,
        labels[index],
        served[index]?.values,
        served[index]?.status,
      ]);
    }
    // That all of it was there: else the test shows less than it says.
    const statuses = new Set(served.flatMap(({ status }) => status));
    expect(statuses).toContain(truncate ? 'INCOMPLETE' : 'NOT_FOUND');
    expect(statuses).not.toContain('OUT_OF_HISTORY');
    expect(manifest.events.duplicates).toBeGreaterThan(0);
    if (!truncate) expect(manifest.events.erased).toBeGreaterThan(0);
    const lanes = materializer.status().sources.flatMap(({ views }) => views.flatMap(({ partitions }) => partitions));
    expect(lanes.every(({ state }) => state === 'live')).toBe(true);
    const [payments] = manifest.sources;
    expect(payments?.views.map(({ rejected }) => Object.keys(rejected).toSorted())).toEqual([
      ['misplaced', 'too_far_ahead', 'wrong_type'],
      ['too_far_ahead', 'wrong_type'],
    ]);
  },
  60_000,
);
