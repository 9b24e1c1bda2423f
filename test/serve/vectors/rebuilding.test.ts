import { expect, test } from 'vitest';
import { NEWEST_MS, ROW, replacingReads, startAirport } from './fixture.ts';

const FEATURES = ['departures_24h', 'wind_24h', 'rough'];

test('REBUILDING: nothing was ever committed, so that nobody is NOT_FOUND', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const answer = await vectors('departure_delay', { entities: [ROW], as_of: NEWEST_MS, features: FEATURES });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toEqual([
    {
      values: [null, null, null],
      issues: { departures_24h: 'REBUILDING', wind_24h: 'REBUILDING', rough: 'REBUILDING' },
    },
  ]);
});

test('REBUILDING: a shard below its build target withholds its views, and no others', async () => {
  const belowTarget = replacingReads(async (source, read) => {
    const reads = await read();
    if (source !== 'weather') return reads;
    return reads.map(({ checkpoint, states }) => ({
      states,
      checkpoint: checkpoint === null ? null : { ...checkpoint, buildTarget: { 0: (checkpoint.position[0] ?? 0) + 1 } },
    }));
  });
  const { vectors } = await startAirport({ wrapStore: belowTarget });
  const answer = await vectors('departure_delay', { entities: [ROW], as_of: NEWEST_MS, features: FEATURES });
  expect(answer.json.vectors).toEqual([
    { values: [2, null, null], issues: { wind_24h: 'REBUILDING', rough: 'REBUILDING' } },
  ]);
});
