/** Vectors served through the tier, over the embedded store, whose commits are told in the same process. */
import { expect, test } from 'vitest';
import { type Tier, createTier } from '../../../src/cache/tier.ts';
import { createStateDecoder } from '../../../src/serve/state-decoder.ts';
import type { Store } from '../../../src/store/store.ts';
import type { HarnessOptions } from '../harness.ts';
import { DEFINITIONS, HOUR_MS, NEWEST_MS, ROW, replacingReads, startAirport } from './fixture.ts';

const FEATURES = ['departures_24h', 'wind_24h'];
const REQUEST = { entities: [ROW], as_of: NEWEST_MS + 1, features: FEATURES };

/** An airport behind a tier, which nobody starts: it reads no checkpoints unless a test says so. */
async function startCached(options: Partial<HarnessOptions> = {}, stalenessMs = HOUR_MS) {
  let tier: Tier | null = null;
  const harness = await startAirport({
    ...options,
    tierOf(store, definitions, clock) {
      tier = createTier({ store, decode: createStateDecoder(definitions), clock, stalenessMs });
      return tier;
    },
  });
  return { ...harness, tier: tier as unknown as Tier };
}

function deaf(store: Store): Store {
  const nothing = (): undefined => undefined;
  return { ...store, subscribe: () => ({ follow: nothing, unfollow: nothing, close: () => Promise.resolve() }) };
}

function counting(): { readonly wrapStore: (store: Store) => Store; entitiesRead(): number } {
  let entitiesRead = 0;
  const wrapStore = (store: Store): Store => ({
    ...store,
    read(shard, sections) {
      for (const { entities } of sections) entitiesRead += entities.length;
      return store.read(shard, sections);
    },
  });
  return { wrapStore, entitiesRead: () => entitiesRead };
}

test('the second request reads no state, and gets the same bytes', async () => {
  const { wrapStore, entitiesRead } = counting();
  const { vectors } = await startCached({ wrapStore });
  const first = await vectors('departure_delay', REQUEST);
  const read = entitiesRead();
  expect(read).toBeGreaterThan(0);
  for (let time = 0; time < 10; time++) expect((await vectors('departure_delay', REQUEST)).text).toBe(first.text);
  expect(entitiesRead()).toBe(read);
});

test('what was just written is served, for the store tells of it', async () => {
  const { vectors, append } = await startCached();
  await vectors('departure_delay', REQUEST);
  for (let written = 1; written <= 5; written++) {
    await append('departures', [{ origin: 'JFK', departed_at: NEWEST_MS - written, delay: 1 }]);
    const { json } = await vectors('departure_delay', REQUEST);
    expect(json.vectors[0].values[0]).toBe(2 + written);
  }
});

test('after reads what was written beyond what is kept, where nobody told of it', async () => {
  const { vectors, post } = await startCached({ wrapStore: deaf });
  await vectors('departure_delay', REQUEST);
  const event = { origin: 'JFK', departed_at: NEWEST_MS - 1, delay: 1 };
  const { json } = await post('/v1/sources/departures/events', { events: [event] });
  const after = await vectors('departure_delay', { ...REQUEST, after: json.position, budget_ms: 10_000 });
  expect(after.json.vectors[0].values[0]).toBe(3);
});

test('after waits for the views that are asked for, whatever else is read of their shard', async () => {
  const another = `
  - { name: another, entity: airport, source: departures, features: [{ name: longest, agg: max, of: delay, windows: [24h] }] }
services:
  - { name: others, features: [another.*] }`;
  let behind = '';
  const wrapStore = (store: Store): Store => ({
    ...deaf(store),
    async read(shard, sections) {
      const reads = await store.read(shard, sections);
      return reads.map(({ checkpoint, states }, index) =>
        checkpoint !== null && sections[index]?.fingerprint === behind
          ? { checkpoint: { ...checkpoint, position: {} }, states }
          : { checkpoint, states },
      );
    },
  });
  const { vectors, post, definitions } = await startCached({
    wrapStore,
    definitions: DEFINITIONS.replace('\nservices:', another),
  });
  behind = definitions.views.get('another@1')?.stateFingerprint ?? '';
  await vectors('others', { entities: [{ origin: 'JFK' }], as_of: NEWEST_MS });
  const event = { origin: 'JFK', departed_at: NEWEST_MS - 1, delay: 1 };
  const { json } = await post('/v1/sources/departures/events', { events: [event] });
  const after = await vectors('departure_delay', { ...REQUEST, after: json.position, budget_ms: 5_000 });
  expect(after.json.vectors[0].values[0]).toBe(3);
});

test('a store that is away: kept values are served within the bound, and then they are UNAVAILABLE', async () => {
  let away = false;
  const wrapStore = replacingReads((_source, read) => (away ? Promise.reject(new Error('away')) : read()));
  const { vectors, clock, tier } = await startCached({ wrapStore }, 60_000);
  const before = await vectors('departure_delay', REQUEST);
  expect(before.headers['x-skewless-degraded']).toBeUndefined();
  away = true;
  await tier.check();
  const kept = await vectors('departure_delay', REQUEST);
  expect([kept.text, kept.headers['x-skewless-degraded']]).toEqual([before.text, 'store']);
  const more = await vectors('departure_delay', { ...REQUEST, entities: [ROW, { origin: 'LGA', scheduled_hour: 1 }] });
  expect(more.json.vectors[0].values).toEqual([2, 12.5]);
  expect(more.headers['x-skewless-degraded']).toBe('store');
  expect(more.json.vectors[1].issues).toEqual({ departures_24h: 'UNAVAILABLE', wind_24h: 'UNAVAILABLE' });
  clock.offsetMs += 60_001;
  expect((await vectors('departure_delay', REQUEST)).status).toBe(503);
});

test('STALE is told of what is kept by the owner that was last heard of', async () => {
  const { vectors, clock, materializer } = await startCached();
  await vectors('departure_delay', REQUEST);
  await materializer.stop();
  clock.offsetMs += 61_000;
  const { json } = await vectors('departure_delay', REQUEST);
  expect(json.vectors[0].issues).toEqual({ departures_24h: 'STALE', wind_24h: 'STALE' });
});
