import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Tier, createTier } from '../../../src/cache/tier.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { SkewlessError } from '../../../src/core/errors.ts';
import { STATUSES } from '../../../src/core/status.ts';
import type { Definitions } from '../../../src/definition/definition.ts';
import { CIRCUIT_BOUNDS, createCircuits } from '../../../src/serve/circuits.ts';
import { createStateDecoder } from '../../../src/serve/state-decoder.ts';
import type { Store } from '../../../src/store/store.ts';
import { HOUR_MS, NEWEST_MS, replacingReads, ROW, startAirport } from '../vectors/fixture.ts';
import { labelsByMetric, scrapeEverything } from './scrape.ts';

/** Name → samples, without their values. */
function samplesOf(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    [...Map.groupBy(lines, (line) => /^[a-z0-9_]+/.exec(line)?.[0] ?? '')].map(([name, some]) => [name, some]),
  );
}

test('what happened to records, requests and shards is told', async () => {
  const { get, vectors } = await startAirport();
  await vectors('delays', { entities: [ROW] });
  const { status, headers, text } = await get('/metrics');
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const samples = samplesOf(text);
  expect(samples.get('skewless_shard_lag_records')?.every((line) => line.endsWith(' 0'))).toBe(true);
  expect(samples.get('skewless_shard_ready')?.length).toBeGreaterThan(0);
  expect(samples.get('skewless_records_total')?.some((line) => /outcome="folded".* [1-9]/.test(line))).toBe(true);
  expect(samples.get('skewless_lane_state')?.every((line) => line.includes('state="live"'))).toBe(true);
});

test('a request is counted under its method, route and status', async () => {
  const { get } = await startAirport();
  await get('/v1/feature-views');
  await get('/v1/feature-views/nothing');
  const { text } = await get('/metrics');
  const counted = (route: string, status: number, more = ''): string =>
    `http_server_request_duration_seconds_count{http_request_method="GET",${route}http_response_status_code="${status}",url_scheme="http"${more}} 1`;
  expect(text).toContain(counted('http_route="/v1/feature-views",', 200));
  expect(text).toContain(counted('http_route="/v1/feature-views/{view}",', 404));
  expect(text).toMatch(/http_server_request_duration_seconds_bucket\{[^}]*le="0.0001"\}/);
});

test('a store that hangs does not hang the metrics: what it would have said is left out', async () => {
  const { get } = await startAirport({ wrapStore: replacingReads(() => new Promise(() => undefined)) });
  const { status, text } = await get('/metrics');
  expect(status).toBe(200);
  expect(text).toContain('skewless_records_total');
  expect(text).not.toContain('skewless_shard_position{');
});

test('a log that hangs costs shards their lag and nothing else', async () => {
  const { get, log } = await startAirport();
  await get('/readyz');
  log.ranges = () => new Promise(() => undefined);
  const samples = samplesOf((await get('/metrics')).text);
  expect(samples.get('skewless_shard_position')).toHaveLength(2);
  expect(samples.get('skewless_shard_ready')?.every((line) => line.endsWith(' 1'))).toBe(true);
  expect(samples.has('skewless_shard_lag_records')).toBe(false);
  expect(samples.get('skewless_source_watermark_age_seconds')).toHaveLength(2);
});

test('a source that the store does not tell of in time costs the others none of their metrics', async () => {
  const hanging = replacingReads((source, read) => (source === 'weather' ? new Promise(() => undefined) : read()));
  const { get } = await startAirport({ wrapStore: hanging });
  const samples = samplesOf((await get('/metrics')).text);
  expect(samples.get('skewless_shard_position')).toEqual([expect.stringContaining('source="departures"')]);
});

test('what is at no path is counted without its path, and of any method', async () => {
  const { get, call } = await startAirport();
  await get('/v1/entities/who-am-i');
  await call({ method: 'PROPFIND', url: '/who-am-i' });
  const { text } = await get('/metrics');
  const of = (method: string): string =>
    `http_server_request_duration_seconds_count{http_request_method="${method}",http_response_status_code="404",url_scheme="http"} 1`;
  expect(text).toContain(of('GET'));
  expect(text).toContain(of('_OTHER'));
  expect(text).not.toContain('who-am-i');
});

test('values are counted by status, rows by how many came at once', async () => {
  const { get, vectors } = await startAirport();
  const { json } = await vectors('departure_delay', {
    entities: [ROW, { origin: 'LGA', scheduled_hour: 1 }, {}],
    include: ['status'],
  });
  const statuses = (json.vectors as { status?: string[] }[]).flatMap(({ status }) => status ?? []);
  const { text } = await get('/metrics');
  for (const status of STATUSES) {
    const count = statuses.filter((each) => each === status).length;
    expect(text).toContain(`skewless_values_total{service="departure_delay@1",status="${status}"} ${count}\n`);
  }
  expect(new Set(statuses).size).toBeGreaterThan(1);
  expect(text).toContain('skewless_request_rows_sum{service="departure_delay@1"} 3\n');
  expect(text).toContain('skewless_request_rows_bucket{service="departure_delay@1",le="2"} 0\n');
  expect(text).toContain('skewless_rows_refused_total{service="departure_delay@1"} 1\n');
});

test('statuses are counted alike, by service and by feature, whatever is asked for and however it is written, also of what is cached', async () => {
  const { get, vectors } = await startAirport({
    wrapStore: replacingReads((source, read) => (source === 'weather' ? Promise.reject(new Error('away')) : read())),
    tierOf,
  });
  const rows = [ROW, { origin: 'LGA', scheduled_hour: 1 }, {}, { origin: 'nobody', scheduled_hour: 2 }, ROW];
  const features = [undefined, ['delay_mean_1h'], ['delay_ratio', 'departures_1h', 'rough'], ['wind_24h', 'since_24h']];
  const served: Served[] = [];
  for (let time = 0; time < 2; time++) {
    for (const asked of features) {
      for (const layout of ['rows', 'columns']) {
        const request = { entities: rows, as_of: NEWEST_MS, features: asked, layout };
        const { json } = await vectors('departure_delay', { ...request, include: ['status'] });
        // What is counted does not depend on whether statuses are written.
        await vectors('departure_delay', request);
        served.push(...servedIn(json), ...servedIn(json));
      }
    }
    // Counts that were read once go on.
    const { text } = await get('/metrics');
    expect(countedIn(text, 'skewless_values_total')).toEqual(countsOf(served, ({ status }) => status, STATUSES));
    const always = [...new Set(served.map(({ feature }) => `${feature} PRESENT`))];
    expect(countedIn(text, 'skewless_feature_values_total')).toEqual(
      countsOf(served, ({ feature, status }) => `${feature} ${status}`, always),
    );
  }
  for (const status of ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'UNAVAILABLE'])
    expect(served.some((each) => each.status === status)).toBe(true);
});

interface Served {
  readonly feature: string;
  readonly status: string;
}

/** By what `keyOf` says; `always` is told of though it may be 0. */
function countsOf(served: readonly Served[], keyOf: (each: Served) => string, always: readonly string[]) {
  const counts = new Map(always.map((key) => [key, 0]));
  for (const each of served) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  return counts;
}

/** Of one service: labels but for that, joined, and how many. */
function countedIn(text: string, metric: string, service = 'departure_delay@1'): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [, name, labels = '', count] of text.matchAll(/^(\w+)\{([^}]*)\} (\d+)$/gm)) {
    const [first, ...others] = [...labels.matchAll(/="([^"]*)"/g)].map(([, value = '']) => value);
    if (name === metric && first === service) found.set(others.join(' '), Number(count));
  }
  return found;
}

test('rows that the budget did not reach are counted as they are answered', async () => {
  const { get, vectors } = await startAirport({ wrapStore: replacingReads(() => new Promise(() => undefined)) });
  const request = { entities: [ROW, ROW], as_of: NEWEST_MS, budget_ms: 20, include: ['status'] };
  const { json } = await vectors('departure_delay', request);
  const timedOut = servedIn(json).filter(({ status }) => status === 'TIMED_OUT');
  const count = timedOut.length;
  expect(count).toBeGreaterThan(0);
  const { text } = await get('/metrics');
  expect(text).toContain(`skewless_values_total{service="departure_delay@1",status="TIMED_OUT"} ${count}\n`);
  const isTimedOut = ([key]: readonly [string, number]): boolean => key.endsWith(' TIMED_OUT');
  expect(new Map([...countedIn(text, 'skewless_feature_values_total')].filter(isTimedOut))).toEqual(
    countsOf(timedOut, ({ feature, status }) => `${feature} ${status}`, []),
  );
});

test('the cache tells what it answered, and circuits which node is away', async () => {
  let isAway = false;
  const { get, vectors, definitions } = await startAirport({
    wrapStore: replacingReads((_, read) => (isAway ? Promise.reject(gone()) : read())),
    circuits: createCircuits(undefined, { ...CIRCUIT_BOUNDS, failuresMax: 1, openMs: 60_000 }),
    tierOf,
  });
  const request = { entities: [ROW], as_of: NEWEST_MS + 1 };
  await vectors('departure_delay', request);
  await vectors('departure_delay', request);
  const { text } = await get('/metrics');
  const views = definitions.views.size;
  expect(text).toContain(`skewless_cache_entities_total{outcome="miss"} ${views}\n`);
  expect(text).toContain(`skewless_cache_entities_total{outcome="hit"} ${views}\n`);
  expect(text).toContain(`skewless_cache_entries ${views}\n`);
  expect(text).toMatch(/^skewless_cache_bytes [1-9]/m);
  expect(text).toContain('skewless_cache_staleness_bound_seconds 3600\n');
  expect(text).toMatch(/^skewless_store_circuit_state\{node="[^"]+",state="closed"\} 1$/m);
  isAway = true;
  await vectors('departure_delay', { ...request, entities: [{ ...ROW, origin: 'LGA' }] });
  const { text: later } = await get('/metrics');
  expect(later).toMatch(/^skewless_store_circuit_state\{node="[^"]+",state="open"\} 1$/m);
  expect(later).toMatch(/^skewless_store_circuit_opened_total\{node="[^"]+"\} 1$/m);
});

/** Of rows and of columns; of rows that are errors nothing is. */
function servedIn({
  features,
  vectors: rows,
  status,
}: {
  features?: string[];
  vectors?: { status?: string[] }[];
  status?: Record<string, (string | null)[]>;
}): readonly Served[] {
  const cell = (feature: string, each: string | null | undefined): readonly Served[] =>
    each ? [{ feature, status: each }] : [];
  if (rows === undefined)
    return Object.entries(status ?? {}).flatMap(([feature, cells]) => cells.flatMap((each) => cell(feature, each)));
  return rows.flatMap((row) => (features ?? []).flatMap((feature, at) => cell(feature, row.status?.[at])));
}

function tierOf(store: Store, definitions: Definitions, clock: Clock): Tier {
  return createTier({ store, decode: createStateDecoder(definitions), clock, stalenessMs: HOUR_MS });
}

function gone(): SkewlessError {
  return new SkewlessError('store_unavailable', 'gone', { retryable: true });
}

test('reads of the store are timed, and those that fail or hang are told apart', async () => {
  let readsHang = false;
  const { get, vectors, materializer } = await startAirport({
    readLimitMs: 50,
    wrapStore: replacingReads((source, read) => {
      if (readsHang) return new Promise(() => undefined);
      return source === 'weather' ? Promise.reject(new Error('away')) : read();
    }),
  });
  await vectors('departure_delay', { entities: [ROW] });
  await materializer.stop();
  const { text: failing } = await get('/metrics');
  expect(failing).toMatch(/skewless_store_duration_seconds_count\{operation="read",outcome="failed"\} [1-9]/);
  expect(failing).toMatch(/skewless_store_duration_seconds_count\{operation="commit",outcome="ok"\} [1-9]/);
  expect(failing).toContain('skewless_store_inflight{operation="read"} 0\n');
  readsHang = true;
  await vectors('departure_delay', { entities: [ROW] });
  expect((await get('/metrics')).text).toMatch(/skewless_store_inflight\{operation="read"\} [1-9]/);
});

test('events are counted as they are taken and refused; a watermark has an age', async () => {
  const { get, post, clock } = await startAirport({ nowMs: NEWEST_MS + 60_000 });
  const event = { origin: 'JFK', departed_at: NEWEST_MS - 1, delay: 3 };
  await post('/v1/sources/departures/events', { events: [event, {}, event] });
  clock.offsetMs += 60_000;
  const { text } = await get('/metrics');
  expect(text).toContain('skewless_ingested_events_total{source="departures",outcome="accepted"} 2\n');
  expect(text).toContain('skewless_ingested_events_total{source="departures",outcome="rejected"} 1\n');
  const age = /skewless_source_watermark_age_seconds\{source="weather"\} ([\d.]+)\n/.exec(text)?.[1];
  expect(Number(age)).toBeGreaterThanOrEqual(120);
});

test('the documentation names every metric, and no other, with its labels', async () => {
  const text = await scrapeEverything();
  const page = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
  const [metrics = ''] = page.split('## A collector');
  const documented = new Map<string, ReadonlySet<string>>();
  for (const line of metrics.split('\n').filter((each) => each.startsWith('| `'))) {
    const [, names = '', labels = ''] = line.split('|');
    for (const name of namesIn(names)) documented.set(name, new Set(namesIn(labels)));
  }
  const told = labelsByMetric(text);
  expect(new Set(told.keys())).toEqual(new Set(documented.keys()));
  for (const [name, labels] of told) {
    // Of what describes the process there may be more; nothing is waited for here.
    if (name === 'target_info') continue;
    const sometimes = name === 'skewless_source_waiting' ? ['code'] : [];
    expect([name, documented.get(name)]).toEqual([name, new Set([...labels, ...sometimes])]);
  }
});

function namesIn(cell: string): readonly string[] {
  return [...cell.replaceAll(/\([^)]*\)/g, '').matchAll(/`([a-z_]+)`/g)].map(([, name]) => name ?? '');
}
