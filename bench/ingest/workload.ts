/**
 * What `bench:ingest` feeds: payments of 10,000 cards at 10,000 shops, both by Zipf's law with exponent 1, keyed by card.
 * The same 13 aggregations are kept for each card, whose records lie together, and for each shop, whose records do not.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ENTITIES = 10_000;
export const PARTITIONS = 4;
export const AGGREGATIONS_KEPT = 13;
/** Longer than the longest window, so that states have all that they ever hold. */
export const SPAN_MS = 8 * 24 * 3_600_000;
const MERCHANTS = 500;

/** `card`: the record's key. `shop`: its source is repartitioned. */
export type EntityKey = 'card' | 'shop';

export interface Payment {
  readonly at: number;
  readonly card: string;
  readonly shop: string;
  readonly amount: number;
  readonly merchant: string;
  /** Counts the events of the steady stream; 0 elsewhere. */
  readonly sequence: number;
}

/** A folder with the definitions of one view, `spend`, and a service of the same name that reads it. */
export function writeDefinitions(topic: string, entityKey: EntityKey): string {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-bench-'));
  writeFileSync(join(folder, 'bench.yaml'), definitionsOf(topic, entityKey, ''));
  return folder;
}

/** As `writeDefinitions`, with a second view, `newest`, that says which event of a card came last. */
export function writeServedDefinitions(topic: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-bench-'));
  const newest = `
  - name: newest
    entity: card
    source: payments
    features: [{ name: sequence, agg: max, of: sequence }]
services: [{ name: newest, features: [newest.sequence] }]`;
  writeFileSync(join(folder, 'bench.yaml'), definitionsOf(topic, 'card', newest));
  return folder;
}

function definitionsOf(topic: string, entityKey: EntityKey, more: string): string {
  return `
sources:
  - name: payments
    topic: ${topic}
    key: [card]
    event_time: at
    max_disorder: 1m
    fields: { at: timestamp, card: string, shop: string, amount: double, merchant: string, sequence: int }
entities: [{ name: ${entityKey}, keys: { ${entityKey}: string } }]
views:
  - name: spend
    entity: ${entityKey}
    source: payments
    features:
      - { name: payments, agg: count, windows: [1h, 24h, 7d] }
      - { name: spent, agg: sum, of: amount, windows: [1h, 24h, 7d] }
      - { name: largest, agg: max, of: amount, windows: [1h, 24h, 7d] }
      - { name: typical, agg: mean, of: amount, windows: [1h, 24h, 7d] }
      - { name: merchants, agg: count_distinct, of: merchant, windows: [24h] }
${more}`;
}

/** Payments without end, the same ones each time; `at` and `sequence` are the caller's. */
export function createPayments(): (at: number, sequence: number) => Payment {
  const random = createRandom(1);
  const rank = createZipf(random);
  return (at, sequence) => ({
    at,
    card: `card-${rank()}`,
    shop: `shop-${rank()}`,
    amount: Math.floor(random() * 10_000) / 100,
    merchant: `m${Math.floor(random() * MERCHANTS)}`,
    sequence,
  });
}

/** Uniform in [0, 1): Mulberry32 (Tommy Ettinger, 2017). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The rank of a uniform draw in the harmonic sums. */
function createZipf(random: () => number): () => number {
  const sums = new Float64Array(ENTITIES);
  for (let rank = 0, sum = 0; rank < ENTITIES; rank++) sums[rank] = sum += 1 / (rank + 1);
  const total = sums[ENTITIES - 1] as number;
  return () => {
    const wanted = random() * total;
    let low = 0;
    for (let high = ENTITIES - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
