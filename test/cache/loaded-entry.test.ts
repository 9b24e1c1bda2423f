import { expect, test } from 'vitest';
import { createEntryMemory } from '../../src/cache/entry-memory.ts';
import { type Home, LoadedEntry } from '../../src/cache/loaded-entry.ts';
import { decodeState, takeChange } from '../../src/state/codec.ts';
import { emptyState } from '../../src/state/entity-state.ts';
import { fold } from '../../src/state/fold.ts';
import { MINUTE, NOON, eventsOf, planOf, times } from '../state/support.ts';

test('what is kept holds on to nothing that came with it', () => {
  const plan = planOf({ features: [{ name: 'events', agg: 'count', windows: ['1h'] }], view: { head_max: 2 } });
  const state = emptyState(plan);
  for (const event of eventsOf(plan, times(...Array.from({ length: 9 }, (_none, at) => NOON + at * MINUTE)))) {
    fold(plan, state, event);
  }
  const change = takeChange(plan, state);
  if (change === null || change.tiles === null) throw new Error('nothing is sealed');
  const { length } = change.tiles;
  // As a client of the store answers: a part of all that came through the socket.
  const arrived = Buffer.alloc(65_536);
  arrived.set(change.tiles, 100);
  const stored = { version: change.toVersion, head: change.head.bytes, tiles: arrived.subarray(100, 100 + length) };
  const entry = new LoadedEntry(decodeState(plan, stored), 'e', stored.head.length);
  const home: Home = {
    shard: { id: { source: 's', entityKey: 'k', partition: 0 }, mayServe: () => true, isAway: () => false },
    fingerprint: 'f',
    checkpoint: null,
    proof: 1,
    entries: new Map(),
  };
  createEntryMemory(1e9).keep(home, entry);
  const kept = entry.state?.stored.tiles;
  expect(kept).toEqual(stored.tiles);
  expect(kept?.buffer.byteLength).toBe(length);
});
