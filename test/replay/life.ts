/**
 * A log with a bit of everything: keyed and repartitioned views, a table with deletions, duplicates, late, misplaced and
 * rejected records, an erased entity, and where wanted a partition that lacks its head.
 */
import { erasureRecord } from '../../src/event/erasure.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import type { SqliteLog } from '../../src/log/sqlite.ts';
import { type Random, createRandom } from '../oracle/random.ts';
import { type HarnessOptions, startHarness } from '../serve/harness.ts';

export const LIFE_DEFINITIONS = `
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
export const LIFE_NOW_MS = Date.UTC(2024, 4, 20);
const DAY_MS = 86_400_000;
export const CUSTOMERS = Array.from({ length: 12 }, (_none, index) => `c${index}`);
export const MERCHANTS = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'];

export async function appendOne(
  log: SqliteLog,
  topic: string,
  customer: string,
  json: object | null,
  appendedMs: number,
  misplaced = false,
  partitions = PARTITIONS,
) {
  const key = Buffer.from(customer);
  const right = partitionOf(key, partitions, 'murmur2') ?? 0;
  const partition = misplaced ? (right + 1) % partitions : right;
  const value = json === null ? null : Buffer.from(JSON.stringify(json));
  await log.append(topic, [{ key, value, timestampMs: appendedMs, partition }]);
}

/** Makes one payment after the other; answers when the last of them was appended, ms. */
export function createPayments(log: SqliteLog, random: Random, partitions = PARTITIONS) {
  let appendedMs = LIFE_NOW_MS - 2 * DAY_MS;
  let paid = 0;
  return async (count: number): Promise<number> => {
    const end = paid + count;
    for (; paid < end; paid++) {
      appendedMs += random.integer(0, 480_000);
      const lateMs = random.chance(0.2) ? random.integer(0, DAY_MS) : random.integer(-60_000, 60_000);
      const at = random.chance(0.02) ? appendedMs + 400_000 : appendedMs - lateMs;
      const customer = random.pick(CUSTOMERS);
      const payment = {
        id: random.chance(0.1) ? `i${random.integer(0, paid)}` : `i${paid}`,
        customer,
        merchant: random.chance(0.05) ? null : random.pick(MERCHANTS),
        at: random.chance(0.3) ? Math.floor(at / 3_600_000) * 3_600_000 : at,
        amount: random.chance(0.03) ? 'much' : random.integer(0, 4_000) / 7,
      };
      await appendOne(log, 'payments', customer, payment, appendedMs, paid % 200 === 7, partitions);
    }
    return appendedMs;
  };
}

export async function eraseCustomer(log: SqliteLog, customer: string, timestampMs: number): Promise<void> {
  for (const topic of ['payments', 'customers']) {
    const ranges = (await log.ranges(topic)) ?? [];
    const ends = Object.fromEntries(ranges.map(({ partition, endOffset }) => [partition, endOffset]));
    const record = erasureRecord({ id: `e${timestampMs}`, entities: { customer: JSON.stringify([customer]) }, ends });
    await log.append(
      topic,
      ranges.map(({ partition }) => ({ ...record, partition, timestampMs })),
    );
  }
}

export function createCustomers(log: SqliteLog, random: Random, partitions = PARTITIONS) {
  let changed = 0;
  return async (count: number): Promise<void> => {
    const end = changed + count;
    for (; changed < end; changed++) {
      const customer = random.pick(CUSTOMERS);
      const at = LIFE_NOW_MS - 2 * DAY_MS + changed * 2_800_000;
      const row = { at, customer, tier: random.pick(['gold', 'plain', null]) };
      await appendOne(log, 'customers', customer, random.chance(0.2) ? null : row, at, false, partitions);
    }
  };
}

/** Appended before anything is folded: `truncate` then forgets the head of one partition. */
export function startLife(seed: number, truncate: boolean, options: Partial<HarnessOptions> = {}) {
  return startHarness({
    definitions: LIFE_DEFINITIONS,
    partitions: PARTITIONS,
    nowMs: LIFE_NOW_MS,
    async beforeMaterialize(log) {
      const random = createRandom(seed);
      await createCustomers(log, random)(60);
      const pay = createPayments(log, random);
      await eraseCustomer(log, 'c3', await pay(401));
      await pay(299);
      if (truncate) await log.truncate('payments', 1, 40);
    },
    ...options,
  });
}

/** A row to ask for, and when. */
export function randomAsk(random: Random) {
  return {
    timestamp:
      LIFE_NOW_MS - random.integer(0, 26) * 3_600_000 - (random.chance(0.5) ? random.integer(0, 3_599_999) : 0),
    customer: random.pick([...CUSTOMERS, 'nobody']),
    merchant: random.pick(MERCHANTS),
    basket: random.integer(0, 900) / 8,
  };
}
