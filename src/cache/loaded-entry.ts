/** An entry with its price in bytes, and where it is kept. */
import type { EntityState } from '../state/entity-state.ts';
import type { StateEntry } from './state-entry.ts';

/** What a decoded state takes in memory, over its stored bytes: see docs/performance.md. */
export const DECODED_FACTOR = 8;
/** Of an entry, with its places in maps, beside its state and the text of its entity. */
export const ENTRY_BYTES = 400;

export interface Keeper {
  resize(entry: LoadedEntry): void;
}

export class LoadedEntry {
  readonly kind = 'state';
  readonly state: EntityState | null;
  readonly entity: string;
  readonly fragments = new Map<object, unknown>();
  bytes: number;
  /** Who keeps it, and among which entries of its own; null: it lives as long as the request that loaded it. */
  keeper: Keeper | null = null;
  home: Map<string, LoadedEntry> | null = null;

  constructor(state: EntityState | null, entity: string, storedBytes: number) {
    this.state = state;
    this.entity = entity;
    this.bytes = ENTRY_BYTES + entity.length + storedBytes * DECODED_FACTOR;
  }

  grow(bytes: number): void {
    this.bytes += bytes;
    this.keeper?.resize(this);
  }
}

export function isLoaded(entry: StateEntry): entry is LoadedEntry {
  return entry instanceof LoadedEntry;
}
