/** What is kept in memory of one entity's state for one view of a shard. Immutable but for what hangs on it. */
import type { EntityState } from '../state/entity-state.ts';

export type StateEntry =
  | {
      readonly kind: 'state';
      /** Null: the shard holds none of the entity. Never changed. */
      readonly state: EntityState | null;
      /** What was made of the state and lives as long as it does, by whoever made it. */
      readonly fragments: Map<object, unknown>;
      /** Says that what hangs on the entry takes so many bytes more; negative: less. */
      grow(bytes: number): void;
    }
  /** What is stored cannot be decoded. */
  | { readonly kind: 'corrupt' };
