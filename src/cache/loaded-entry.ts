/** An entry with its price in bytes, and where it is kept. */
import type { EntityState } from '../state/entity-state.ts';
import type { StateEntry } from './state-entry.ts';

/**
 * What a decoded state takes in memory, over its stored bytes: of events of 30 stored bytes with a number and a text, 10.5 times
 * with 1,000 events in the head, 11.7 times with 20. Where tiles are most of it, less.
 */
const DECODED_FACTOR = 11;
/** Of an entry with an empty state, its places in maps, and no fragments. */
const ENTRY_BYTES = 1_000;

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
