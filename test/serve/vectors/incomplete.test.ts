import { expect, test } from 'vitest';
import { DEFINITIONS, NEWEST_MS, ROW, startAirport } from './fixture.ts';

const REQUEST = { entities: [ROW], as_of: NEWEST_MS, include: ['status'], features: ['departures_24h', 'rough'] };

test('INCOMPLETE: windows that begin before the history the build could see are withheld', async () => {
  const { vectors } = await startAirport({ beforeMaterialize: (log) => log.truncate('departures', 0, 1) });
  const answer = await vectors('departure_delay', REQUEST);
  expect(answer.json.vectors).toEqual([
    { values: [null, false], status: ['INCOMPLETE', 'PRESENT'], issues: { departures_24h: 'INCOMPLETE' } },
  ]);
});

test('INCOMPLETE: served where the view says so, and flagged all the same', async () => {
  const definitions = DEFINITIONS.replace(
    'source: departures\n    features',
    'source: departures\n    incomplete: serve\n    features',
  );
  const { vectors } = await startAirport({ definitions, beforeMaterialize: (log) => log.truncate('departures', 0, 1) });
  const answer = await vectors('departure_delay', REQUEST);
  expect(answer.json.vectors).toEqual([
    { values: [1, false], status: ['INCOMPLETE', 'PRESENT'], issues: { departures_24h: 'INCOMPLETE' } },
  ]);
});
