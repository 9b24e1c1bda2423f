import { expect, test } from 'vitest';
import { NEWEST_MS, ROW, startAirport } from './fixture.ts';

test('STALE: once the log end is unconfirmed for longer than stale_after, values are served and flagged', async () => {
  const { vectors, materializer, clock } = await startAirport();
  const request = {
    entities: [ROW, { origin: 'XXX', scheduled_hour: 1 }],
    as_of: NEWEST_MS,
    include: ['status'],
    features: ['departures_1h', 'wind_24h', 'delay_ratio'],
  };
  const fresh = await vectors('departure_delay', request);
  expect(fresh.json.vectors[0]).toEqual({ values: [1, 0, 0.5], status: ['PRESENT', 'NOT_FOUND', 'PRESENT'] });
  await materializer.stop();
  clock.offsetMs += 61_000;
  const stale = await vectors('departure_delay', request);
  expect(stale.json.vectors).toEqual([
    {
      values: [1, 0, 0.5],
      status: ['STALE', 'STALE', 'STALE'],
      issues: { departures_1h: 'STALE', wind_24h: 'STALE', delay_ratio: 'STALE' },
    },
    {
      values: [null, 0, null],
      status: ['STALE', 'STALE', 'STALE'],
      issues: { departures_1h: 'STALE', wind_24h: 'STALE', delay_ratio: 'STALE' },
    },
  ]);
});
