/** The airport as Feast's SDK sees it: a list of structs, an int64 key and feature, and a view behind no service that most keys read. */
import type { HarnessOptions } from '../harness.ts';
import { EVENTS, NEWEST_MS, SERVICES, SOURCES, VIEWS } from '../vectors/fixture.ts';

export const DEFINITIONS = `${SOURCES.replace(
  'entities:',
  `  - name: payments
    topic: payments
    format: json
    key: [account]
    event_time: paid_at
    clock: watermark
    max_ahead: 100d
    fields: { account: int64, paid_at: timestamp, amount: double, reference: "int64?", due: "timestamp?" }
  - name: clicks
    topic: clicks
    format: json
    key: [origin]
    event_time: clicked_at
    fields: { origin: string, clicked_at: timestamp }
entities:
  - { name: account, keys: { account: int64 } }
  - { name: numbered, keys: { origin: int64 } }`,
)}${VIEWS.replace(
  '      - { name: since,',
  `      - { name: recent, agg: last_n, n: 2, of: { carrier: carrier, delay: delay }, windows: [24h] }
      - { name: since,`,
)}
  - name: secrets
    entity: airport
    source: departures
    features: [{ name: amount, agg: sum, of: delay, windows: [24h] }]
  - name: paid
    entity: account
    source: payments
    features:
      - { name: total, agg: sum, of: amount }
      - { name: reference, agg: last, of: reference }
  - name: clicked
    entity: airport
    source: clicks
    features: [{ name: clicks, agg: count }]
  - name: counted
    entity: airport
    source: departures
    features: [{ name: seen, agg: count, windows: [1h] }]
  - name: counted
    version: 2
    entity: airport
    source: departures
    features:
      - { name: seen, agg: count, windows: [1h], where: "delay > 0" }
      - { name: carriers, agg: last_n, n: 2, of: carrier, windows: [1h, 24h] }
  - name: misnumbered
    entity: numbered
    keys: { origin: account }
    source: payments
    features: [{ name: payments, agg: count }]
${SERVICES}
  - { name: mixed, as_of: required, features: [delays.*, clicked.*] }
  - { name: secret_service, features: [secrets.*] }
`;

export const BIG = '9007199254740993';

export const FEAST_EVENTS: NonNullable<HarnessOptions['events']> = {
  ...EVENTS,
  departures: EVENTS.departures.map((event) => (event.delay === 10 ? { ...event, carrier: 'B6' } : event)),
  payments: [
    { account: BIG, paid_at: NEWEST_MS, amount: 2.5, reference: BIG },
    { account: '7', paid_at: NEWEST_MS + 1, amount: 1 },
  ],
};

/** Module, class and message of an exception, as the SDK reads them. */
export function exceptionOf(text: string): unknown {
  return JSON.parse(JSON.parse(text) as string);
}
