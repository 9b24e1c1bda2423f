import { setTimeout as delay } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { NEWEST_MS, ROW, startAirport } from './vectors/fixture.ts';

/** A store whose reads wait until `open` is called. */
function gated(): { readonly wrapStore: (store: Store) => Store; open(): void; waiting(): number } {
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  return {
    wrapStore: (store) => ({
      ...store,
      async read(shard, sections) {
        waiting++;
        await gate.promise;
        return store.read(shard, sections);
      },
    }),
    open: () => gate.resolve(),
    waiting: () => waiting,
  };
}

const REQUEST = { entities: [ROW], as_of: NEWEST_MS, features: ['wind_24h'] };

test('beyond the bound a request is refused at once, probes are not, and those inside are finished', async () => {
  const gate = gated();
  const { vectors, get } = await startAirport({ wrapStore: gate.wrapStore, inflightMax: 2 });
  const inside = [vectors('departure_delay', REQUEST), vectors('departure_delay', REQUEST)];
  await expect.poll(gate.waiting).toBe(2);
  const inflight = async () => /^skewless_inflight_requests (\d+)$/m.exec((await get('/metrics')).text)?.[1];
  // With the one that asks.
  expect(await inflight()).toBe('3');
  const refused = await vectors('departure_delay', REQUEST);
  expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([503, 'overloaded', '1']);
  expect((await get('/livez')).status).toBe(200);
  gate.open();
  expect((await Promise.all(inside)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await vectors('departure_delay', REQUEST)).status).toBe(200);
  expect(await inflight()).toBe('1');
});

test('closing finishes what is being answered, and refuses what comes', async () => {
  const gate = gated();
  const { app } = await startAirport({ wrapStore: gate.wrapStore });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1/feature-services/departure_delay/vectors`;
  const send = () =>
    fetch(url, { method: 'POST', body: JSON.stringify(REQUEST), headers: { 'content-type': 'application/json' } });
  const inside = send();
  await expect.poll(gate.waiting).toBe(1);
  const closed = app.close();
  await delay(20);
  await expect(send()).rejects.toThrow();
  gate.open();
  const answered = await inside;
  expect([answered.status, await answered.json()]).toMatchObject([200, { vectors: [{ values: [0] }] }]);
  // Else closing would wait until the client lets go of its connection.
  expect(answered.headers.get('connection')).toBe('close');
  await closed;
});

test('under pressure requests are refused at once, with a time to try again, and probes and metrics are not', async () => {
  const pressure = { eventLoopDelayMs: 1_000, heapBytesMax: 1, sampleMs: 100 };
  const { vectors, get } = await startAirport({ dependencies: { pressure } });
  const refusal = async () => {
    const { status, json, headers } = await vectors('departure_delay', REQUEST);
    return [status, json.code, json.detail, headers['retry-after']];
  };
  await expect.poll(refusal).toEqual([503, 'overloaded', 'this server is short of memory', '1']);
  for (const path of ['/livez', '/readyz', '/metrics', '/readyz?verbose']) expect((await get(path)).status).toBe(200);
  expect((await get('/metrics')).text).toMatch(/skewless_requests_refused_total\{reason="heap".*\} [1-9]/);
});

test('one long pause, as after a start, turns nobody away', async () => {
  const [eventLoopDelayMs, sampleMs] = [50, 100];
  const pressure = { eventLoopDelayMs, heapBytesMax: Number.MAX_SAFE_INTEGER, sampleMs };
  const { app, vectors } = await startAirport({ dependencies: { pressure } });
  const isLate = (): boolean => app.memoryUsage().eventLoopDelay > eventLoopDelayMs;
  const untilMs = performance.now() + 10 * sampleMs;
  while (performance.now() < untilMs);
  await expect.poll(isLate, { interval: 1 }).toBe(true);
  const statuses = new Set<number>();
  // Samples are taken between requests, which a refusal by itself leaves no room for.
  for (; isLate(); await delay(1)) statuses.add((await vectors('departure_delay', REQUEST)).status);
  expect([...statuses]).toEqual([200]);
});

test('a process that is behind with its work says so, until it has caught up', async () => {
  const pressure = { eventLoopDelayMs: 50, heapBytesMax: Number.MAX_SAFE_INTEGER, sampleMs: 20 };
  const { vectors, get } = await startAirport({ dependencies: { pressure } });
  const busy = setInterval(() => {
    const untilMs = performance.now() + 150;
    while (performance.now() < untilMs);
  }, 1);
  await expect
    .poll(async () => (await vectors('departure_delay', REQUEST)).json.detail)
    .toMatch(/behind with its work/);
  expect((await get('/readyz')).status).toBe(200);
  clearInterval(busy);
  await expect.poll(async () => (await vectors('departure_delay', REQUEST)).status).toBe(200);
});
