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
import { changeState, erasedEntity, keepWorking, type Lane } from './lane.ts';
import { untilReachable } from './retry.ts';
import type { Chunk, DecodedRecord, ShardContext } from './shard-context.ts';
import { isPast } from './vector.ts';

interface Wanted {
  readonly lane: Lane;
  readonly entity: string;
}

/**
 * Afterwards `working` of every owned lane holds the states of its entities in the chunk. Answers false if the store
 * is not where the lanes believe it is, or holds a corrupt state: then they must be opened again, or built again.
 */
export async function loadStates(context: ShardContext, lanes: readonly Lane[], chunk: Chunk): Promise<boolean> {
  const wanted = lanes.flatMap((lane) => missingStates(lane, chunk));
  for (let from = 0; from < wanted.length; from += context.bounds.readEntitiesMax) {
    const page = Map.groupBy(wanted.slice(from, from + context.bounds.readEntitiesMax), ({ lane }) => lane);
    const sections = [...page].map(([lane, some]) => ({
      fingerprint: lane.plan.fingerprint,
      entities: some.map(({ entity }) => entity),
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

/** Moves to `working` what is in memory already; the rest is to be read. */
function missingStates(lane: Lane, chunk: Chunk): readonly Wanted[] {
  if (lane.state.mode !== 'owned') return [];
  const { nextOffset, vector } = lane.state.ownership;
  const missing = new Set<string>();
  for (const decoded of chunk.records) {
    const entity = entityIn(lane, decoded);
    if (entity === null || decoded.at < nextOffset) continue;
    if (vector !== null && isPast(vector, decoded.record)) continue;
    if (lane.working.has(entity)) continue;
    const working = lane.idle.get(entity);
    if (working === undefined) missing.add(entity);
    else lane.working.set(entity, working);
  }
  return [...missing].map((entity) => ({ lane, entity }));
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
  for (const [index, { entity }] of wanted.entries()) {
    if (lane.state.mode !== 'owned') return true;
    // States of the build that this one takes the place of are none of its own.
    const ofBuild = read.checkpoint?.buildStartedMs === lane.state.ownership.buildStartedMs;
    const stored = ofBuild ? (read.states[index] ?? null) : null;
    try {
      keepWorking(lane, entity, stored === null ? emptyState(plan) : loadState(plan, stored));
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
