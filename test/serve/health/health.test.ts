import { expect, test } from 'vitest';
import { SkewlessError } from '../../../src/core/errors.ts';
import { createDrain } from '../../../src/serve/drain.ts';
import { startGuarded } from '../access/fixture.ts';
import { replacingReads, startAirport } from '../vectors/fixture.ts';

/** Within it, probes are told the same. */
const SHARED_MS = 250;

test('livez answers whatever the store does', async () => {
  const { get, store } = await startAirport({ materialize: false });
  store.ping = () => Promise.reject(new SkewlessError('down', 'down', { retryable: true }));
  expect(await get('/livez')).toMatchObject({ status: 200, json: { status: 'alive' } });
});

test('readyz is 503 with every reason until all shards have reached their build target', async () => {
  const { get, materializer } = await startAirport({ materialize: false });
  const before = await get('/readyz');
  expect(before.status).toBe(503);
  expect(before.headers['retry-after']).toBe('1');
  expect(
    before.json.errors.map(({ code, message }: { code: string; message: string }) => `${code}: ${message}`),
  ).toEqual([
    'rebuilding: view delays@1, partition 0 is at 0 of an unknown number of records',
    'rebuilding: view winds@1, partition 0 is at 0 of an unknown number of records',
  ]);
  await materializer.start();
  await expect.poll(async () => (await get('/readyz')).status, { timeout: 10_000 }).toBe(200);
});

test('readyz is 503 while the store does not answer', async () => {
  const { get: ask, store, clock } = await startAirport();
  const get = (url: string) => {
    clock.offsetMs += SHARED_MS;
    return ask(url);
  };
  expect((await get('/readyz')).json).toEqual({ status: 'ready' });
  const down = new SkewlessError('down', 'connection refused', { retryable: true });
  store.ping = () => Promise.reject(down);
  const refused = await get('/readyz');
  expect([refused.status, refused.json.code]).toEqual([503, 'store_unavailable']);
  expect(refused.json.detail).toContain('connection refused');
  store.ping = () => new Promise(() => {});
  expect((await get('/readyz')).json.detail).toContain('did not answer');
  store.ping = () => Promise.resolve();
  expect((await get('/readyz')).status).toBe(200);
});

test('readyz does not wait for the log: what is built is served without it', async () => {
  const { get, log } = await startAirport();
  log.ranges = () => new Promise(() => undefined);
  expect((await get('/readyz')).json).toEqual({ status: 'ready' });
});

test('readyz is 503 log_unavailable where the log alone could say how many partitions there are, and hangs', async () => {
  const { get, log } = await startAirport({ materialize: false });
  log.ranges = () => new Promise(() => undefined);
  const answer = await get('/readyz');
  expect([answer.status, answer.json.code]).toEqual([503, 'log_unavailable']);
});

test('readyz is 503 while the store answers pings and hangs over reads', async () => {
  const { get } = await startAirport({ wrapStore: replacingReads(() => new Promise(() => undefined)) });
  const answer = await get('/readyz');
  expect([answer.status, answer.json.code]).toEqual([503, 'store_unavailable']);
});

test('probes that come together, or soon after one another, share one reading', async () => {
  const { get, store, clock } = await startAirport();
  const nowMs = clock.nowMs();
  let ageMs = 0;
  clock.nowMs = () => nowMs + ageMs;
  const gate = Promise.withResolvers<void>();
  let pings = 0;
  store.ping = () => {
    pings++;
    return gate.promise;
  };
  const together = Promise.all([get('/readyz'), get('/readyz'), get('/readyz')]);
  await expect.poll(() => pings).toBe(1);
  gate.resolve();
  expect((await together).map(({ status }) => status)).toEqual([200, 200, 200]);
  ageMs = SHARED_MS - 1;
  await get('/readyz');
  expect(pings).toBe(1);
  ageMs = SHARED_MS;
  await get('/readyz');
  expect(pings).toBe(2);
});

test('where keys are asked for, the open probe tells codes and numbers, and the log tells the rest once per change', async () => {
  const { get, store, logged, clock, materializer } = await startGuarded([], { materialize: false });
  const ask = async () => {
    clock.offsetMs += SHARED_MS;
    const { status, json, text } = await get('/readyz');
    for (const name of ['delays', 'winds', 'earnings', 'departures', 'weather', 'salaries', '10.0.0.7'])
      expect(text).not.toContain(name);
    const errors = (json.errors ?? []) as { code: string; message: string }[];
    return [status, ...errors.map(({ code, message }) => `${code}: ${/^\d+/.exec(message)?.[0]}`)];
  };
  const said = () =>
    logged.filter(({ msg }) => msg === 'not ready' || msg === 'ready').map(({ msg, reasons }) => [msg, reasons]);
  expect([await ask(), await ask()]).toEqual([
    [503, 'rebuilding: 4'],
    [503, 'rebuilding: 4'],
  ]);
  expect(said()).toEqual([
    [
      'not ready',
      expect.arrayContaining(['rebuilding: view winds@1, partition 0 is at 0 of an unknown number of records']),
    ],
  ]);
  const { ping } = store;
  store.ping = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:6379'));
  expect([await ask(), await ask()]).toEqual([
    [503, 'store_unavailable: 1'],
    [503, 'store_unavailable: 1'],
  ]);
  expect(said().slice(1)).toEqual([
    ['not ready', ['store_unavailable: the store cannot be reached: connect ECONNREFUSED 10.0.0.7:6379']],
  ]);
  store.ping = ping;
  await materializer.start();
  await expect.poll(async () => (await ask())[0], { timeout: 10_000 }).toBe(200);
  expect(await ask()).toEqual([200]);
  expect(said().at(-1)).toEqual(['ready', undefined]);
  expect(said().filter(([msg]) => msg === 'ready')).toHaveLength(1);
});

test('health, as Feast asks for it, is 200 whatever the store does, and 503 once the server is told to stop', async () => {
  const drain = createDrain();
  const { get, store } = await startAirport({ dependencies: { drain } });
  store.ping = () => Promise.reject(new SkewlessError('down', 'down', { retryable: true }));
  expect(await get('/health')).toMatchObject({ status: 200, json: { status: 'healthy' } });
  await drain.begin(0);
  expect(await get('/health')).toMatchObject({ status: 503, json: { code: 'draining' } });
});
