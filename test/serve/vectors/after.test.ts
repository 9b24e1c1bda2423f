import { expect, test } from 'vitest';
import { DEFINITIONS, NEWEST_MS, ROW, startAirport } from './fixture.ts';

test('after reads what was just written, and needs no pause of the writer', async () => {
  const { vectors, post } = await startAirport();
  for (let written = 1; written <= 20; written++) {
    const event = { origin: 'JFK', departed_at: NEWEST_MS + written, delay: 1 };
    const { json } = await post('/v1/sources/departures/events', { events: [event] });
    const answer = await vectors('departure_delay', {
      entities: [ROW],
      as_of: NEWEST_MS + written + 1,
      features: ['departures_24h'],
      after: json.position,
      budget_ms: 10_000,
    });
    expect(answer.json.vectors).toEqual([{ values: [2 + written] }]);
  }
});

test('a list of tokens waits for all of them, each source for its own', async () => {
  const { vectors, post } = await startAirport();
  const departure = { origin: 'JFK', departed_at: NEWEST_MS + 1, delay: 1 };
  const observation = { origin: 'JFK', observed_at: NEWEST_MS + 1, wind: 99 };
  const one = await post('/v1/sources/departures/events', { events: [departure] });
  const two = await post('/v1/sources/weather/events', { events: [observation] });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS + 2,
    features: ['departures_24h', 'wind_24h'],
    after: [one.json.position, two.json.position],
    budget_ms: 10_000,
  });
  expect(answer.json.vectors).toEqual([{ values: [3, 99] }]);
});

test('a token of partitions that the request does not read holds nothing back', async () => {
  const { vectors, materializer, post } = await startAirport();
  await materializer.stop();
  const observation = { origin: 'JFK', observed_at: NEWEST_MS + 1, wind: 99 };
  const { json } = await post('/v1/sources/weather/events', { events: [observation] });
  const request = { entities: [ROW], as_of: NEWEST_MS, features: ['departures_24h'], after: json.position };
  expect((await vectors('departure_delay', request)).json.vectors).toEqual([{ values: [2] }]);
});

test('what is not a token of this deployment is refused', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bad = [
    'x',
    '****',
    encode(null),
    encode([]),
    encode({ departures: 3 }),
    encode({ departures: { '-1': 3 } }),
    encode({ departures: { 0: 1.5 } }),
    encode({ departures: { 0: '3' } }),
    encode({ other: { 0: 3 } }),
    'a'.repeat(10_000),
  ];
  for (const after of bad) {
    const answer = await vectors('departure_delay', { entities: [ROW], as_of: NEWEST_MS, after });
    expect(answer.status, after).toBe(400);
    expect(answer.json.errors[0]).toMatchObject({ code: 'invalid_position', pointer: '/after' });
  }
  const listed = await vectors('departure_delay', { entities: [ROW], as_of: NEWEST_MS, after: [encode({}), 'x'] });
  expect(listed.json.errors[0].pointer).toBe('/after/1');
});

test.each([
  ['a reader without a log', { withLog: false }],
  ['a topic that has grown since', { withLog: true }],
])('%s: entities are read from the partitions that their states were built for', async (_name, options) => {
  const origins = Array.from({ length: 20 }, (_, index) => `A${index}`);
  const departures = origins.map((origin, index) => ({ origin, departed_at: NEWEST_MS - index, delay: index }));
  const { vectors, log } = await startAirport({
    definitions: DEFINITIONS,
    events: { departures, weather: [] },
    partitions: 3,
    ...options,
  });
  const ranges = log.ranges.bind(log);
  log.ranges = async (topic) => {
    const found = await ranges(topic);
    return found && [...found, { partition: 3, startOffset: 0, endOffset: 0, startTimestampMs: null }];
  };
  const answer = await vectors('departure_delay', {
    entities: origins.map((origin) => ({ origin })),
    common: { scheduled_hour: 1 },
    as_of: NEWEST_MS + 1,
    features: ['delay_mean_24h'],
  });
  expect(answer.json.vectors).toEqual(origins.map((_, index) => ({ values: [index] })));
});

test('with several partitions, each entity is read from the one its key belongs to', async () => {
  const origins = Array.from({ length: 40 }, (_, index) => `A${index}`);
  const departures = origins.map((origin, index) => ({ origin, departed_at: NEWEST_MS - index, delay: index }));
  const weather = origins.map((origin, index) => ({ origin, observed_at: NEWEST_MS - index, wind: index }));
  const { vectors, get } = await startAirport({
    definitions: DEFINITIONS,
    events: { departures, weather },
    partitions: 5,
  });
  const answer = await vectors('departure_delay', {
    entities: origins.map((origin) => ({ origin })),
    common: { scheduled_hour: 1 },
    as_of: NEWEST_MS + 1,
    features: ['delay_mean_24h', 'wind_24h'],
  });
  expect(answer.json.vectors).toEqual(origins.map((_, index) => ({ values: [index, index] })));
  const view = await get('/v1/feature-views/delays');
  const positions = view.json.freshness.map(({ position }: { position: number }) => position) as number[];
  expect(positions).toHaveLength(5);
  expect(positions.reduce((sum, position) => sum + position, 0)).toBe(40);
  expect(positions.every((position) => position > 0)).toBe(true);
});
