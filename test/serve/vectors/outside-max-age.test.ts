import { expect, test } from 'vitest';
import { DEFINITIONS, HOUR_MS, NEWEST_MS, ROW, startAirport } from './fixture.ts';

test('OUTSIDE_MAX_AGE: the whole view is withheld, and derived features name the cause', async () => {
  const definitions = DEFINITIONS.replace(
    'source: departures\n    features',
    'source: departures\n    max_age: 1h\n    features',
  );
  const { vectors } = await startAirport({ definitions });
  const ask = async (asOf: number) =>
    (await vectors('departure_delay', { entities: [ROW], as_of: asOf, features: ['departures_24h', 'delay_ratio'] }))
      .json.vectors[0] as unknown;
  const newest = NEWEST_MS - HOUR_MS / 6;
  expect(await ask(newest + HOUR_MS)).toEqual({ values: [2, 0.5] });
  expect(await ask(newest + HOUR_MS + 1)).toEqual({
    values: [null, null],
    issues: { departures_24h: 'OUTSIDE_MAX_AGE', delay_ratio: 'OUTSIDE_MAX_AGE' },
  });
});
