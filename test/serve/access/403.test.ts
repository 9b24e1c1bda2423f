import { expect, test } from 'vitest';
import { ROW } from '../vectors/fixture.ts';
import { keyWith, startGuarded, told } from './fixture.ts';

test('403: what the key can see in its catalog, and may not do; the challenge names the scope', async () => {
  const reader = keyWith(['read:departure_delay']);
  const admin = keyWith(['admin']);
  const { call } = await startGuarded([reader, admin]);
  const events = await call({
    method: 'POST',
    url: '/v1/sources/departures/events',
    payload: { events: [{}] },
    headers: reader.headers,
  });
  expect(told(events)).toEqual([403, 'forbidden']);
  expect(events.json.detail).toBe('this needs a key with the scope ingest:departures');
  expect(events.headers['www-authenticate']).toBe(
    'Bearer realm="skewless", error="insufficient_scope", scope="ingest:departures"',
  );
  const vectors = await call({
    method: 'POST',
    url: '/v1/feature-services/departure_delay@1/vectors',
    payload: { entities: [ROW] },
    headers: admin.headers,
  });
  expect([...told(vectors), vectors.json.detail]).toEqual([
    403,
    'forbidden',
    'this needs a key with the scope read:departure_delay',
  ]);
});

test('403: metrics without admin', async () => {
  const reader = keyWith(['read:*', 'ingest:*']);
  const { call } = await startGuarded([reader]);
  expect(told(await call({ url: '/metrics', headers: reader.headers }))).toEqual([403, 'forbidden']);
});
