import { expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS, NEWEST_MS, ROW, startAirport } from './fixture.ts';

const INCLUDE = ['explain'];

test('explain names window and event coordinates of a value, and the inputs of a derived one', async () => {
  const { vectors, definitions } = await startAirport();
  const view = definitions.views.get('delays@1');
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS,
    include: INCLUDE,
    features: ['departures_1h', 'delay_ratio'],
  });
  expect(answer.json.vectors[0].explain).toEqual({
    departures_1h: {
      view: 'delays@1',
      feature: 'departures_1h',
      state_fingerprint: view?.stateFingerprint,
      read_fingerprint: view?.readFingerprint,
      entity: ['JFK'],
      window: { from: '2013-01-31T16:00:00.000Z', to: '2013-01-31T17:00:00.000Z' },
      sealed_until: null,
      hop: '1m',
      tile_count: 0,
      tiles: [],
      event_count: 1,
      events: [{ ts: '2013-01-31T16:50:00.000Z', partition: 0, offset: 1 }],
    },
    delay_ratio: { expression: 'delay_mean_1h / delay_mean_24h', inputs: ['delay_mean_1h', 'delay_mean_24h'] },
  });
});

test('explain names the coordinates under which the log holds the events, and no others', async () => {
  const origins = ['JFK', 'LGA', 'EWR', 'BOS', 'SFO'];
  const departures = Array.from({ length: 120 }, (_, index) => ({
    origin: origins[(index * 7) % 5],
    departed_at: NEWEST_MS - ((index * 37) % 120) * MINUTE_MS,
    delay: index,
  }));
  const { vectors, log } = await startAirport({ events: { departures }, partitions: 4 });
  for (const origin of origins) {
    const answer = await vectors('departure_delay', {
      entities: [{ origin, scheduled_hour: 1 }],
      as_of: NEWEST_MS,
      include: INCLUDE,
      features: ['departures_1h'],
    });
    const { events } = answer.json.vectors[0].explain.departures_1h as {
      events: { ts: string; partition: number; offset: number }[];
    };
    const held = [];
    for (const { partition, offset } of events) {
      const [record] = await log.read('departures', partition, offset, 1);
      held.push(JSON.parse(Buffer.from(record?.value ?? []).toString()) as (typeof departures)[number]);
    }
    const from = NEWEST_MS - HOUR_MS;
    const ingested = departures.filter(
      (event) => event.origin === origin && event.departed_at >= from && event.departed_at < NEWEST_MS,
    );
    expect(held).toEqual(ingested.toSorted((one, other) => other.departed_at - one.departed_at));
    expect(events.map(({ ts }) => Date.parse(ts))).toEqual(held.map(({ departed_at: at }) => at));
  }
});

test('explain accounts for every event of a count: in head or in tiles, and lists a bounded number', async () => {
  const departures = Array.from({ length: 600 }, (_, index) => ({
    origin: 'JFK',
    departed_at: NEWEST_MS - (600 - index) * 1_000,
    delay: index % 2 === 0 ? index : null,
  }));
  const { vectors } = await startAirport({ events: { departures } });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS,
    include: INCLUDE,
    features: ['departures_24h', 'delay_mean_24h'],
  });
  const { departures_24h: counted, delay_mean_24h: averaged } = answer.json.vectors[0].explain;
  const sealedUntil = Date.parse(counted.sealed_until);
  const inHead = departures.filter(({ departed_at: at }) => at >= sealedUntil);
  expect(counted.event_count).toBe(inHead.length);
  expect(averaged.event_count).toBe(inHead.filter(({ delay }) => delay !== null).length);
  expect(counted.events).toHaveLength(100);
  expect(counted.events[0].ts).toBe(new Date(NEWEST_MS - 1_000).toISOString());
  const tiles = new Set(
    departures
      .filter(({ departed_at: at }) => at < sealedUntil)
      .map(({ departed_at: at }) => Math.floor(at / 900_000) * 900_000),
  );
  expect(counted.tiles.map((start: string) => Date.parse(start))).toEqual([...tiles]);
  expect(counted.tile_count).toBe(tiles.size);
  expect(counted.tile_count).toBeGreaterThan(0);
});

test('explain of an entity that is not known lists nothing', async () => {
  const { vectors } = await startAirport();
  const request = {
    entities: [{ origin: 'XXX', scheduled_hour: 1 }],
    as_of: NEWEST_MS,
    include: INCLUDE,
    features: ['wind_24h'],
  };
  const { explain } = (await vectors('departure_delay', request)).json.vectors[0];
  expect(explain.wind_24h).toMatchObject({ event_count: 0, events: [], tile_count: 0, tiles: [] });
});
