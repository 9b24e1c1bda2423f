import { expect, test } from 'vitest';
import { type Harness, startHarness } from '../harness.ts';
import { HOUR_MS, MINUTE_MS, NEWEST_MS } from './fixture.ts';

/** Records are keyed by aircraft, and features are of airports: those of one airport are in every partition. */
const DEFINITIONS = `
sources:
  - name: departures
    topic: departures
    key: [tail]
    event_time: departed_at
    clock: watermark
    fields: { tail: string, origin: "string?", departed_at: timestamp, delay: "double?" }
entities: [{ name: airport, keys: { origin: string } }, { name: aircraft, keys: { tail: string } }]
views:
  - { name: delays, entity: airport, source: departures, features: [{ name: n, agg: count, windows: [24h] }, { name: mean, agg: mean, of: delay, windows: [24h] }] }
  - { name: flights, entity: aircraft, source: departures, features: [{ name: n, agg: count, windows: [24h] }] }
services:
  - { name: airports, features: [delays.*] }
  - { name: aircrafts, features: [flights.*] }
`;
const PARTITIONS = 3;
const TAILS = Array.from({ length: 12 }, (_none, index) => `N${index}`);
const EVENTS = TAILS.map((tail, index) => ({
  tail,
  origin: 'JFK',
  departed_at: NEWEST_MS - index * MINUTE_MS,
  delay: index,
}));

const startFleet = (options: { beforeMaterialize?: (log: Harness['log']) => Promise<void> } = {}): Promise<Harness> =>
  startHarness({
    definitions: DEFINITIONS,
    events: { departures: EVENTS },
    partitions: PARTITIONS,
    ...options,
  });

const JFK = { entities: [{ origin: 'JFK' }], as_of: NEWEST_MS + 1, include: ['status'] };

test('a view whose entity is not in the record key has every event, and the one that is too', async () => {
  const { vectors, log } = await startFleet();
  const ranges = await log.ranges('departures');
  expect(ranges?.filter(({ endOffset }) => endOffset > 0).length, 'partitions with events').toBe(PARTITIONS);
  const airports = await vectors('airports', JFK);
  expect(airports.json.vectors).toEqual([{ values: [12, 5.5], status: ['PRESENT', 'PRESENT'] }]);
  const aircrafts = await vectors('aircrafts', { entities: TAILS.map((tail) => ({ tail })), as_of: NEWEST_MS + 1 });
  expect(aircrafts.json.vectors).toEqual(TAILS.map(() => ({ values: [1] })));
});

test('now is the watermark of the source, also for who reads it repartitioned', async () => {
  const { vectors } = await startFleet();
  const [airports, aircrafts] = [
    await vectors('airports', { entities: JFK.entities }),
    await vectors('aircrafts', { entities: [{ tail: 'N0' }] }),
  ];
  expect(airports.status).toBe(200);
  expect(Date.parse(airports.json.as_of)).toBeLessThanOrEqual(NEWEST_MS);
  expect(airports.json.as_of).toBe(aircrafts.json.as_of);
});

test('after reads what was just written, whichever partition it went to', async () => {
  const { vectors, post } = await startFleet();
  for (let written = 1; written <= 12; written++) {
    const event = { tail: TAILS[written - 1], origin: 'JFK', departed_at: NEWEST_MS + written, delay: 1 };
    const { json } = await post('/v1/sources/departures/events', { events: [event] });
    const request = { ...JFK, as_of: NEWEST_MS + written + 1, features: ['n_24h'], after: json.position };
    const { json: answer } = await vectors('airports', { ...request, budget_ms: 20_000 });
    expect(answer.vectors).toEqual([{ values: [12 + written], status: ['PRESENT'] }]);
  }
});

test('INCOMPLETE: events that one partition had lost before they were moved', async () => {
  let lost = 0;
  const { vectors } = await startFleet({
    beforeMaterialize: async (log) => {
      lost = (await log.ranges('departures'))?.find(({ partition }) => partition === 1)?.endOffset ?? 0;
      await log.truncate('departures', 1, lost - 1);
    },
  });
  expect(lost).toBeGreaterThan(1);
  const withheld = await vectors('airports', JFK);
  expect(withheld.json.vectors).toEqual([
    {
      values: [null, null],
      status: ['INCOMPLETE', 'INCOMPLETE'],
      issues: { n_24h: 'INCOMPLETE', mean_24h: 'INCOMPLETE' },
    },
  ]);
});

test('events about no airport are counted, once', async () => {
  const { append, materializer, vectors } = await startFleet();
  await append('departures', [{ tail: 'N1', origin: null, departed_at: NEWEST_MS + HOUR_MS, delay: 1 }]);
  const views = materializer.status().sources.flatMap((source) => source.views);
  const ofNone = views.map(({ views: [view], counters }) => [view, counters.nullKey]);
  expect(Object.fromEntries(ofNone)).toEqual({ 'delays@1': 1, 'flights@1': 0 });
  const answer = await vectors('airports', { ...JFK, as_of: NEWEST_MS + 2 * HOUR_MS });
  expect(answer.json.vectors[0].values[0]).toBe(12);
});
