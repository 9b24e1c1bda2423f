/** Reads by somebody who has tiles of earlier reads, right ones and wrong ones, say what plain reads say. */
import { expect } from 'vitest';
import { takeChange } from '../../src/state/codec.ts';
import { type EntityState, emptyState } from '../../src/state/entity-state.ts';
import { eraseState } from '../../src/state/erase.ts';
import { fold } from '../../src/state/fold.ts';
import type { StateChange } from '../../src/state/state.ts';
import type { CommitSection, ShardId, Store } from '../../src/store/store.ts';
import { eventsOf, MINUTE, NOON, planOf, SECOND } from '../state/support.ts';
import { randomFrom } from './random.ts';

const STEPS = 150;
const ENTITIES = ['a', 'b', 'nobody'];
const PLAN = planOf({ features: [{ name: 'n', agg: 'count', windows: ['1h'] }], view: { head_max: 6 } });

export type SectionOf = (
  from: number | null,
  to: number,
  changes: Readonly<Record<string, StateChange>>,
) => CommitSection;

export async function compareKnownTiles(
  store: Store,
  shard: ShardId,
  sectionOf: SectionOf,
  seed: number,
): Promise<void> {
  const random = randomFrom(seed);
  const states = new Map<string, EntityState>();
  const seen: Uint8Array[] = [];
  const latest = new Map<string, Uint8Array>();
  const tally = { right: 0, wrong: 0 };
  let position = 0;
  for (let step = 0; step < STEPS; step++) {
    const entity = random.pick(['a', 'b']);
    const state = states.get(entity) ?? emptyState(PLAN);
    states.set(entity, state);
    if (random.chance(0.03)) eraseState(state);
    else {
      const lateMs = random.chance(0.2) ? random.int(10) * MINUTE : 0;
      for (const event of eventsOf(PLAN, [[NOON + step * 20 * SECOND - lateMs]])) fold(PLAN, state, event);
    }
    const change = takeChange(PLAN, state);
    if (change === null) continue;
    const section = sectionOf(position === 0 ? null : position, position + 1, { [entity]: change });
    expect(await store.commit({ shard, sections: [section] })).toEqual({ kind: 'ok' });
    position++;
    const known = ENTITIES.filter(() => seen.length > 0 && random.chance(0.7)).map(
      (name) => [name, (random.chance(0.7) ? latest.get(name) : null) ?? random.pick(seen)] as const,
    );
    const [plain] = await store.read(shard, [{ fingerprint: 'f', entities: ENTITIES }]);
    const knownTiles = new Map(known);
    const [informed] = await store.read(shard, [{ fingerprint: 'f', entities: ENTITIES, knownTiles }]);
    const shown = (read: typeof plain): unknown =>
      read?.states.map((each) => each && [each.version, hexOf(each.head), each.tiles && hexOf(each.tiles)]);
    expect(shown(informed), `seed ${seed}, step ${step}`).toEqual(shown(plain));
    expect(informed?.checkpoint).toEqual(plain?.checkpoint);
    for (const [index, name] of ENTITIES.entries()) {
      const tiles = plain?.states[index]?.tiles ?? null;
      if (tiles === null) continue;
      const had = knownTiles.get(name);
      if (had !== undefined) tally[hexOf(had) === hexOf(tiles) ? 'right' : 'wrong']++;
      if (name !== entity) continue;
      seen.push(tiles);
      latest.set(name, tiles);
    }
  }
  for (const [kind, count] of Object.entries(tally)) expect(count, `${kind}, seed ${seed}`).toBeGreaterThan(STEPS / 20);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
