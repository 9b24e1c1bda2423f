/** What the fault tests feed: seeded payments with duplicates, disorder and poison, and the definitions that read them. */
import { randomUUID } from 'node:crypto';
import type { Message } from 'kafkajs';
import { type Random, randomFrom } from '../contract/random.ts';

export const SERVICE = 'spend';
export const CARDS = Array.from({ length: 60 }, (_, index) => `card-${index}`);
const MERCHANTS = Array.from({ length: 20 }, (_, index) => `m${index}`);
/** Requests' rows: payments are keyed by card, so what is known of merchants comes through an internal topic. */
export const ROWS = CARDS.map((card, index) => ({ card, merchant: MERCHANTS[index % MERCHANTS.length] ?? '' }));
const HOUR_MS = 3_600_000;

/** `extra`: features of a second version of the definitions; what is not in it stays as it was. */
export function definitionsOf(topic: string, extra = ''): string {
  return `
sources:
  - name: payments
    topic: ${topic}
    format: json
    key: [card]
    event_time: at
    event_id: id
    max_disorder: 1h
    fields: { id: string, card: string, at: timestamp, amount: double, merchant: string }
entities:
  - { name: card, keys: { card: string } }
  - { name: merchant, keys: { merchant: string } }
views:
  - name: card_spend
    entity: card
    source: payments
    history: 3d
    features:
      - { name: payments, agg: count, windows: [1h, 24h] }
      - { name: spent, agg: sum, of: amount, windows: [1h, 24h] }
      - { name: spent_mean, agg: mean, of: amount, windows: [24h] }
      - { name: largest, agg: max, of: amount, windows: [24h] }
      - { name: merchants, agg: count_distinct, of: merchant, windows: [24h] }
      - { name: favourites, agg: top_k, k: 3, of: merchant, windows: [24h] }
      - { name: typical, agg: quantile, q: 0.5, of: amount, windows: [24h] }
      - { name: recent, agg: last_n, n: 5, of: { id: id, amount: amount } }
  - name: card_life
    entity: card
    source: payments
    history: 3d
    features:
      - { name: ever, agg: count }
  - name: merchant_takings
    entity: merchant
    source: payments
    history: 3d
    features:
      - { name: sales, agg: count, windows: [1h, 24h] }
      - { name: takings, agg: sum, of: amount, windows: [24h] }
      - { name: customers, agg: count_distinct, of: card, windows: [24h] }
      - { name: newest, agg: last_n, n: 3, of: { id: id, card: card } }
${extra}
services:
  - name: ${SERVICE}
    features: [card_spend.*, card_life.*, merchant_takings.*${extra === '' ? '' : ', card_more.*'}]
`;
}

export const MORE_VIEW = `  - name: card_more
    entity: card
    source: payments
    history: 3d
    features:
      - { name: spread, agg: stddev, of: amount, windows: [24h] }
`;

export interface Produced {
  readonly messages: readonly Message[];
  readonly duplicates: number;
}

/** Header of records that a view cannot take. */
export const POISON = 'poison';

/** Event times are within a day before `nowMs`, in disorder. */
export function createPayments(seed: number, nowMs: number): (count: number) => Produced {
  const { share, pick } = drawsFrom(randomFrom(seed));
  const run = randomUUID().slice(0, 8);
  let made = 0;
  const recent: string[] = [];
  return (count) => {
    const messages: Message[] = [];
    let duplicates = 0;
    for (let index = 0; index < count; index++) {
      const card = CARDS[Math.floor(share() ** 2 * CARDS.length)] ?? 'card-0';
      const draw = share();
      if (draw < 0.02) {
        messages.push({ key: card, value: poisonOf(share(), card, nowMs), headers: { [POISON]: '1' } });
        continue;
      }
      const repeated = draw < 0.06 && recent.length > 0 ? pick(recent) : undefined;
      if (repeated !== undefined) {
        duplicates++;
        messages.push(JSON.parse(repeated) as Message);
        continue;
      }
      const at = Math.floor(nowMs - (share() < 0.1 ? 24 : 1) * HOUR_MS * share());
      const amount = Math.round(share() * 1e6) / 97;
      const merchant = pick(MERCHANTS);
      const message = { key: card, value: JSON.stringify({ id: `${run}-${made++}`, card, at, amount, merchant }) };
      messages.push(message);
      recent.push(JSON.stringify(message));
      // An event id is remembered while its event is in the head.
      if (recent.length > 20) recent.shift();
    }
    return { messages, duplicates };
  };
}

/** Shares are from 0 to 1. */
function drawsFrom(random: Random): { share(): number; pick<T>(from: readonly T[]): T } {
  return { share: () => random.int(2 ** 32) / 2 ** 32, pick: (from) => random.pick(from) };
}

function poisonOf(draw: number, card: string, nowMs: number): string {
  if (draw < 0.4) return '{"id":';
  if (draw < 0.7) return JSON.stringify({ id: 'x', card, at: nowMs, amount: 'a lot', merchant: 'm' });
  if (draw < 0.9) return JSON.stringify({ id: 'x', card, at: nowMs + 30 * 24 * HOUR_MS, amount: 1, merchant: 'm' });
  return JSON.stringify({ id: 'x', card, at: nowMs, amount: 1, merchant: 'm', padding: 'p'.repeat(1_048_500) });
}
