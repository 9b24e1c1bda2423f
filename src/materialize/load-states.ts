/** Brings the entity states that a chunk needs into memory, before any of it is folded. */
import { assert } from '../core/assert.ts';
import { CorruptBytesError } from '../core/bytes.ts';
import { decodeState } from '../state/codec.ts';
import { type EntityState, emptyState } from '../state/entity-state.ts';
import type { ViewPlan } from '../state/plan.ts';
import type { StoredState } from '../state/state.ts';
import { checkTiles } from '../state/tiles-codec.ts';
import { isSamePlace } from '../store/place.ts';
import type { ShardRead } from '../store/store.ts';
import { changeState, erasedEntity, keepIdle, type Lane, type Working } from './lane.ts';
import { untilReachable } from './retry.ts';
import type { Chunk, DecodedRecord, ShardContext } from './shard-context.ts';
import { isPast } from './vector.ts';

interface Wanted {
  readonly lane: Lane;
  readonly working: Working;
}

/**
 * Afterwards `working` of every owned lane holds the states that the chunk's records change. Answers false if the store
 * is not where the lanes believe it is, or holds a corrupt state: then they must be opened again, or built again.
 */
export async function loadStates(context: ShardContext, lanes: readonly Lane[], chunk: Chunk): Promise<boolean> {
  const wanted = lanes.flatMap((lane) => missingStates(lane, chunk));
  for (let from = 0; from < wanted.length; from += context.bounds.readEntitiesMax) {
    const page = Map.groupBy(wanted.slice(from, from + context.bounds.readEntitiesMax), ({ lane }) => lane);
    const sections = [...page].map(([lane, some]) => ({
      fingerprint: lane.plan.fingerprint,
      entities: some.map(({ working }) => working.entity),
    }));
    const reads = await untilReachable(context.retry, () => context.store.read(context.id, sections));
    for (const [index, [lane, some]] of [...page].entries()) {
      const read = reads[index];
      assert(read !== undefined, 'a read for each section');
      if (!isWhereExpected(lane, read)) return false;
      if (!keep(lane, some, read, context.bounds.rebuildsMax)) return false;
    }
  }
  return true;
}

/** Sets `working`; those that are not in memory are empty yet, and to be read. */
function missingStates(lane: Lane, { records }: Chunk): readonly Wanted[] {
  if (lane.state.mode !== 'owned') return [];
  const { nextOffset, vector } = lane.state.ownership;
  const found = new Map<string, Working>();
  const missing: Wanted[] = [];
  lane.working = records.map((decoded) => {
    const entity = entityIn(lane, decoded);
    if (entity === null || decoded.at < nextOffset) return null;
    if (vector !== null && isPast(vector, decoded.record)) return null;
    let working = found.get(entity);
    if (working !== undefined) return working;
    working = lane.idle.get(entity);
    if (working === undefined) {
      working = { entity, state: emptyState(lane.plan.plan), pendingBytes: 0, idleBytes: 0 };
      missing.push({ lane, working });
    }
    found.set(entity, working);
    return working;
  });
  return missing;
}

/** Whose state the record changes, if any's. */
function entityIn(lane: Lane, { outcomes, erasure }: DecodedRecord): string | null {
  if (erasure !== undefined) return erasedEntity(lane, erasure);
  const outcome = outcomes[lane.outcomeIndex];
  return outcome?.kind === 'event' ? outcome.event.entityKey : null;
}

/** A tile that cannot be read is noticed here, and not when it is sealed into. */
function loadState(plan: ViewPlan, stored: StoredState): EntityState {
  const state = decodeState(plan, stored);
  checkTiles(plan, state);
  return state;
}

function isWhereExpected({ state }: Lane, { checkpoint }: ShardRead): boolean {
  return state.mode !== 'owned' || isSamePlace(checkpoint, state.ownership.stored);
}

/** False: a state is corrupt, and the lane is to be built again. */
function keep(lane: Lane, wanted: readonly Wanted[], read: ShardRead, rebuildsMax: number): boolean {
  const { plan } = lane.plan;
  for (const [index, { working }] of wanted.entries()) {
    if (lane.state.mode !== 'owned') return true;
    // States of the build that this one takes the place of are none of its own.
    const ofBuild = read.checkpoint?.buildStartedMs === lane.state.ownership.buildStartedMs;
    const stored = ofBuild ? (read.states[index] ?? null) : null;
    try {
      if (stored !== null) working.state = loadState(plan, stored);
      keepIdle(lane, working);
    } catch (error) {
      if (!(error instanceof CorruptBytesError)) throw error;
      // Folding on would lose what the state held, and starting it anew would count a part of the log: neither is exact.
      if (lane.rebuilds < rebuildsMax) {
        lane.corrupt = error.message;
        return false;
      }
      const message = `stored states of entities cannot be read (${error.message}), again after ${lane.rebuilds} builds`;
      changeState(lane, { mode: 'failed', code: 'corrupt_state', message });
    }
  }
  return true;
}
