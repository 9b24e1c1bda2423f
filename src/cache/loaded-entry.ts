/** An entry with its price in bytes, and where it is kept. */
import type { EntityState } from '../state/entity-state.ts';
import type { Checkpoint, ShardId } from '../store/store.ts';
import type { StateEntry } from './state-entry.ts';

/**
 * What the events of a head take in memory, over their stored bytes: of 30 stored bytes each, with a number and a text, 4.8 times
 * for 20 of them, and less for more.
 */
const HEAD_FACTOR = 5;
/** Tiles stay as they are stored; beside that each has its place there. */
const TILE_BYTES = 56;
/** Of an entry with an empty state, its places in maps, and no fragments. */
const ENTRY_BYTES = 1_000;

export interface Keeper {
  resize(entry: LoadedEntry): void;
  /** Marks it as read. */
  touch(entry: LoadedEntry): void;
}

/** What is kept of one shard for one fingerprint: all of it is at the checkpoint. */
export interface Home {
  readonly shard: {
    readonly id: ShardId;
    /** Whether all that is kept now may be served now, as far as it is of one moment. Counts as asking for it. */
    mayServe(nowMs: number): boolean;
    /** Whether the store that it is of does not answer. */
    isAway(nowMs: number): boolean;
  };
  readonly fingerprint: string;
  readonly checkpoint: Checkpoint | null;
  /** Homes of a shard with the same number are known to have been at their checkpoints at one time. */
  readonly proof: number;
  readonly entries: Map<string, LoadedEntry>;
}

/** Where somebody remembers an entity: its entry sits there while it is kept, so that it is found without a look-up. */
export interface Seat {
  entry: LoadedEntry | null;
}

export class LoadedEntry {
  readonly kind = 'state';
  readonly state: EntityState | null;
  readonly entity: string;
  readonly fragments = new Map<object, unknown>();
  lastMaker: object | null = null;
  lastFragment: unknown = null;
  ahead: Map<object, unknown> | null = null;
  bytes: number;
  /** Who keeps it, and among which entries of its own; null: it lives as long as the request that loaded it. */
  keeper: Keeper | null = null;
  home: Home | null = null;
  seat: Seat | null = null;
  /** Since it was loaded, by whoever did not have to load it. */
  isAskedFor = false;
  /** Of its keeper, when it was last marked as read. */
  era = 0;

  constructor(state: EntityState | null, entity: string, headBytes: number) {
    this.state = state;
    this.entity = entity;
    this.bytes = ENTRY_BYTES + entity.length + headBytes * HEAD_FACTOR + (state === null ? 0 : tilesBytes(state));
  }

  /** Tiles stay bytes, and would hold on to all that was read together with them. */
  detach(): void {
    if (this.state === null || this.home !== null) return;
    const { stored } = this.state;
    const { length } = stored.tiles;
    if (length === stored.tiles.buffer.byteLength) return;
    // What `slice` gives of a buffer is no copy.
    const own = Buffer.alloc(length);
    own.set(stored.tiles);
    stored.tiles = own;
  }

  /** Whoever asked for it finds it at `seat` from here on, until it is kept no longer. One seat at a time. */
  sit(seat: Seat): void {
    if (this.home === null || this.seat === seat) return;
    if (this.seat !== null) this.seat.entry = null;
    this.seat = seat;
    seat.entry = this;
  }

  /** It is kept no longer. */
  leave(): void {
    if (this.home?.entries.get(this.entity) === this) this.home.entries.delete(this.entity);
    if (this.seat !== null) this.seat.entry = null;
    this.seat = null;
    this.home = null;
    this.keeper = null;
  }

  grow(bytes: number): void {
    this.bytes += bytes;
    this.keeper?.resize(this);
  }
}

function tilesBytes({ tiles, stored }: EntityState): number {
  let bytes = stored.tiles.length;
  for (const level of tiles) bytes += level.length * TILE_BYTES;
  return bytes;
}

export function isLoaded(entry: StateEntry): entry is LoadedEntry {
  return entry instanceof LoadedEntry;
}
