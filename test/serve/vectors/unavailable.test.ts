import { expect, test } from 'vitest';
import { SkewlessError } from '../../../src/core/errors.ts';
import { NEWEST_MS, ROW, replacingReads, startAirport } from './fixture.ts';

const FEATURES = ['departures_24h', 'wind_24h', 'rough'];
const REQUEST = { entities: [ROW], as_of: NEWEST_MS, features: FEATURES };

function failing(sources: readonly string[]) {
  return replacingReads((source, read) =>
    sources.includes(source) ? Promise.reject(new SkewlessError('store_down', 'down', { retryable: true })) : read(),
  );
}

test('UNAVAILABLE: what could not be read is withheld, what could is served', async () => {
  const { vectors } = await startAirport({ wrapStore: failing(['weather']) });
  const answer = await vectors('departure_delay', { ...REQUEST, include: ['receipt'] });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toEqual([
    {
      values: [2, null, null],
      issues: { wind_24h: 'UNAVAILABLE', rough: 'UNAVAILABLE' },
      receipt: expect.any(String) as unknown,
    },
  ]);
});

test('503 only when no row could be read, with a time to try again', async () => {
  const { vectors, logged, clock } = await startAirport({ wrapStore: failing(['weather', 'departures']) });
  const nowMs = clock.nowMs();
  clock.nowMs = () => nowMs;
  const answer = await vectors('departure_delay', REQUEST);
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('1');
  expect(answer.json.code).toBe('store_unavailable');
  const withoutAsOf = await vectors('departure_delay', { entities: [ROW] });
  expect(withoutAsOf.status).toBe(503);
  expect(withoutAsOf.json.code).toBe('store_unavailable');
  // Said once, however many reads fail within a second.
  expect(logged.filter(({ msg }) => msg === 'a shard cannot be read')).toHaveLength(1);
});

test('UNAVAILABLE: a store that hangs is given up after the read limit', async () => {
  const hanging = replacingReads((source, read) => (source === 'weather' ? new Promise(() => {}) : read()));
  const { vectors } = await startAirport({ wrapStore: hanging, readLimitMs: 20 });
  const answer = await vectors('departure_delay', REQUEST);
  expect(answer.json.vectors[0].issues).toEqual({ wind_24h: 'UNAVAILABLE', rough: 'UNAVAILABLE' });
});
