import { expect, test } from 'vitest';
import { DEFINITIONS, MINUTE_MS, NEWEST_MS, ROW, startAirport } from './fixture.ts';

test("OVER_LIMIT: a window whose keys exceed keys_max is withheld, the view's other values are served", async () => {
  const feature = '- { name: carriers, agg: top_k, k: 1, keys_max: 2, of: carrier, windows: [1h, 24h] }';
  const definitions = DEFINITIONS.replace('- { name: since,', `${feature}\n      - { name: since,`);
  const departures = ['AA', 'B6', 'UA'].map((carrier, index) => ({
    origin: 'JFK',
    departed_at: NEWEST_MS - index * 50 * MINUTE_MS - 1,
    carrier,
  }));
  const { vectors } = await startAirport({ definitions, events: { departures } });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS,
    features: ['departures_24h', 'carriers_1h', 'carriers_24h'],
  });
  expect(answer.json.vectors).toEqual([{ values: [3, ['AA'], null], issues: { carriers_24h: 'OVER_LIMIT' } }]);
});
