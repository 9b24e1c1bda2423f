/** A scrape in which every metric has something to say, and what is said in it. */
import { setTimeout as delay } from 'node:timers/promises';
import { createTier } from '../../../src/cache/tier.ts';
import { createCircuits } from '../../../src/serve/circuits.ts';
import { createServedLog } from '../../../src/serve/served-log.ts';
import { createStateDecoder } from '../../../src/serve/state-decoder.ts';
import type { AuditReport } from '../../../src/vector/audit-report.ts';
import { NEWEST_MS, replacingReads, ROW, startAirport } from '../vectors/fixture.ts';

/** Of a published audit. */
const AUDIT: AuditReport = {
  format: 1,
  audited_at: '2013-01-31T17:00:00.000Z',
  kind: 'new',
  service: 'departure_delay',
  version: 1,
  fingerprint: 'f',
  served_from: '2013-01-31T16:00:00.000Z',
  served_until: '2013-01-31T16:59:00.000Z',
  positions: {},
  rows: 3,
  skipped: {},
  compared: 3,
  mismatched: 0,
  features: [
    {
      feature: 'departures_1h',
      compared: 3,
      mismatched: 0,
      skipped: {},
      differing: 1,
      missing: 0,
      extra: 0,
      mean_difference: 1.5,
      largest_difference: 2,
    },
  ],
  examples: [],
};

const URL = '/v1/sources/departures/events';
const LIMIT_MS = 30_000;

/** Of a process that serves, logs what it serves, caches, folds, rejects and fails. */
export async function scrapeEverything(): Promise<string> {
  const log = { ensureTopic: () => Promise.resolve(), append: () => Promise.resolve([]) };
  const audits = [{ offset: 0, report: AUDIT }];
  const { get, post, vectors, append } = await startAirport({
    wrapStore: replacingReads((source, read) => (source === 'weather' ? Promise.reject(new Error('away')) : read())),
    circuits: createCircuits(),
    dependencies: {
      servedLog: createServedLog({ log, topic: 'test.served', share: 1, onWarning: () => undefined }),
      auditReports: { read: () => Promise.resolve(audits), known: () => audits },
    },
    tierOf: (store, definitions, clock) =>
      createTier({ store, decode: createStateDecoder(definitions), clock, stalenessMs: 1_000 }),
  });
  await vectors('departure_delay', { entities: [ROW, {}], as_of: NEWEST_MS });
  await post(URL, { events: [{ origin: 'JFK', departed_at: '2013-01-31T17:00:00Z', delay: 3 }, {}] });
  await append('departures', [{ origin: 'JFK', departed_at: 'never' }]);
  await get('/nothing');
  await get('/readyz');
  // Delays of the event loop are told of whole seconds.
  for (const startedMs = performance.now(); performance.now() - startedMs < LIMIT_MS; await delay(100)) {
    const { text } = await get('/metrics');
    if (text.includes('skewless_event_loop_delay_seconds_count')) return text;
  }
  throw new Error('no delay of the event loop was told');
}

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** Name → type, as the headings say. */
export function typesIn(text: string): ReadonlyMap<string, MetricType> {
  return new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type]) => [name, type as MetricType]));
}

/** Name → labels, over all its samples; without `le`, which is a histogram's own. */
export function labelsByMetric(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const types = typesIn(text);
  const found = new Map([...types.keys()].map((name) => [name, new Set<string>()]));
  for (const [, sample = '', labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const name = types.has(sample) ? sample : sample.replace(/_(bucket|count|sum)$/, '');
    for (const [, label = ''] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) {
      if (label !== 'le') found.get(name)?.add(label);
    }
  }
  return found;
}
