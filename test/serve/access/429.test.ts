import { expect, onTestFinished, test, vi } from 'vitest';
import type { Answer } from '../harness.ts';
import { createKeyRing } from '../../../src/serve/access/key-ring.ts';
import { keyWith, startGuarded, told } from './fixture.ts';

const LISTS = '/v1/feature-services';
const limits = ({ headers }: Answer) =>
  ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'].map((name) => headers[name]);

/** The limiter counts by the process's clock; from here on it stands still until it is moved. */
function stopClock(): { advance(ms: number): void } {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  return { advance: (ms) => void vi.setSystemTime(Date.now() + ms) };
}

test('429: a key that has used up its rate is told when to come back, and then may', async () => {
  const key = keyWith(['read:*'], { rate: { requests: 2, windowMs: 60_000 } });
  const { call } = await startGuarded([key]);
  const clock = stopClock();
  const ask = () => call({ url: LISTS, headers: key.headers });
  expect(limits(await ask())).toEqual(['2', '1', '60', undefined]);
  clock.advance(20_000);
  expect(limits(await ask())).toEqual(['2', '0', '40', undefined]);
  const refused = await ask();
  expect(told(refused)).toEqual([429, 'rate_limited']);
  expect(limits(refused)).toEqual(['2', '0', '40', '40']);
  expect(refused.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  clock.advance(39_999);
  expect((await ask()).status).toBe(429);
  clock.advance(1);
  expect((await ask()).status).toBe(200);
});

test('each key is counted by itself, also under one name; refused requests count, unknown keys count for nobody', async () => {
  const rate = { requests: 2, windowMs: 60_000 };
  const [one, other] = [keyWith(['read:*'], { rate }), keyWith(['read:*'], { rate })];
  const { call } = await startGuarded([one, other]);
  stopClock();
  const status = async (headers: object, url = LISTS) => (await call({ url, headers: { ...headers } })).status;
  for (let at = 0; at < 5; at++) {
    expect(await status({ authorization: `Bearer ${one.text.slice(0, -2)}--` })).toBe(401);
  }
  expect(await status(one.headers, '/metrics')).toBe(403);
  expect(await status(one.headers, '/nowhere')).toBe(404);
  expect(await status(one.headers)).toBe(429);
  expect(await status(other.headers)).toBe(200);
});

test('a key without a rate has that of the server; without one of that either, no limit', async () => {
  const [limited, slow, free] = [
    keyWith(['read:*']),
    keyWith(['read:*'], { rate: { requests: 1, windowMs: 1_000 } }),
    keyWith(['read:*']),
  ];
  const server = await startGuarded([limited, slow], { rate: { requests: 3, windowMs: 1_000 } });
  const unlimited = await startGuarded([free]);
  stopClock();
  const granted = async ({ call }: typeof server, headers: object) => {
    const statuses: number[] = [];
    for (let at = 0; at < 5; at++) statuses.push((await call({ url: LISTS, headers: { ...headers } })).status);
    return statuses.filter((status) => status === 200).length;
  };
  expect(await granted(server, limited.headers)).toBe(3);
  expect(await granted(server, slow.headers)).toBe(1);
  expect(await granted(unlimited, free.headers)).toBe(5);
  expect(limits(await unlimited.call({ url: LISTS, headers: free.headers }))).toEqual(Array(4).fill(undefined));
});

test('another rate in the file holds from the next request on', async () => {
  const key = keyWith(['read:*'], { rate: { requests: 1, windowMs: 60_000 } });
  const keys = { ring: createKeyRing([key.key]) };
  const { call } = await startGuarded([], { keys });
  stopClock();
  const ask = async () => (await call({ url: LISTS, headers: key.headers })).status;
  expect([await ask(), await ask()]).toEqual([200, 429]);
  keys.ring = createKeyRing([{ ...key.key, rate: { requests: 10, windowMs: 60_000 } }]);
  expect(await ask()).toBe(200);
});

test('429 without keys: by client address, an IPv6 network as one; probes are never limited', async () => {
  const { app, get } = await startGuarded([], { keys: null, rate: { requests: 1, windowMs: 60_000 } });
  stopClock();
  const from = async (remoteAddress: string) => (await app.inject({ url: LISTS, remoteAddress })).statusCode;
  expect([await from('10.0.0.1'), await from('10.0.0.1'), await from('10.0.0.2')]).toEqual([200, 429, 200]);
  expect([await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8:0:1::1')]).toEqual([
    200, 429, 200,
  ]);
  for (let at = 0; at < 5; at++) expect((await get('/livez')).status).toBe(200);
});
