/**
 * State of one entity in memory. Owned by whoever folds into it; readers decode their own copy and never change it.
 *
 * Invariants: `head` is in total order and holds no event below `sealedUntilMs`; each level's tiles are sorted by start
 * and hold exactly the events below it that some window can still reach; a tile exists in every level for every such event.
 */
import type { Value } from '../core/value.ts';
import { Head } from './head.ts';
import type { ViewPlan } from './plan.ts';

/** A recent event, raw: only what the view needs of it. */
export interface HeadEvent {
  readonly tsMs: number;
  readonly partition: number;
  readonly offset: number;
  readonly filterBits: number;
  readonly columns: readonly Value[];
  readonly eventId: string | null;
}

/** Partial states over the sealed events of one aligned hop. */
export interface Tile {
  readonly startMs: number;
  newestMs: number;
  /**
   * Aligned with the level's slots; null of a slot while no event counted. Null where they are only in `stored.tiles`:
   * tiles-codec.ts reads them.
   */
  states: unknown[] | null;
  /** Where the tile stands in `stored.tiles`; −1 since it changed. */
  storedFrom: number;
  storedTo: number;
}

export interface EntityState {
  readonly head: Head;
  /** Events below are in tiles; −Infinity until the first seal. */
  sealedUntilMs: number;
  /** `ts` of the newest sealed event; −Infinity when there is none. */
  sealedNewestMs: number;
  /** Aligned with the plan's levels. */
  readonly tiles: readonly Tile[][];
  /** Counts every change ever folded in. */
  version: number;
  /** Seals that `head_limit` forced since the state was loaded. */
  forcedSeals: number;
  readonly stored: StoredMarks;
  /** The event ids in the head; null until the first fold that asks for them. */
  headIds: Set<string> | null;
}

/** What is known of the stored form, so that a change can be appended to it. */
export interface StoredMarks {
  /** Version last taken for storing; 0: never. */
  version: number;
  /** Chained checksum of the stored head. */
  checksum: number;
  /** How many events were folded since: what an append writes. */
  appended: number;
  /** Their records in the order they came, once one of them did not go to the end of the head; null while all did. */
  scattered: Uint8Array[] | null;
  /** Records below the seal, stored or to be appended, that the stored tiles do not hold: whoever decodes adds them. */
  late: number;
  /** A seal touched the tiles: head and tiles are written whole. */
  rewrite: boolean;
  /** The tiles value last written or read; empty when there is none. */
  tiles: Uint8Array;
  /** What is stored is to be deleted (erase.ts). */
  erased: boolean;
}

export const NO_BYTES = new Uint8Array(0);

export function emptyState(plan: ViewPlan): EntityState {
  return {
    head: new Head(plan, null),
    sealedUntilMs: -Infinity,
    sealedNewestMs: -Infinity,
    tiles: plan.levels.map(() => []),
    version: 0,
    forcedSeals: 0,
    stored: {
      version: 0,
      checksum: 0,
      appended: 0,
      scattered: null,
      late: 0,
      rewrite: true,
      tiles: NO_BYTES,
      erased: false,
    },
    headIds: null,
  };
}

/** Index of the first head event with `ts ≥ tsMs`. */
export function headIndexAt(head: readonly HeadEvent[], tsMs: number): number {
  let low = 0;
  let high = head.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((head[middle] as HeadEvent).tsMs < tsMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first tile that starts at or after `startMs`. */
export function tileIndexAt(tiles: readonly Tile[], startMs: number): number {
  let low = 0;
  let high = tiles.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tiles[middle] as Tile).startMs < startMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
