import { expect, test } from 'vitest';
import { keyWith, startGuarded } from '../access/fixture.ts';
import { exceptionOf } from './fixture.ts';

const JFK = { origin: ['JFK'] };
const LISTED = { features: ['delays:departures_1h'], entities: JFK };

test('a feature is read by itself where a service that the key may read serves it', async () => {
  const bonus = keyWith(['read:departure_bonus']);
  const admin = keyWith(['admin']);
  const { call } = await startGuarded([bonus, admin]);
  const ask = async (key: typeof bonus, payload: object) =>
    call({ method: 'POST', url: '/get-online-features', payload, headers: key.headers });
  expect((await ask(bonus, LISTED)).status).toBe(200);
  const seen = await ask(admin, LISTED);
  expect([seen.status, exceptionOf(seen.text)]).toEqual([
    403,
    {
      module: 'feast.errors',
      class: 'FeastPermissionError',
      message: 'this needs a key with the scope read:departure_bonus',
    },
  ]);
  const service = await ask(admin, { feature_service: 'departure_delay@1', entities: JFK });
  expect([service.status, exceptionOf(service.text)]).toMatchObject([403, { class: 'FeastPermissionError' }]);
  expect(seen.headers['www-authenticate']).toContain('insufficient_scope');
});

test('a feature of a view that the key sees, served by none of its services, is forbidden', async () => {
  const definitions = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, fields: { k: string, ts: timestamp, x: "double?" } }
entities: [{ name: one, keys: { k: string } }]
views:
  - { name: v, entity: one, source: s, features: [{ name: n, agg: count }, { name: x, agg: last, of: x }] }
services:
  - { name: open, features: [v.n] }
  - { name: closed, features: [v.x] }
`;
  const key = keyWith(['read:open']);
  const { call } = await startGuarded([key], { definitions, events: {} });
  const ask = (feature: string) =>
    call({
      method: 'POST',
      url: '/get-online-features',
      payload: { features: [feature], entities: { k: ['a'] } },
      headers: key.headers,
    });
  expect((await ask('v:n')).status).toBe(200);
  const withheld = await ask('v:x');
  expect([withheld.status, exceptionOf(withheld.text)]).toMatchObject([
    403,
    { message: 'this needs a key with the scope read:*' },
  ]);
});

test('what the key may not see is not there, in whatever is asked for', async () => {
  const key = keyWith(['read:departure_delay', 'ingest:weather']);
  const { call } = await startGuarded([key]);
  for (const [url, payload, name] of [
    [
      '/get-online-features',
      { feature_service: 'departure_pay', entities: { person: ['a'] } },
      'FeatureServiceNotFoundException',
    ],
    [
      '/get-online-features',
      { features: ['earnings:earned_30d'], entities: { person: ['a'] } },
      'FeatureViewNotFoundException',
    ],
    ['/push', { push_source_name: 'salaries', df: { person: ['a'] } }, 'PushSourceNotFoundException'],
    [
      '/write-to-online-store',
      { feature_view_name: 'earnings', df: { person: ['a'] } },
      'FeatureViewNotFoundException',
    ],
  ] as const) {
    const answer = await call({ method: 'POST', url, payload, headers: key.headers });
    expect(exceptionOf(answer.text), url).toMatchObject({
      class: name,
      message: expect.stringContaining('there is no'),
    });
    expect(answer.text.split('did you mean')[1] ?? '', url).not.toMatch(/pay|salar|earn/);
  }
});

test('401 as a problem, with its challenge, before the body is read', async () => {
  const { call } = await startGuarded([]);
  const answer = await call({ method: 'POST', url: '/get-online-features', payload: '{' });
  expect([answer.status, answer.json.code]).toEqual([401, 'unauthenticated']);
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="skewless"');
});
