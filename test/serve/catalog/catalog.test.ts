import { expect, test } from 'vitest';
import { DEFINITIONS, EVENTS, ROW, startAirport } from '../vectors/fixture.ts';

const TWO_VERSIONS = DEFINITIONS.replace(
  '  - name: winds\n',
  `  - name: winds
    version: 2
    entity: airport
    source: weather
    where: "wind > 1"
    max_age: 2d
    history: 10m
    features:
      - { name: wind, agg: count, of: wind, where: "wind > 30", windows: [{ length: 24h, offset: 7d, hop: 1h }], description: Gales. }
      - { name: latest, agg: last_n, n: 3, of: { speed: wind, at: observed_at } }
  - name: winds
`,
).replace(
  'features: [delays.*, winds.*]',
  'owner: ops\n    description: For the model.\n    labels: { tier: gold }\n    features: [delays.*, winds@1.*]',
);

test('a view tells types, windows, hops, fingerprints, freshness and what became of its records', async () => {
  const late = { origin: null, observed_at: 0, wind: 5 };
  const { get, definitions } = await startAirport({
    definitions: TWO_VERSIONS,
    events: { ...EVENTS, weather: [...EVENTS.weather, late] },
  });
  const { status, json } = await get('/v1/feature-views/winds');
  expect(status).toBe(200);
  const view = definitions.views.get('winds@2');
  expect(json).toMatchObject({
    name: 'winds',
    version: 2,
    entity: { name: 'airport', keys: [{ name: 'origin', type: 'string', column: 'origin' }] },
    source: 'weather',
    where: 'wind > 1',
    max_age: '48h',
    history: '10m',
    incomplete: 'withhold',
    state_fingerprint: view?.stateFingerprint,
    read_fingerprint: view?.readFingerprint,
    services: [],
    features: [
      {
        name: 'wind_24h_ago_7d',
        type: 'int',
        aggregation: 'count',
        of: 'wind',
        where: 'wind > 30',
        window: '24h',
        hop: '1h',
        offset: '7d',
        default: null,
        description: 'Gales.',
      },
      {
        name: 'latest',
        type: '{speed: double?, at: timestamp}[]',
        of: '{ speed: wind, at: observed_at }',
        params: { n: 3 },
        window: 'lifetime',
        hop: null,
      },
    ],
    freshness: [
      {
        partition: 0,
        state: 'ready',
        position: 2,
        build_target: 2,
        lag: 0,
        watermark: '2013-01-31T17:00:00.000Z',
        complete_from: null,
      },
    ],
    counters: { folded: 1, late: 0, too_late: 0, duplicates: 0, filtered: 0 },
  });
  const { rejected, null_key: nullKey } = json.counters;
  expect(Object.values(rejected as Record<string, number>).reduce((sum, count) => sum + count, nullKey as number)).toBe(
    1,
  );
  const older = await get('/v1/feature-views/winds@1');
  expect(older.json).toMatchObject({
    version: 1,
    services: ['departure_delay@1'],
    features: [{ name: 'wind_24h', default: 0 }],
  });
});

test('a service tells what a row holds and what each feature is', async () => {
  const { get, vectors } = await startAirport({ definitions: TWO_VERSIONS });
  const { json } = await get('/v1/feature-services/departure_delay');
  const vector = await vectors('departure_delay', { entities: [ROW] });
  expect(json.fingerprint).toBe(vector.json.fingerprint);
  expect(json.features.map(({ name }: { name: string }) => name)).toEqual(vector.json.features);
  expect(json).toMatchObject({
    owner: 'ops',
    description: 'For the model.',
    labels: { tier: 'gold' },
    as_of: 'optional',
    request: [
      { name: 'origin', kind: 'key', type: 'string' },
      { name: 'scheduled_hour', kind: 'input', type: 'int' },
    ],
    sources: ['departures', 'weather'],
  });
  expect(json.features[0]).toEqual({
    name: 'departures_1h',
    type: 'int',
    description: '',
    tags: [],
    deprecated: null,
    view: 'delays@1',
    feature: 'departures_1h',
    keys: { origin: 'origin' },
    expression: null,
  });
  expect(json.features.at(-1)).toMatchObject({ name: 'rough', type: 'bool?', view: null, expression: 'wind_24h > 30' });
});

test('a source tells its schema, clock, watermark and how far each view has read it', async () => {
  const { get, append } = await startAirport({ definitions: TWO_VERSIONS });
  const { json } = await get('/v1/sources/weather');
  expect(json).toMatchObject({
    name: 'weather',
    topic: 'weather',
    format: 'json',
    key: { fields: ['origin'], encoding: 'string' },
    partitioner: 'murmur2',
    event_time: 'observed_at',
    clock: 'watermark',
    max_ahead: '5m',
    stale_after: '1m',
    watermark: '2013-01-31T17:00:00.000Z',
    dead_letters: 0,
  });
  expect(json.fields).toContainEqual({ name: 'wind', type: 'double?', path: ['wind'] });
  expect(json.views.map(({ view }: { view: string }) => view)).toEqual(['winds@2', 'winds@1']);
  await append('weather', [{ origin: 'JFK', observed_at: '2013-01-31T18:00:00Z', wind: 'strong' }]);
  const after = (await get('/v1/sources/weather')).json;
  expect(after.views[0].freshness[0].position).toBe(2);
  expect(after.dead_letters).toBeGreaterThan(0);
});

test('a log that hangs leaves the lag out, and nothing else', async () => {
  const { get, log } = await startAirport();
  await get('/readyz');
  log.ranges = () => new Promise(() => undefined);
  const { status, json } = await get('/v1/feature-views/delays');
  expect(status).toBe(200);
  expect(json.freshness).toMatchObject([{ state: 'ready', position: 4, lag: null }]);
});

test('lag and states show a materializer that is behind, and one that is gone', async () => {
  const { get, post, materializer, clock } = await startAirport();
  await materializer.stop();
  await post('/v1/sources/weather/events', { events: [{ origin: 'JFK', observed_at: 0, wind: 1 }] });
  const freshness = async () => (await get('/v1/feature-views/winds')).json.freshness[0] as unknown;
  expect(await freshness()).toMatchObject({ state: 'ready', lag: 1, position: 1 });
  clock.offsetMs += 61_000;
  expect(await freshness()).toMatchObject({ state: 'stale', lag: 1 });
});

test('before anything is built, views are rebuilding and counters unknown', async () => {
  const { get } = await startAirport({ materialize: false });
  const { json } = await get('/v1/feature-views/winds');
  expect(json.freshness).toEqual([
    {
      partition: 0,
      state: 'rebuilding',
      position: null,
      build_target: null,
      lag: 1,
      caught_up_at: null,
      heartbeat: null,
      watermark: null,
      idle: true,
      complete_from: null,
    },
  ]);
  expect(json.counters).toBeNull();
});

test('lists come in pages, without repeats or gaps', async () => {
  const { get } = await startAirport({ definitions: TWO_VERSIONS });
  const all = (await get('/v1/feature-views')).json;
  const ids = (page: { items: { name: string; version: number }[] }) =>
    page.items.map(({ name, version }) => `${name}@${version}`);
  expect(ids(all)).toEqual(['delays@1', 'winds@1', 'winds@2']);
  expect(all.next_page_token).toBeNull();
  const first = (await get('/v1/feature-views?limit=2')).json;
  const second = (await get(`/v1/feature-views?limit=2&page_token=${first.next_page_token}`)).json;
  expect([...ids(first), ...ids(second)]).toEqual(ids(all));
  expect(second.next_page_token).toBeNull();
  expect((await get('/v1/sources?limit=1')).json.items).toHaveLength(1);
  expect((await get('/v1/feature-services')).json.items).toHaveLength(1);
});

test('what is not there is 404 with the nearest name, and wrong parameters are 400', async () => {
  const { get } = await startAirport({ materialize: false });
  const problem = async (url: string) => {
    const { status, json } = await get(url);
    return [status, json.errors[0].code, json.errors[0].pointer, json.errors[0].suggestion];
  };
  expect(await problem('/v1/feature-views/delay')).toEqual([404, 'unknown_view', '/path/view', 'delays']);
  expect(await problem('/v1/feature-views/delays@9')).toEqual([404, 'unknown_view', '/path/view', 'delays@1']);
  expect(await problem('/v1/feature-services/nothing')).toEqual([404, 'unknown_service', '/path/service', null]);
  expect(await problem('/v1/sources/wether')).toEqual([404, 'unknown_source', '/path/source', 'weather']);
  expect(await problem('/v1/sources/constructor')).toEqual([404, 'unknown_source', '/path/source', null]);
  expect(await problem('/v1/sources?limit=0')).toEqual([400, 'out_of_range', '/query/limit', null]);
  expect(await problem('/v1/sources?limit=x')).toEqual([400, 'invalid_type', '/query/limit', null]);
  expect(await problem('/v1/sources?limt=5')).toEqual([400, 'unknown_field', '/query/limt', 'limit']);
  for (const token of ['x', 'bnVsbA', 'e30', Buffer.from('{"after":1}').toString('base64url')]) {
    expect(await problem(`/v1/sources?page_token=${token}`)).toEqual([
      400,
      'invalid_page_token',
      '/query/page_token',
      null,
    ]);
  }
});
