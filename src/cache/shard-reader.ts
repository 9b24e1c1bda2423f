/** How serving gets at states: through the tier, or from the store each time. */
import type { EntityState } from '../state/entity-state.ts';
import type { StoredState } from '../state/state.ts';
import type { Checkpoint, ShardId } from '../store/store.ts';
import type { Home } from './loaded-entry.ts';
import type { StateEntry } from './state-entry.ts';

/** Of one shard: fingerprint → entities. A fingerprint without entities: its checkpoint alone. */
export type Wanted = ReadonlyMap<string, ReadonlySet<string>>;

export interface SectionStates {
  /** Null: nothing was ever committed for this fingerprint. */
  readonly checkpoint: Checkpoint | null;
  /** By entity; an entity that is not in it was not read. There may be more than were asked for. */
  readonly states: ReadonlyMap<string, StateEntry>;
}

/** By fingerprint; all of one moment of the shard. */
export type ShardStates = ReadonlyMap<string, SectionStates>;

export interface KeptStates {
  readonly sections: ShardStates;
  /** Entities that were asked for and are kept, and those that are not. */
  readonly found: number;
  readonly missing: number;
  /** Whether the store did not answer lately: what is kept is all there is for now. */
  readonly isAway: boolean;
}

/** What is kept of one shard at one moment, by its proof. */
export interface Together {
  readonly proof: number;
  readonly sections: ShardStates;
  readonly isAway: boolean;
}

export interface ShardReader {
  /**
   * Shards and what is kept of them in these homes, where all of it may be served now and together: entries that sit
   * somewhere, `found` of them. Good for this turn of the event loop. Null: they must be looked for.
   */
  together(homes: Iterable<Home>, found: number): ReadonlyMap<ShardId, Together> | null;
  /** What can be had at once; null: not even the checkpoints that were asked for. */
  kept(shard: ShardId, wanted: Wanted): KeptStates | null;
  /**
   * Everything that is wanted. `shared`: what is kept, and loads of others, will do. `anew`: as the store has it, at some
   * moment after the call. Loads asked for in one turn share a round trip. Rejects as the store does.
   */
  load(shard: ShardId, wanted: Wanted, how: 'shared' | 'anew'): Promise<ShardStates>;
}

/**
 * Of the view with this state fingerprint. `before`: the same entity's, as it was; what has not changed since may be shared with
 * it. Throws `CorruptBytesError`.
 */
export type StateDecoder = (fingerprint: string, stored: StoredState, before: EntityState | null) => EntityState;
