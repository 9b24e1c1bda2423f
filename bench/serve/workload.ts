/**
 * What `bench:serve` reads: the payments of `bench:ingest`, kept as 50 features of a card. Three services read them: `spend`
 * (the 50 alone), `spend_compared` (and one derived from a request input), `fraud` (and what depends on time alone).
 */

export const FEATURES = 50;
export const NAMESPACE = 'served';
export const TOPIC = 'payments';

export const SERVICES = ['spend', 'spend_compared', 'fraud'] as const;
export type ServiceName = (typeof SERVICES)[number];

const WINDOWS = '[1h, 6h, 24h, 7d]';
export const DEFINITIONS = `
sources:
  - name: payments
    topic: ${TOPIC}
    key: [card]
    event_time: at
    max_disorder: 1m
    fields: { at: timestamp, card: string, amount: double, merchant: string }
entities: [{ name: card, keys: { card: string } }]
views:
  - name: spend
    entity: card
    source: payments
    features:
      - { name: payments, agg: count, windows: WINDOWS }
      - { name: spent, agg: sum, of: amount, windows: WINDOWS }
      - { name: typical, agg: mean, of: amount, windows: WINDOWS }
      - { name: spread, agg: stddev, of: amount, windows: WINDOWS }
      - { name: largest, agg: max, of: amount, windows: WINDOWS }
      - { name: smallest, agg: min, of: amount, windows: WINDOWS }
      - { name: newest, agg: last, of: amount, windows: WINDOWS }
      - { name: oldest, agg: first, of: amount, windows: WINDOWS }
      - { name: large, agg: count, where: "amount > 50", windows: WINDOWS }
      - { name: large_spent, agg: sum, of: amount, where: "amount > 50", windows: WINDOWS }
      - { name: large_typical, agg: mean, of: amount, where: "amount > 50", windows: WINDOWS }
      - { name: small, agg: count, where: "amount < 5", windows: WINDOWS }
      - { name: merchants, agg: count_distinct, of: merchant, windows: [24h] }
      - { name: payments_ever, agg: count }
  - name: recency
    entity: card
    source: payments
    features: [{ name: since_last, agg: time_since_last }]
services:
  - { name: spend, features: [spend.*] }
  - name: spend_compared
    inputs: { amount: double }
    features: [spend.*]
    derived: [{ name: amount_over_typical, expr: "amount / typical_24h" }]
  - name: fraud
    inputs: { amount: double }
    features: [spend.*, recency.since_last]
    derived: [{ name: amount_over_typical, expr: "amount / typical_24h" }]
`.replaceAll('WINDOWS', WINDOWS);
