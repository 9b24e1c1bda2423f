import { expect, test } from 'vitest';
import { createKeyRing } from '../../../src/serve/access/key-ring.ts';
import { createKey } from '../../../src/serve/access/key-text.ts';
import { ROW } from '../vectors/fixture.ts';
import { keyWith, startGuarded, told } from './fixture.ts';

const LISTS = '/v1/feature-services';

test('401: without a key, with another scheme, and with what is no key; each says how to come with one', async () => {
  const { call } = await startGuarded([keyWith(['admin'])]);
  const answered = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await call({ method: 'GET', url: LISTS, headers });
    return [...told(answer), answer.headers['www-authenticate']];
  };
  const challenge = 'Bearer realm="skewless"';
  const invalid = `${challenge}, error="invalid_token"`;
  expect(await answered()).toEqual([401, 'unauthenticated', challenge]);
  expect(await answered('Basic dXNlcjpwYXNz')).toEqual([401, 'unauthenticated', challenge]);
  expect(await answered('Bearer')).toEqual([401, 'unauthenticated', challenge]);
  expect(await answered('Bearer two words')).toEqual([401, 'unauthenticated', challenge]);
  expect(await answered('Bearer nonsense')).toEqual([401, 'invalid_key', invalid]);
  expect(await answered(`Bearer ${createKey().text}`)).toEqual([401, 'invalid_key', invalid]);
});

test('401: a key with one letter changed, and a secret under the id of another key', async () => {
  const [one, other] = [keyWith(['admin']), keyWith(['admin'])];
  const { call } = await startGuarded([one, other]);
  const status = async (text: string) => told(await call({ url: LISTS, headers: { authorization: `Bearer ${text}` } }));
  expect((await status(one.text))[0]).toBe(200);
  const last = one.text.at(-1) === 'A' ? 'B' : 'A';
  expect(await status(one.text.slice(0, -1) + last)).toEqual([401, 'invalid_key']);
  expect(await status(one.text.replace(one.key.id, other.key.id))).toEqual([401, 'invalid_key']);
});

test('the scheme is read in any case, and nothing but the header is looked at', async () => {
  const { text } = keyWith(['admin']);
  const key = keyWith(['admin']);
  const { call } = await startGuarded([key]);
  expect((await call({ url: LISTS, headers: { authorization: `bearer  ${key.text}` } })).status).toBe(200);
  expect((await call({ url: `${LISTS}?access_token=${text}` })).status).toBe(401);
  expect((await call({ url: LISTS, headers: { 'x-api-key': key.text, cookie: `key=${key.text}` } })).status).toBe(401);
});

test('401: an expired key, from its very millisecond on; only who has all of it is told so', async () => {
  const key = keyWith(['read:*'], { expiresMs: Date.UTC(2030, 0, 1) });
  const { call, clock } = await startGuarded([key]);
  const answered = async (text: string) =>
    told(await call({ url: LISTS, headers: { authorization: `Bearer ${text}` } }));
  clock.nowMs = () => Date.UTC(2030, 0, 1) - 1;
  expect((await answered(key.text))[0]).toBe(200);
  clock.nowMs = () => Date.UTC(2030, 0, 1);
  expect(await answered(key.text)).toEqual([401, 'expired_key']);
  expect(await answered(`${key.text.slice(0, -2)}--`)).toEqual([401, 'invalid_key']);
});

test('401: a key that was taken out of the ring while the server runs', async () => {
  const key = keyWith(['read:*']);
  const keys = { ring: createKeyRing([key.key]) };
  const { call } = await startGuarded([], { keys });
  expect((await call({ url: LISTS, headers: key.headers })).status).toBe(200);
  keys.ring = createKeyRing([]);
  expect(told(await call({ url: LISTS, headers: key.headers }))).toEqual([401, 'invalid_key']);
});

test('401 comes before anything of the request is told: unknown paths, wrong methods, broken bodies', async () => {
  const key = keyWith(['admin']);
  const { call } = await startGuarded([key]);
  const both = async (request: { method: 'GET' | 'PUT' | 'POST'; url: string; payload?: string }) => {
    const type = request.payload === undefined ? {} : { 'content-type': 'application/json' };
    const without = await call({ ...request, headers: type });
    const withKey = await call({ ...request, headers: { ...type, ...key.headers } });
    return [without.status, withKey.status];
  };
  expect(await both({ method: 'GET', url: '/nope' })).toEqual([401, 404]);
  expect(await both({ method: 'PUT', url: LISTS })).toEqual([401, 405]);
  expect(await both({ method: 'POST', url: '/v1/feature-services/nope/vectors', payload: '{' })).toEqual([401, 404]);
  expect(await both({ method: 'GET', url: `${LISTS}?limit=x` })).toEqual([401, 400]);
});

test('probes are open', async () => {
  const { get } = await startGuarded([]);
  expect((await get('/livez')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
});

test('no key is ever logged or answered, nor part of one', async () => {
  const key = keyWith(['admin']);
  const wrong = keyWith(['admin']);
  const { call, vectors, logged, clock } = await startGuarded([key]);
  const secrets = [key.text, wrong.text].map((text) => text.slice(17, 40));
  const texts: string[] = [];
  for (const { headers, text } of [key, wrong]) {
    texts.push((await call({ url: '/metrics', headers })).text);
    texts.push((await call({ url: `/v1/feature-services/${text}`, headers: {} })).text);
    texts.push((await call({ url: LISTS, headers: { authorization: `Basic ${text}` } })).text);
  }
  texts.push((await vectors('departure_delay', { entities: [ROW] })).text);
  clock.nowMs = () => {
    throw new TypeError('a fault while the key is in hand');
  };
  const failed = await call({ url: LISTS, headers: key.headers });
  expect(failed.status).toBe(500);
  expect(logged.length).toBeGreaterThan(0);
  const everything = [...texts, failed.text, JSON.stringify(logged)].join('\n');
  for (const secret of secrets) expect(everything).not.toContain(secret);
});
