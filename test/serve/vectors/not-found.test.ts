import { expect, test } from 'vitest';
import { HOUR_MS, NEWEST_MS, startAirport } from './fixture.ts';

const FEATURES = ['departures_1h', 'wind_24h', 'delay_ratio', 'rough'];

test('NOT_FOUND: no event within reach; null or the default; ordinary, so it is no issue', async () => {
  const { vectors } = await startAirport();
  const answer = await vectors('departure_delay', {
    entities: [{ origin: 'XXX', scheduled_hour: 1 }],
    as_of: NEWEST_MS,
    include: ['status', 'event_time'],
    features: FEATURES,
  });
  expect(answer.json.vectors).toEqual([
    {
      values: [null, 0, null, false],
      status: ['NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'PRESENT'],
      event_time: [null, null, null, null],
    },
  ]);
});

test('NOT_FOUND: a known entity, before its first event and long after its last', async () => {
  const { vectors } = await startAirport();
  const statusAt = async (asOf: number) => {
    const request = {
      entities: [{ origin: 'EWR', scheduled_hour: 1 }],
      as_of: asOf,
      include: ['status'],
      features: ['since_24h'],
    };
    return (await vectors('departure_delay', request)).json.vectors[0].status[0] as string;
  };
  expect(await statusAt(NEWEST_MS)).toBe('NOT_FOUND');
  expect(await statusAt(NEWEST_MS + 1)).toBe('PRESENT');
  expect(await statusAt(NEWEST_MS + 25 * HOUR_MS)).toBe('NOT_FOUND');
  expect(await statusAt(-62_167_219_200_000)).toBe('NOT_FOUND');
});

test('NOT_FOUND: a key that is null by its expression identifies nobody, and no default is subtracted from as_of', async () => {
  const definitions = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, clock: watermark, fields: { k: string, ts: timestamp } }
entities: [{ name: one, keys: { k: string } }]
views:
  - { name: v, entity: one, source: s, features: [{ name: ago, agg: time_since_last, windows: [1h], default: 99 }] }
services:
  - { name: svc, inputs: { other: "string?" }, features: [{ view: v, keys: { k: "upper(other)" } }] }
`;
  const { vectors } = await startAirport({ definitions, events: { s: [{ k: 'A', ts: NEWEST_MS }] } });
  const answer = await vectors('svc', {
    entities: [{ other: null }, {}, { other: 'a' }],
    as_of: NEWEST_MS + 7,
    include: ['status'],
  });
  expect(answer.json.vectors).toEqual([
    { values: [99], status: ['NOT_FOUND'] },
    { values: [99], status: ['NOT_FOUND'] },
    { values: [7], status: ['PRESENT'] },
  ]);
});
