/**
 * What the fault tests feed: seeded payments with duplicates, disorder, poison and some that a view has no use for, and the
 * definitions that read them. A poisoned record says in a header why it must be rejected.
 */
import { randomUUID } from 'node:crypto';
import type { Message } from 'kafkajs';
import { type Random, randomFrom } from '../contract/random.ts';

export const SERVICE = 'spend';
export const CARDS = Array.from({ length: 60 }, (_, index) => `card-${index}`);
const MERCHANTS = Array.from({ length: 20 }, (_, index) => `m${index}`);
/** Requests' rows: payments are keyed by card, so what is known of merchants comes through an internal topic. */
export const ROWS = CARDS.map((card, index) => ({ card, merchant: MERCHANTS[index % MERCHANTS.length] ?? '' }));
/** Entity key → all entities that there can be. */
export const ENTITIES: Readonly<Record<string, readonly string[]>> = { card: CARDS, merchant: MERCHANTS };
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
    fields: { id: string, card: string, at: timestamp, amount: double, merchant: "string?" }
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
  - name: card_pace
    entity: card
    source: payments
    where: "amount > 2000"
    history: 1m
    head_max: 8
    features:
      - { name: pace, agg: count, windows: [1h] }
      - { name: pace_sum, agg: sum, of: amount, windows: [1h] }
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
    features: [card_spend.*, card_life.*, card_pace.*, merchant_takings.*${extra === '' ? '' : ', card_more.*'}]
`;
}

export const MORE_VIEW = `  - name: card_more
    entity: card
    source: payments
    history: 3d
    features:
      - { name: spread, agg: stddev, of: amount, windows: [24h] }
`;

/** Of `definitionsOf` without more. */
export const VIEWS = ['card_spend', 'card_life', 'card_pace', 'merchant_takings'] as const;
type View = (typeof VIEWS)[number];

/** Header of records that a view cannot take: the code of the rejection. */
export const POISON = 'poison';

/** Code → views that must reject such a record. The others have no use for the field that is wrong. */
export const REJECTED_BY: Readonly<Record<string, readonly View[]>> = {
  malformed_json: VIEWS,
  wrong_type: ['card_spend', 'card_pace', 'merchant_takings'],
  too_far_ahead: VIEWS,
  record_too_large: VIEWS,
};

/** Event times are within a day before `nowMs`, in disorder. */
export function createPayments(seed: number, nowMs: number): (count: number) => readonly Message[] {
  const { share, pick } = drawsFrom(randomFrom(seed));
  const run = randomUUID().slice(0, 8);
  let made = 0;
  const recent: string[] = [];
  return (count) => {
    const messages: Message[] = [];
    for (let index = 0; index < count; index++) {
      const card = CARDS[Math.floor(share() ** 2 * CARDS.length)] ?? 'card-0';
      const draw = share();
      if (draw < 0.02) {
        messages.push(poisonOf(share(), card, nowMs));
        continue;
      }
      const repeated = draw < 0.06 && recent.length > 0 ? pick(recent) : undefined;
      if (repeated !== undefined) {
        messages.push(JSON.parse(repeated) as Message);
        continue;
      }
      const at = Math.floor(nowMs - (share() < 0.1 ? 24 : 1) * HOUR_MS * share());
      const amount = Math.round(share() * 1e6) / 97;
      const merchant = share() < 0.02 ? null : pick(MERCHANTS);
      const message = { key: card, value: JSON.stringify({ id: `${run}-${made++}`, card, at, amount, merchant }) };
      messages.push(message);
      recent.push(JSON.stringify(message));
      // An event id is remembered while its event is in the head.
      if (recent.length > 20) recent.shift();
    }
    return messages;
  };
}

/** Shares are from 0 to 1. */
function drawsFrom(random: Random): { share(): number; pick<T>(from: readonly T[]): T } {
  return { share: () => random.int(2 ** 32) / 2 ** 32, pick: (from) => random.pick(from) };
}

function poisonOf(draw: number, card: string, nowMs: number): Message {
  const sound = { id: 'x', card, at: nowMs, amount: 1, merchant: 'm' };
  const poison = (code: string, value: string): Message => ({ key: card, value, headers: { [POISON]: code } });
  if (draw < 0.4) return poison('malformed_json', '{"id":');
  if (draw < 0.7) return poison('wrong_type', JSON.stringify({ ...sound, id: `w-${randomUUID()}`, amount: 'a lot' }));
  if (draw < 0.9) return poison('too_far_ahead', JSON.stringify({ ...sound, at: nowMs + 30 * 24 * HOUR_MS }));
  return poison('record_too_large', JSON.stringify({ ...sound, padding: 'p'.repeat(1_048_500) }));
}
