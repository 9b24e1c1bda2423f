/**
 * What a read delivers of one (shard, fingerprint, entity): its state, decoded once, when it was loaded. An entry is the
 * same object for as long as its state is kept, so that whatever was derived from the state can hang on it, and goes when
 * the state goes. Nobody changes the state.
 */
import type { EntityState } from '../state/entity-state.ts';
import type { Seat } from './loaded-entry.ts';

export type StateEntry =
  | {
      readonly kind: 'state';
      /** Null: the entity has no state. */
      readonly state: EntityState | null;
      /** Texts made of the state alone, by whatever their maker tells them apart by. Empty when the state is loaded. */
      readonly fragments: Map<object, unknown>;
      /** One of them, beside the map: a hot state is mostly asked for the same one again. Null: none. */
      lastMaker: object | null;
      lastFragment: unknown;
      /** What will take the place of some of them, made before it is asked for. Null: none was. */
      ahead: Map<object, unknown> | null;
      /** Tells that what hangs on the entry became this many bytes larger (negative: smaller), for what is kept is bounded in bytes. */
      grow(bytes: number): void;
      /** While it is kept, it is found at `seat`. */
      sit(seat: Seat): void;
    }
  /** The stored bytes cannot be decoded. */
  | { readonly kind: 'corrupt'; readonly reason: string };
