import { expect, test } from 'vitest';
import { SkewlessError } from '../../../src/core/errors.ts';
import { createDrain } from '../../../src/serve/drain.ts';
import { startAirport } from '../vectors/fixture.ts';

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
  const { get, store } = await startAirport();
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

test('health, as Feast asks for it, is 200 whatever the store does, and 503 once the server is told to stop', async () => {
  const drain = createDrain();
  const { get, store } = await startAirport({ dependencies: { drain } });
  store.ping = () => Promise.reject(new SkewlessError('down', 'down', { retryable: true }));
  expect(await get('/health')).toMatchObject({ status: 200, json: { status: 'healthy' } });
  await drain.begin(0);
  expect(await get('/health')).toMatchObject({ status: 503, json: { code: 'draining' } });
});
