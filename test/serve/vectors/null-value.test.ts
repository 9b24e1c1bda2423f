import { expect, test } from 'vitest';
import { NEWEST_MS, startAirport } from './fixture.ts';

const LGA = { origin: 'LGA', scheduled_hour: 1 };

test('NULL_VALUE: the entity is known, the value undefined; ordinary, so it is no issue', async () => {
  const { vectors } = await startAirport();
  const answer = await vectors('departure_delay', {
    entities: [LGA],
    as_of: NEWEST_MS,
    include: ['status'],
    features: ['departures_1h', 'delay_mean_1h', 'delay_mean_24h', 'delay_ratio'],
  });
  expect(answer.json.vectors).toEqual([
    { values: [0, null, null, null], status: ['PRESENT', 'NULL_VALUE', 'NULL_VALUE', 'NULL_VALUE'] },
  ]);
});

test('NULL_VALUE: a derived feature without a value whose inputs are all PRESENT', async () => {
  const definitions = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, clock: watermark, fields: { k: string, ts: timestamp } }
entities: [{ name: one, keys: { k: string } }]
views:
  - { name: v, entity: one, source: s, features: [{ name: n, agg: count, windows: [1h, 1m] }] }
services:
  - { name: svc, features: [v.*], derived: [{ name: ratio, expr: "n_1h / n_1m" }, { name: filled, expr: "COALESCE(ratio, 7)" }] }
`;
  const { vectors } = await startAirport({ definitions, events: { s: [{ k: 'a', ts: NEWEST_MS - 600_000 }] } });
  const answer = await vectors('svc', { entities: [{ k: 'a' }], as_of: NEWEST_MS, include: ['status'] });
  expect(answer.json.vectors).toEqual([
    { values: [1, 0, null, 7], status: ['PRESENT', 'PRESENT', 'NULL_VALUE', 'PRESENT'] },
  ]);
});
