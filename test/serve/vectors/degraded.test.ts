/** What requests see of a node that is away, and of the time that they have. */
import { expect, test } from 'vitest';
import { CIRCUIT_BOUNDS, createCircuits } from '../../../src/serve/circuits.ts';
import type { Store } from '../../../src/store/store.ts';
import { outage } from '../../simulation/memory-store.ts';
import { NEWEST_MS, ROW, replacingReads, startAirport } from './fixture.ts';

const FEATURES = ['departures_24h', 'wind_24h'];
const REQUEST = { entities: [ROW], as_of: NEWEST_MS, features: FEATURES };
/** Never again within a test. */
const LASTING = { ...CIRCUIT_BOUNDS, failuresMax: 2, openMs: 3_600_000 };

const onNodes = (store: Store): Store => ({ ...store, nodeOf: ({ source }) => source });

test('once its circuit is open, shards of a node are not asked for, and the others are served', async () => {
  const circuits = createCircuits(undefined, LASTING);
  let asked = 0;
  const failing = replacingReads((source, read) => {
    if (source !== 'weather') return read();
    asked++;
    return Promise.reject(outage());
  });
  const { vectors } = await startAirport({
    wrapStore: (store) => circuits.guard(onNodes(failing(store))),
    dependencies: { circuits },
  });
  for (let request = 0; request < 5; request++) {
    const { status, json } = await vectors('departure_delay', REQUEST);
    expect([status, json.vectors[0].values, json.vectors[0].issues]).toEqual([
      200,
      [2, null],
      { wind_24h: 'UNAVAILABLE' },
    ]);
  }
  expect(asked).toBe(2);
  const alone = await vectors('departure_delay', { ...REQUEST, features: ['wind_24h'] });
  expect([alone.status, alone.json.code, alone.headers['retry-after']]).toEqual([503, 'store_unavailable', '1']);
});

test('an answer that holds values of a node that is away says so, and no other does', async () => {
  let away = '';
  const circuits = { isAway: ({ source }: { readonly source: string }) => source === away };
  const { vectors, get } = await startAirport({ dependencies: { circuits } });
  const flag = async (features: readonly string[]) =>
    (await vectors('departure_delay', { ...REQUEST, features })).headers['x-skewless-degraded'];
  expect(await flag(FEATURES)).toBeUndefined();
  away = 'weather';
  expect(await flag(FEATURES)).toBe('store');
  expect(await flag(['departures_24h'])).toBeUndefined();
  const byHand = await get(
    `/v1/feature-services/departure_delay/vectors?origin=JFK&scheduled_hour=1&as_of=${NEWEST_MS}&features=wind_24h`,
  );
  expect(byHand.headers['x-skewless-degraded']).toBe('store');
});

test('a request without budget_ms has the budget of the server, and one with has its own', async () => {
  const hanging = replacingReads((source, read) => (source === 'weather' ? new Promise(() => {}) : read()));
  const { vectors } = await startAirport({ wrapStore: hanging, readLimitMs: 400, dependencies: { budgetMs: 50 } });
  const issues = async (more: object) =>
    (await vectors('departure_delay', { ...REQUEST, ...more })).json.vectors[0].issues;
  expect(await issues({})).toEqual({ wind_24h: 'TIMED_OUT' });
  expect(await issues({ budget_ms: 10_000 })).toEqual({ wind_24h: 'UNAVAILABLE' });
});

test('asking how many partitions there are takes no longer than the budget', async () => {
  const { vectors, log } = await startAirport({
    materialize: false,
    wrapStore: replacingReads(() => new Promise(() => {})),
  });
  log.ranges = () => new Promise(() => {});
  const { status, json } = await vectors('departure_delay', { ...REQUEST, budget_ms: 20 });
  expect([status, json.vectors[0].issues]).toEqual([200, { departures_24h: 'TIMED_OUT', wind_24h: 'TIMED_OUT' }]);
});
