/**
 * A lane: one state fingerprint within one shard, with the states it has in memory. Its states reflect exactly the
 * records below `nextOffset`, or nothing is in memory; what is not yet acknowledged by the store is pinned.
 *
 * Transitions:
 *   opening → owned | standby | failed      what the checkpoint says (opening.ts)
 *   owned   → opening                       `moved`: what is in memory is dropped, the checkpoint read again
 *   owned   → standby                       `fenced`: somebody has a greater epoch
 *   standby → owned | standby | failed      what the checkpoint says, looked at again from time to time
 *   owned   → failed                        a fault that replaying cannot mend; it stays until the process restarts
 *   any     → released                      revoked, or the driver stops
 * An owned lane is building below its build target, and live from there on.
 */
import { LRUCache } from 'lru-cache';
import type { Erasure } from '../event/erasure.ts';
import type { EntityState } from '../state/entity-state.ts';
import { type Counting, createCounters } from './counters.ts';
import type { Ownership } from './opening.ts';
import type { LanePlan } from './topology.ts';

export type LaneState =
  | { readonly mode: 'opening' }
  | { readonly mode: 'owned'; readonly ownership: Ownership }
  | {
      readonly mode: 'standby';
      readonly owner: string;
      readonly askAgainAtMs: number;
      /** Its heartbeat is too old; it is claimed if that is still so when a later batch has come. */
      readonly suspect: boolean;
    }
  | { readonly mode: 'failed'; readonly code: string; readonly message: string }
  | { readonly mode: 'released' };

/** Commits that the store answered `fenced`, and times it was found elsewhere (`moved`), by a commit or by a read. */
export interface Refusals {
  fenced: number;
  moved: number;
}

export interface Working {
  readonly entity: string;
  /** Empty until what is stored was read. */
  state: EntityState;
  /** Guess of its change since the last commit (pending-bytes.ts); 0: it was not folded into. */
  pendingBytes: number;
  /** What `idle` reckons it takes; 0: it is not there. */
  idleBytes: number;
}

export interface Lane {
  readonly plan: LanePlan;
  /** Index of the lane's view among the views its source's decoder was compiled for. */
  readonly outcomeIndex: number;
  readonly counters: Counting;
  state: LaneState;
  /** The greatest epoch this process had. */
  epoch: number;
  /** Why what is stored cannot be used, until a build has taken its place in the store; null: it can. */
  corrupt: string | null;
  /** Builds by this process that took the place of stored states. */
  rebuilds: number;
  /** Whether the store has our epoch: until then another may take the lane, and not know of us. */
  claimStored: boolean;
  /** `moved` answers since what is stored last grew. */
  movedInARow: number;
  /** Since the process started. */
  readonly refused: Refusals;
  /** Those in memory, between chunks equal to the store; evicted when there are too many. */
  readonly idle: LRUCache<string, Working>;
  /** By record of the chunk at hand, the one it changes, whether still in `idle` or not; null: none. Looked up once for all stages. */
  working: readonly (Working | null)[];
  /** Those of `working` that were folded into since the last commit. */
  unflushed: Working[];
  /** Sum of these guesses, and what it is to be multiplied with (pending-bytes.ts). */
  pendingBytes: number;
  bytesCorrection: number;
}

/** In memory, guessed: an object per tile beside its bytes. */
const STATE_BYTES = 1_000;
const TILES_EXPANSION = 3;
const IDLE_BYTES_TOLERANCE = 0.1;

export function createLane(plan: LanePlan, outcomeIndex: number, stateBytesMax: number): Lane {
  return {
    plan,
    outcomeIndex,
    counters: createCounters(),
    state: { mode: 'opening' },
    epoch: 0,
    corrupt: null,
    rebuilds: 0,
    claimStored: false,
    movedInARow: 0,
    refused: { fenced: 0, moved: 0 },
    idle: new LRUCache<string, Working>({
      maxSize: stateBytesMax,
      sizeCalculation: ({ idleBytes }) => idleBytes,
      dispose: (working) => (working.idleBytes = 0),
      noDisposeOnSet: true,
    }),
    working: [],
    unflushed: [],
    pendingBytes: 0,
    bytesCorrection: 1,
  };
}

function memoryBytes({ head, stored }: EntityState): number {
  return STATE_BYTES + head.bytesHeld + stored.tiles.length * TILES_EXPANSION;
}

/** Leaves the present state; what is in memory goes with it. */
export function changeState(lane: Lane, state: LaneState): void {
  lane.state = state;
  lane.claimStored = false;
  lane.idle.clear();
  lane.working = [];
  forgetUnflushed(lane);
  if (state.mode === 'owned') lane.epoch = state.ownership.epoch;
}

/** A state stays in memory as long as there is room. */
export function keepIdle({ idle }: Lane, working: Working): void {
  const bytes = memoryBytes(working.state);
  // Reckoned anew only where it makes a difference: most states have grown by an event or two.
  if (Math.abs(bytes - working.idleBytes) <= working.idleBytes * IDLE_BYTES_TOLERANCE) return;
  working.idleBytes = bytes;
  idle.set(working.entity, working);
}

/** What was folded is stored, or dropped. */
export function forgetUnflushed(lane: Lane): void {
  for (const working of lane.unflushed) working.pendingBytes = 0;
  lane.unflushed = [];
  lane.pendingBytes = 0;
}

/** The lane's entity that a control record is about; null: none of these key columns. */
export function erasedEntity({ plan }: Lane, { entities }: Erasure): string | null {
  return entities[plan.view.keyColumns.join(',')] ?? null;
}
