/** A small airport for the tests of vectors: two sources that go by their watermarks, and a service over both. */
import type { StoredState } from '../../../src/state/state.ts';
import type { Store } from '../../../src/store/store.ts';
import { type Harness, type HarnessOptions, startHarness } from '../harness.ts';

export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
/** The newest departure of the fixture, and so the watermark of departures. */
export const NEWEST_MS = Date.UTC(2013, 0, 31, 17);

export const SOURCES = `
sources:
  - name: departures
    topic: departures
    format: json
    key: [origin]
    event_time: departed_at
    clock: watermark
    fields: { origin: string, departed_at: timestamp, delay: "double?", carrier: "string?" }
  - name: weather
    topic: weather
    format: json
    key: [origin]
    event_time: observed_at
    clock: watermark
    fields: { origin: string, observed_at: timestamp, wind: "double?" }
entities:
  - { name: airport, keys: { origin: string } }
`;

export const VIEWS = `
views:
  - name: delays
    entity: airport
    source: departures
    features:
      - { name: departures, agg: count, windows: [1h, 24h] }
      - { name: delay_mean, agg: mean, of: delay, windows: [1h, 24h] }
      - { name: since, agg: time_since_last, windows: [24h] }
  - name: winds
    entity: airport
    source: weather
    features:
      - { name: wind, agg: last, of: wind, windows: [24h], default: 0 }
`;

export const SERVICES = `
services:
  - name: departure_delay
    inputs: { scheduled_hour: int }
    features: [delays.*, winds.*]
    derived:
      - { name: delay_ratio, expr: "delay_mean_1h / delay_mean_24h" }
      - { name: rough, expr: "wind_24h > 30" }
`;

export const DEFINITIONS = `${SOURCES}${VIEWS}${SERVICES}`;

/** A service whose key fails where `a` is too large for its exponential. */
export const FAILING_KEY = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, clock: watermark, fields: { k: int, ts: timestamp } }
entities: [{ name: one, keys: { k: int } }]
views:
  - { name: v, entity: one, source: s, features: [{ name: n, agg: count }] }
services:
  - { name: svc, inputs: { a: int }, features: [{ view: v, keys: { k: "CAST(exp(a) AS int)" } }] }
`;

export const EVENTS = {
  departures: [
    { origin: 'JFK', departed_at: NEWEST_MS - 2 * HOUR_MS, delay: 30 },
    { origin: 'JFK', departed_at: NEWEST_MS - 10 * MINUTE_MS, delay: 10 },
    { origin: 'LGA', departed_at: NEWEST_MS - 3 * HOUR_MS, delay: null },
    { origin: 'EWR', departed_at: NEWEST_MS, delay: 5 },
  ],
  weather: [{ origin: 'JFK', observed_at: NEWEST_MS, wind: 12.5 }],
};

export const ROW = { origin: 'JFK', scheduled_hour: 17 };

export function startAirport(options: Partial<HarnessOptions> = {}): Promise<Harness> {
  return startHarness({ definitions: DEFINITIONS, events: EVENTS, ...options });
}

/** A store whose reads of some sources are replaced. */
export function replacingReads(
  replace: (source: string, read: () => ReturnType<Store['read']>) => ReturnType<Store['read']>,
): (store: Store) => Store {
  return (store) => ({
    ...store,
    read: (shard, sections) => replace(shard.source, () => store.read(shard, sections)),
  });
}

/** The same bytes with one bit of the head's last byte turned. */
export function corrupted(state: StoredState): StoredState {
  const head = state.head.slice();
  head[head.length - 1] = (head.at(-1) ?? 0) ^ 1;
  return { ...state, head };
}
