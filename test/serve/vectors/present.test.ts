import { expect, test } from 'vitest';
import { EVENTS, HOUR_MS, MINUTE_MS, NEWEST_MS, ROW, startAirport } from './fixture.ts';

const AS_OF = '2013-01-31T17:00:00Z';

test('PRESENT: values are those of the window, the event at as_of excluded, and no issues are listed', async () => {
  const { vectors } = await startAirport();
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: AS_OF,
    include: ['status', 'event_time'],
    features: ['departures_1h', 'departures_24h', 'delay_mean_24h', 'since_24h'],
  });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.json).toEqual({
    service: 'departure_delay',
    version: 1,
    fingerprint: expect.stringMatching(/^[0-9a-f]{32,64}$/) as unknown,
    as_of: '2013-01-31T17:00:00.000Z',
    features: ['departures_1h', 'departures_24h', 'delay_mean_24h', 'since_24h'],
    vectors: [
      {
        values: [1, 2, 20, 10 * MINUTE_MS],
        status: ['PRESENT', 'PRESENT', 'PRESENT', 'PRESENT'],
        event_time: Array(4).fill('2013-01-31T16:50:00.000Z'),
      },
    ],
  });
});

test('status and event_time are absent unless included', async () => {
  const { vectors } = await startAirport();
  const answer = await vectors('departure_delay', { entities: [ROW], as_of: AS_OF, features: ['departures_1h'] });
  expect(answer.json.vectors).toEqual([{ values: [1] }]);
});

test('as_of as integer milliseconds and as RFC 3339 with another offset mean the same', async () => {
  const { vectors } = await startAirport();
  const ask = async (asOf: unknown) =>
    (await vectors('departure_delay', { entities: [ROW], as_of: asOf, include: ['status'] })).json;
  const expected = await ask(AS_OF);
  expect(await ask(NEWEST_MS)).toEqual(expected);
  expect(await ask('2013-01-31T12:00:00-05:00')).toEqual(expected);
});

test('features selects in the order asked for, derived ones with what they need', async () => {
  const { vectors } = await startAirport();
  const features = ['rough', 'delay_ratio', 'departures_1h'];
  const answer = await vectors('departure_delay', { entities: [ROW], as_of: NEWEST_MS + 1, features });
  expect(answer.json.features).toEqual(features);
  expect(answer.json.vectors[0].values).toEqual([false, 10 / 20, 1]);
});

test('common is merged under each row, and a row has the last word', async () => {
  const { vectors } = await startAirport();
  const answer = await vectors('departure_delay', {
    entities: [{ origin: 'JFK' }, { origin: 'EWR', scheduled_hour: 3 }, {}],
    common: { scheduled_hour: 17, origin: 'LGA' },
    as_of: NEWEST_MS + 1,
    features: ['departures_24h'],
  });
  expect(answer.json.vectors.map(({ values }: { values: unknown }) => values)).toEqual([[2], [1], [1]]);
});

test('the version of the service may be named, and a matching fingerprint changes nothing', async () => {
  const { vectors } = await startAirport();
  const plain = await vectors('departure_delay', { entities: [ROW], as_of: AS_OF });
  const named = await vectors('departure_delay@1', {
    entities: [ROW],
    as_of: AS_OF,
    fingerprint: plain.json.fingerprint,
    layout: 'rows',
  });
  expect(named.json).toEqual(plain.json);
});

test('a thousand rows are served, in order', async () => {
  const { vectors } = await startAirport();
  const entities = Array.from({ length: 1_000 }, (_, index) => ({
    origin: index % 2 === 0 ? 'JFK' : 'LGA',
    scheduled_hour: index % 24,
  }));
  const answer = await vectors('departure_delay', { entities, as_of: NEWEST_MS, features: ['departures_24h'] });
  expect(answer.json.vectors).toHaveLength(1_000);
  expect(answer.json.vectors.slice(-2)).toEqual([{ values: [2] }, { values: [1] }]);
});

test('a window that an event has just left no longer counts it: exact at the edge, aligned at the tail', async () => {
  const { vectors } = await startAirport();
  const countAt = async (asOf: number) => {
    const request = { entities: [ROW], as_of: asOf, features: ['departures_1h'] };
    return (await vectors('departure_delay', request)).json.vectors[0].values[0] as number;
  };
  const [, second] = EVENTS.departures;
  const ts = second?.departed_at ?? 0;
  expect([await countAt(ts), await countAt(ts + 1)]).toEqual([0, 1]);
  expect([await countAt(ts + HOUR_MS + MINUTE_MS - 1), await countAt(ts + HOUR_MS + MINUTE_MS)]).toEqual([1, 0]);
});
