import { expect, test } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { startHarness } from '../harness.ts';
import { DEFINITIONS, EVENTS, HOUR_MS, NEWEST_MS, ROW, replacingReads, startAirport } from './fixture.ts';

const DAY_MS = 24 * HOUR_MS;

test('a malformed as_of is refused, with a repair where there is one', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const malformed: [unknown, string | null][] = [
    ['yesterday', null],
    ['2013-01-31T17:00:00', '2013-01-31T17:00:00Z'],
    ['2013-01-31', '2013-01-31T00:00:00Z'],
    ['2013-01-31T17:00:00 01:00', '2013-01-31T17:00:00+01:00'],
    ['2013-02-30T17:00:00Z', null],
    ['2013-01-31T24:00:00Z', null],
    ['', null],
    [1.5, null],
    [1e300, null],
    [2 ** 53, null],
    [-(2 ** 53) + 1, null],
    [true, null],
    [null, null],
    [{}, null],
    [['2013-01-31T17:00:00Z'], null],
  ];
  for (const [asOf, suggestion] of malformed) {
    const answer = await vectors('departure_delay', { entities: [ROW], as_of: asOf });
    expect(answer.status, JSON.stringify(asOf)).toBe(400);
    expect(answer.json.errors).toEqual([
      { code: 'invalid_as_of', pointer: '/as_of', message: expect.any(String) as unknown, suggestion },
    ]);
  }
});

test('an as_of in the far future is refused; one within a day is not', async () => {
  const { vectors, clock } = await startAirport();
  for (const asOf of ['9999-12-31T23:59:59Z', clock.nowMs() + DAY_MS + HOUR_MS, 8_640_000_000_000_000]) {
    const answer = await vectors('departure_delay', { entities: [ROW], as_of: asOf });
    expect(answer.status).toBe(400);
    expect(answer.json.code).toBe('as_of_in_future');
  }
  const near = await vectors('departure_delay', { entities: [ROW], as_of: clock.nowMs() + HOUR_MS });
  expect(near.status).toBe(200);
});

test('an as_of before all history is answered, with a status that says what is known', async () => {
  const { vectors } = await startAirport();
  for (const asOf of [0, -1, '0000-01-01T00:00:00Z', '1900-01-01T00:00:00.123Z']) {
    const answer = await vectors('departure_delay', {
      entities: [ROW],
      as_of: asOf,
      include: ['status'],
      features: ['departures_1h'],
    });
    expect(answer.json.vectors).toEqual([{ values: [null], status: ['NOT_FOUND'] }]);
  }
});

test('without as_of, sources that go by the wall clock are evaluated now', async () => {
  const definitions = DEFINITIONS.replaceAll('clock: watermark', 'clock: wall');
  const nowMs = NEWEST_MS + HOUR_MS;
  const { vectors, clock } = await startAirport({ definitions, nowMs });
  const before = clock.nowMs();
  const answer = await vectors('departure_delay', { entities: [ROW], features: ['departures_24h'] });
  expect(answer.json.vectors).toEqual([{ values: [2] }]);
  expect(Date.parse(answer.json.as_of)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(answer.json.as_of)).toBeLessThanOrEqual(clock.nowMs());
});

test('without as_of, it is the earliest watermark of the sources behind the request', async () => {
  const weather = [{ origin: 'JFK', observed_at: NEWEST_MS - 30 * 60_000, wind: 1 }];
  const { vectors, append } = await startAirport({ events: { ...EVENTS, weather } });
  const asOf = async (features?: string[]) =>
    (await vectors('departure_delay', { entities: [ROW], ...(features === undefined ? {} : { features }) })).json
      .as_of as string;
  expect(await asOf()).toBe('2013-01-31T16:30:00.000Z');
  expect(await asOf(['wind_24h', 'departures_1h'])).toBe('2013-01-31T16:30:00.000Z');
  expect(await asOf(['departures_1h'])).toBe('2013-01-31T17:00:00.000Z');
  await append('weather', [{ origin: 'LGA', observed_at: NEWEST_MS - 60_000, wind: 1 }]);
  expect(await asOf()).toBe('2013-01-31T16:59:00.000Z');
});

test('a watermark that this process has seen never falls', async () => {
  let lost = false;
  const losing = replacingReads(async (_source, read) =>
    (await read()).map((section) => (lost ? { checkpoint: null, states: section.states.map(() => null) } : section)),
  );
  const { vectors } = await startAirport({ wrapStore: losing });
  const ask = async () => (await vectors('departure_delay', { entities: [ROW], features: ['departures_1h'] })).json;
  const before = await ask();
  lost = true;
  const after = await ask();
  expect(after.as_of).toBe(before.as_of);
  expect(after.vectors).toEqual([{ values: [null], issues: { departures_1h: 'REBUILDING' } }]);
});

test('no event yet: 503 no_watermark, which names the source', async () => {
  const { vectors } = await startAirport({ events: { departures: EVENTS.departures } });
  const answer = await vectors('departure_delay', { entities: [ROW] });
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('1');
  expect(answer.json.code).toBe('no_watermark');
  expect(answer.json.detail).toContain('weather');
  expect((await vectors('departure_delay', { entities: [ROW], features: ['departures_1h'] })).status).toBe(200);
});

test('a service of both clocks requires as_of', async () => {
  const definitions = DEFINITIONS.replace('clock: watermark', 'clock: wall').replace(
    'inputs: { scheduled_hour: int }',
    'inputs: { scheduled_hour: int }\n    as_of: required',
  );
  const { vectors } = await startAirport({ definitions });
  const answer = await vectors('departure_delay', { entities: [ROW] });
  expect(answer.status).toBe(400);
  expect(answer.json.errors[0]).toMatchObject({ code: 'as_of_required', pointer: '/as_of' });
  expect((await vectors('departure_delay', { entities: [ROW], as_of: NEWEST_MS })).status).toBe(200);
});

test('keys may depend on as_of: the entity is that of the as_of the vector is evaluated at', async () => {
  const definitions = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, clock: watermark, fields: { k: int, ts: timestamp } }
entities: [{ name: one, keys: { k: int } }]
views: [{ name: v, entity: one, source: s, features: [{ name: n, agg: count }] }]
services: [{ name: svc, features: [{ view: v, keys: { k: "hour_of_day(as_of, 'UTC')" } }] }]
`;
  const events = {
    s: [
      { k: 17, ts: NEWEST_MS - 1 },
      { k: 18, ts: NEWEST_MS - 2 },
      { k: 18, ts: NEWEST_MS - 1 },
      { k: 0, ts: NEWEST_MS },
    ],
  };
  const { vectors } = await startAirport({ definitions, events });
  expect((await vectors('svc', { entities: [{}] })).json).toMatchObject({
    as_of: '2013-01-31T17:00:00.000Z',
    vectors: [{ values: [1] }],
  });
  expect((await vectors('svc', { entities: [{}], as_of: NEWEST_MS + HOUR_MS })).json.vectors).toEqual([
    { values: [2] },
  ]);
});

const PARTITIONED = `
sources:
  - { name: s, topic: s, key: [k], event_time: ts, clock: watermark, fields: { k: string, ts: timestamp } }
entities: [{ name: one, keys: { k: string } }]
views: [{ name: v, entity: one, source: s, features: [{ name: n, agg: count }] }]
services: [{ name: svc, features: [v.*] }]
`;

// By murmur2, a and d are in different ones of two partitions.
const IN_BOTH = {
  s: [
    { k: 'a', ts: NEWEST_MS - HOUR_MS },
    { k: 'd', ts: NEWEST_MS },
  ],
};

test('a partition that cannot be read does not let as_of run ahead: what was seen before holds, or 503', async () => {
  let away: { partition: number; how: 'fails' | 'hangs' } | null = null;
  const wrapStore = (store: Store): Store => ({
    ...store,
    read(shard, sections) {
      if (shard.partition !== away?.partition) return store.read(shard, sections);
      return away.how === 'hangs' ? new Promise(() => undefined) : Promise.reject(new Error('away'));
    },
  });
  const { vectors, get } = await startHarness({ definitions: PARTITIONED, events: IN_BOTH, partitions: 2, wrapStore });
  const ask = (more = {}) => vectors('svc', { entities: [{ k: 'd' }], ...more });
  const { freshness } = (await get('/v1/feature-views/v')).json;
  const behind = (freshness as { watermark: string }[]).findIndex(({ watermark }) => watermark.includes('T16:00'));
  const watermarkMetric = async () =>
    (await get('/metrics')).text.includes('skewless_source_watermark_age_seconds{source="s"}');

  away = { partition: behind, how: 'fails' };
  expect(await watermarkMetric()).toBe(false);
  const refused = await ask();
  expect([refused.status, refused.json.code]).toEqual([503, 'store_unavailable']);
  away = { partition: behind, how: 'hangs' };
  expect((await ask({ budget_ms: 50, include: ['status'] })).json.vectors).toMatchObject([{ status: ['TIMED_OUT'] }]);
  away = null;
  expect((await ask()).json.as_of).toBe('2013-01-31T16:00:00.000Z');
  for (const how of ['fails', 'hangs'] as const) {
    away = { partition: behind, how };
    expect(await watermarkMetric()).toBe(true);
    expect((await ask({ budget_ms: 50 })).json.as_of).toBe('2013-01-31T16:00:00.000Z');
  }
  away = null;
  expect((await ask()).json.as_of).toBe('2013-01-31T16:00:00.000Z');
});

test('a partition without appends for idle_after no longer holds as_of and the source watermark back', async () => {
  const { vectors, get, append, clock } = await startHarness({
    definitions: PARTITIONED,
    events: IN_BOTH,
    partitions: 2,
  });
  const asOf = async () => (await vectors('svc', { entities: [{ k: 'a' }] })).json.as_of as string;
  const watermark = async () => (await get('/v1/sources/s')).json.watermark as string;
  expect([await asOf(), await watermark()]).toEqual(['2013-01-31T16:00:00.000Z', '2013-01-31T16:00:00.000Z']);
  clock.offsetMs += 61_000;
  await append('s', [{ k: 'd', ts: NEWEST_MS }]);
  await expect.poll(asOf, { timeout: 20_000 }).toBe('2013-01-31T17:00:00.000Z');
  await expect.poll(watermark, { timeout: 20_000 }).toBe('2013-01-31T17:00:00.000Z');
  const { json } = await get('/v1/sources/s');
  expect(
    json.views[0].freshness
      .map(({ idle }: { idle: boolean }) => String(idle))
      .toSorted((a: string, b: string) => (a < b ? -1 : 1)),
  ).toEqual(['false', 'true']);
});
