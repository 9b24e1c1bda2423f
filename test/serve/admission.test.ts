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
  const refused = await vectors('departure_delay', REQUEST);
  expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([503, 'overloaded', '1']);
  expect((await get('/livez')).status).toBe(200);
  gate.open();
  expect((await Promise.all(inside)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await vectors('departure_delay', REQUEST)).status).toBe(200);
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
