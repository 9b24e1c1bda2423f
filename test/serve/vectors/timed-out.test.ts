import { expect, test } from 'vitest';
import { NEWEST_MS, ROW, replacingReads, startAirport } from './fixture.ts';

const FEATURES = ['departures_24h', 'wind_24h', 'rough'];

test('TIMED_OUT: what is not read within the budget is withheld, with 200; the rest is served', async () => {
  const hanging = replacingReads((source, read) => (source === 'weather' ? new Promise(() => {}) : read()));
  const { vectors } = await startAirport({ wrapStore: hanging });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS,
    features: FEATURES,
    budget_ms: 50,
    include: ['status'],
  });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors[0].status).toEqual(['PRESENT', 'TIMED_OUT', 'TIMED_OUT']);
  expect(answer.json.vectors[0].values).toEqual([2, null, null]);
});

test('TIMED_OUT: the budget is checked between rows, so that what is ready is served', async () => {
  const { vectors } = await startAirport();
  const entities = Array.from({ length: 1_000 }, () => ROW);
  const request = { entities, as_of: NEWEST_MS, features: FEATURES, budget_ms: 1, include: ['status'] };
  const answer = await vectors('departure_delay', request);
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toHaveLength(1_000);
  expect(answer.json.vectors.at(-1).status).toEqual(['TIMED_OUT', 'TIMED_OUT', 'TIMED_OUT']);
  expect(answer.json.vectors.at(-1).values).toEqual([null, null, null]);
});

test('TIMED_OUT: as_of is null when the budget was spent before the watermark could be read', async () => {
  const { vectors } = await startAirport({ wrapStore: replacingReads(() => new Promise(() => {})) });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    budget_ms: 20,
    features: FEATURES,
    include: ['receipt'],
  });
  expect(answer.status).toBe(200);
  expect(answer.json.as_of).toBeNull();
  expect(answer.json.vectors).toEqual([
    { values: [null, null, null], issues: { departures_24h: 'TIMED_OUT', wind_24h: 'TIMED_OUT', rough: 'TIMED_OUT' } },
  ]);
});

test('TIMED_OUT: after waits no longer than the budget for what is not folded, and withholds only that', async () => {
  const { vectors, post, materializer } = await startAirport();
  await materializer.stop();
  const event = { origin: 'JFK', observed_at: NEWEST_MS + 1, wind: 50 };
  const { json } = await post('/v1/sources/weather/events', { events: [event] });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS + 2,
    features: FEATURES,
    after: json.position,
    budget_ms: 500,
  });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors[0].issues).toEqual({ wind_24h: 'TIMED_OUT', rough: 'TIMED_OUT' });
  expect(answer.json.vectors[0].values).toEqual([2, null, null]);
});
