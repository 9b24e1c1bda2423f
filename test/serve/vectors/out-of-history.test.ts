import { expect, test } from 'vitest';
import { MINUTE_MS, NEWEST_MS, ROW, startAirport } from './fixture.ts';

/** Enough for the oldest to be sealed into tiles. */
const MANY = Array.from({ length: 400 }, (_, index) => ({
  origin: 'JFK',
  departed_at: NEWEST_MS - (400 - index) * 1_000,
  delay: index,
}));
const AFTERWARDS = [{ origin: 'EWR', departed_at: NEWEST_MS - 5 * MINUTE_MS, delay: 0 }];

test('OUT_OF_HISTORY: an as_of earlier than what is held exactly is withheld, never approximated', async () => {
  const { vectors } = await startAirport({ events: { departures: MANY } });
  const ask = async (asOf: unknown) =>
    (await vectors('departure_delay', { entities: [ROW], as_of: asOf, features: ['departures_24h'] })).json
      .vectors[0] as unknown;
  expect(await ask(NEWEST_MS)).toEqual({ values: [400] });
  const withheld = { values: [null], issues: { departures_24h: 'OUT_OF_HISTORY' } };
  expect(await ask(NEWEST_MS - 300_000)).toEqual(withheld);
  expect(await ask('1970-01-01T00:00:00Z')).toEqual(withheld);
});

test('without a request as_of a row uses the later of the watermark and its sealed_until, and says so', async () => {
  // Another source's earlier watermark is what the request as a whole goes by.
  const weather = [{ origin: 'EWR', observed_at: NEWEST_MS - 6 * MINUTE_MS, wind: 1 }];
  const { vectors } = await startAirport({ events: { departures: [...MANY, ...AFTERWARDS], weather } });
  const answer = await vectors('departure_delay', {
    entities: [ROW, { origin: 'EWR', scheduled_hour: 1 }],
    features: ['departures_24h', 'wind_24h'],
    include: ['receipt'],
  });
  expect(answer.json.as_of).toBe('2013-01-31T16:54:00.000Z');
  const [lifted, plain] = answer.json.vectors;
  expect(plain).not.toHaveProperty('as_of');
  expect(Date.parse(lifted.as_of)).toBeGreaterThan(Date.parse(answer.json.as_of));
  expect(lifted).not.toHaveProperty('issues');
  const receipt = JSON.parse(Buffer.from(lifted.receipt, 'base64url').toString('utf8'));
  expect(receipt.as_of).toBe(lifted.as_of);
  const again = await vectors('departure_delay', {
    entities: [ROW],
    as_of: lifted.as_of,
    features: ['departures_24h'],
  });
  expect(again.json.vectors[0].values[0]).toBe(lifted.values[0]);
});
