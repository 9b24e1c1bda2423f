import { expect, test } from 'vitest';
import { NEWEST_MS, startAirport } from './fixture.ts';

test('a receipt names service, fingerprints, as_of, entity and the position of each shard it was read at', async () => {
  const { vectors, definitions } = await startAirport();
  const answer = await vectors('departure_delay', {
    entities: [{ scheduled_hour: 17, origin: 'JFK' }],
    as_of: NEWEST_MS,
    include: ['receipt'],
    features: ['departures_24h', 'rough'],
  });
  const [{ receipt }] = answer.json.vectors;
  expect(receipt).toMatch(/^[A-Za-z0-9_-]+$/);
  const decoded = JSON.parse(Buffer.from(receipt, 'base64url').toString('utf8'));
  const shard = (view: string, source: string, position: number) => ({
    view,
    state_fingerprint: definitions.views.get(view)?.stateFingerprint,
    read_fingerprint: definitions.views.get(view)?.readFingerprint,
    source,
    entity_key: 'origin',
    partition: 0,
    position: { 0: position },
  });
  expect(decoded).toEqual({
    format: 1,
    service: 'departure_delay',
    version: 1,
    fingerprint: answer.json.fingerprint,
    as_of: '2013-01-31T17:00:00.000Z',
    entity: { origin: 'JFK', scheduled_hour: 17 },
    shards: [shard('delays@1', 'departures', 4), shard('winds@1', 'weather', 1)],
  });
});

test("the same read has the same receipt, whatever the order of the request's fields", async () => {
  const { vectors } = await startAirport();
  const ask = async (row: object) => {
    const request = { entities: [row], as_of: NEWEST_MS, include: ['receipt'] };
    return (await vectors('departure_delay', request)).json.vectors[0].receipt as string;
  };
  expect(await ask({ origin: 'JFK', scheduled_hour: 1 })).toBe(await ask({ scheduled_hour: 1, origin: 'JFK' }));
  expect(await ask({ origin: 'JFK', scheduled_hour: 1 })).not.toBe(await ask({ origin: 'JFK', scheduled_hour: 2 }));
});
