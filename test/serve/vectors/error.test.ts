import { expect, test } from 'vitest';
import { DEFINITIONS, NEWEST_MS, ROW, corrupted, replacingReads, startAirport } from './fixture.ts';

test('ERROR: a derived feature whose evaluation fails is withheld, its row is served', async () => {
  const definitions = DEFINITIONS.replace(
    '- { name: rough,',
    '- { name: huge, expr: "exp(scheduled_hour * 1000)" }\n      - { name: rough,',
  );
  const { vectors } = await startAirport({ definitions });
  const answer = await vectors('departure_delay', {
    entities: [ROW, { origin: 'JFK', scheduled_hour: 0 }],
    as_of: NEWEST_MS,
    features: ['huge', 'departures_24h'],
  });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toEqual([{ values: [null, 2], issues: { huge: 'ERROR' } }, { values: [1, 2] }]);
});

test('ERROR: a key expression that fails withholds what is read with it', async () => {
  const definitions = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, clock: watermark, fields: { k: int, ts: timestamp } }
entities: [{ name: one, keys: { k: int } }]
views:
  - { name: v, entity: one, source: s, features: [{ name: n, agg: count }] }
services:
  - { name: svc, inputs: { a: int }, features: [{ view: v, keys: { k: "CAST(exp(a) AS int)" } }] }
`;
  const { vectors } = await startAirport({ definitions, events: { s: [{ k: 1, ts: NEWEST_MS }] } });
  const answer = await vectors('svc', { entities: [{ a: 1_000 }, { a: 0 }], as_of: NEWEST_MS + 1 });
  expect(answer.json.vectors).toEqual([{ values: [null], issues: { n: 'ERROR' } }, { values: [1] }]);
});

test('ERROR: a state that cannot be decoded is withheld and logged, and the process goes on', async () => {
  const damaging = replacingReads(async (source, read) => {
    const reads = await read();
    if (source !== 'weather') return reads;
    return reads.map(({ checkpoint, states }) => ({
      checkpoint,
      states: states.map((state) => (state === null ? null : corrupted(state))),
    }));
  });
  const { vectors, logged } = await startAirport({ wrapStore: damaging });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS + 1,
    features: ['departures_24h', 'wind_24h', 'rough'],
  });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toEqual([{ values: [2, null, null], issues: { wind_24h: 'ERROR', rough: 'ERROR' } }]);
  expect(logged).toContainEqual(expect.objectContaining({ msg: 'corrupt state', view: 'winds@1' }));
});
