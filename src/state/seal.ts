/** Sealing: the oldest events of a head move into the tiles of every level (DESIGN section 5). */
import { floorTo } from '../core/time.ts';
import {
  type EntityState,
  type HeadEvent,
  type StoredMarks,
  type Tile,
  headIndexAt,
  tileIndexAt,
} from './entity-state.ts';
import type { Value } from '../core/value.ts';
import { type Level, type Slot, type ViewPlan, leavesAtMs } from './plan.ts';
import { statesOf } from './tiles-codec.ts';

/** A seal that the horizon limits waits for head_max divided by this many events, so that tiles are not rewritten for one. */
const LIMITED_SEAL_DIVISOR = 8;

/**
 * Called when the head exceeds `head_max`: seals whole milliseconds until half is left, but never past the horizon,
 * unless `head_limit` forces it.
 */
export function sealIfDue(plan: ViewPlan, state: EntityState, appendedMs: number): void {
  const { headMax, headLimit } = plan.view;
  const { head } = state;
  const target = head.tsAt(head.length - Math.max(1, headMax >> 1));
  const horizon = horizonMs(plan, state, appendedMs);
  if (target <= horizon) {
    seal(plan, state, target);
    if (head.length <= headLimit) return;
  } else {
    const least = Math.max(1, Math.floor(headMax / LIMITED_SEAL_DIVISOR));
    if (head.tsAt(least - 1) < horizon) seal(plan, state, horizon);
  }
  if (head.length > headLimit) force(plan, state);
}

/** Past the horizon: half of what `head_max` allows is kept, or all but one millisecond if they share it. */
function force(plan: ViewPlan, state: EntityState): void {
  const { head } = state;
  const target = head.tsAt(head.length - Math.max(1, plan.view.headMax >> 1));
  seal(plan, state, Math.max(target, head.tsAt(0) + 1));
  state.forcedSeals += 1;
}

function horizonMs({ view }: ViewPlan, state: EntityState, appendedMs: number): number {
  if (view.source.clock === 'wall') return appendedMs - view.historyMs;
  // The newest event ever is in the head: sealed ones are older than any there.
  return state.head.tsAt(state.head.length - 1) - view.source.maxDisorderMs - view.historyMs;
}

/** Moves head events with `ts < untilMs` into tiles. Nothing happens when there are none. */
function seal(plan: ViewPlan, state: EntityState, untilMs: number): void {
  const count = state.head.indexAt(untilMs);
  if (count === 0) return;
  const sealed = state.head.takeOldest(count);
  for (const level of plan.levels) {
    const tiles = state.tiles[level.index] as Tile[];
    const retainedFromMs = level.retainedFrom(untilMs);
    const dropped = tileIndexAt(tiles, retainedFromMs);
    if (dropped > 0) tiles.splice(0, dropped);
    // What no window can reach any more gets no tile: a seal may cover hours where the shortest window keeps minutes.
    const from = headIndexAt(sealed, retainedFromMs);
    sealInto(level, tiles, state.stored, from === 0 ? sealed : sealed.slice(from));
  }
  if (state.headIds !== null) forget(state.headIds, sealed);
  state.sealedUntilMs = untilMs;
  state.sealedNewestMs = (sealed[count - 1] as HeadEvent).tsMs;
  state.stored.rewrite = true;
}

function forget(ids: Set<string>, sealed: readonly HeadEvent[]): void {
  for (const { eventId } of sealed) if (eventId !== null) ids.delete(eventId);
}

/** Slot by slot, so that what a slot is need not be looked up for every event. */
function sealInto(level: Level, tiles: Tile[], stored: StoredMarks, sealed: readonly HeadEvent[]): void {
  const statesOfEvents = toTiles(level, tiles, stored, sealed);
  for (const [place, slot] of level.slots.entries()) addColumn(slot, place, statesOfEvents, sealed);
}

/** The states of the tile that each event goes to. `sealed` is in order, so that most go where the one before went. */
function toTiles(level: Level, tiles: Tile[], stored: StoredMarks, sealed: readonly HeadEvent[]): readonly unknown[][] {
  const statesOfEvents: unknown[][] = [];
  let tile: Tile | null = null;
  let states: unknown[] = [];
  let endMs = -Infinity;
  for (const { tsMs } of sealed) {
    if (tile === null || tsMs >= endMs) {
      tile = tileFor(level, tiles, tsMs);
      endMs = tile.startMs + level.hopMs;
      states = changing(level, tile, stored);
    }
    // Sealed events are newer than all that were before.
    tile.newestMs = tsMs;
    statesOfEvents.push(states);
  }
  return statesOfEvents;
}

/** The states of a tile that is not as it was stored from here on. */
function changing(level: Level, tile: Tile, stored: StoredMarks): unknown[] {
  const states = statesOf(level, tile, stored);
  tile.storedFrom = -1;
  return states;
}

function addColumn(
  slot: Slot,
  place: number,
  statesOfEvents: readonly unknown[][],
  sealed: readonly HeadEvent[],
): void {
  const { algebra, column, filterMask } = slot;
  for (let index = 0; index < sealed.length; index++) {
    const event = sealed[index] as HeadEvent;
    if (filterMask !== 0 && (event.filterBits & filterMask) === 0) continue;
    const value = column < 0 ? true : (event.columns[column] as Value);
    if (value === null) continue;
    const states = statesOfEvents[index] as unknown[];
    const state = states[place] ?? (states[place] = algebra.create());
    algebra.add(state, value, event.tsMs, event.partition, event.offset);
  }
}

/** Whether some window at some `as_of ≥ sealedUntilMs` still covers `tsMs`. */
export function isReachable(plan: ViewPlan, tsMs: number, sealedUntilMs: number): boolean {
  if (plan.hasLifetime) return true;
  for (const { window } of plan.windows) if (leavesAtMs(window, tsMs) > sealedUntilMs) return true;
  return false;
}

/** A late event, straight into the tiles. */
export function foldSealed(plan: ViewPlan, state: EntityState, event: HeadEvent): void {
  addSealed(plan, state, event);
  if (event.tsMs > state.sealedNewestMs) state.sealedNewestMs = event.tsMs;
}

/** Into the tiles of every level that still keeps its hop. */
function addSealed(plan: ViewPlan, state: EntityState, event: HeadEvent): void {
  for (const level of plan.levels) {
    if (tileStartMs(level, event.tsMs) < level.retainedFrom(state.sealedUntilMs)) continue;
    const tile = tileFor(level, state.tiles[level.index] as Tile[], event.tsMs);
    addToTile(level, tile, changing(level, tile, state.stored), event);
  }
}

function addToTile(level: Level, tile: Tile, states: unknown[], event: HeadEvent): void {
  if (event.tsMs > tile.newestMs) tile.newestMs = event.tsMs;
  const { slots } = level;
  for (let place = 0; place < slots.length; place++) {
    const slot = slots[place] as Slot;
    if (slot.filterMask !== 0 && (event.filterBits & slot.filterMask) === 0) continue;
    const value = slot.column < 0 ? true : (event.columns[slot.column] as Value);
    if (value === null) continue;
    const state = states[place] ?? (states[place] = slot.algebra.create());
    slot.algebra.add(state, value, event.tsMs, event.partition, event.offset);
  }
}

function tileStartMs(level: Level, tsMs: number): number {
  return level.hopMs === Infinity ? -Infinity : floorTo(tsMs, level.hopMs);
}

function tileFor(level: Level, tiles: Tile[], tsMs: number): Tile {
  const startMs = tileStartMs(level, tsMs);
  const last = tiles.at(-1);
  const at = last === undefined || last.startMs < startMs ? tiles.length : tileIndexAt(tiles, startMs);
  const found = tiles[at];
  if (found?.startMs === startMs) return found;
  const states = level.noStates.slice();
  const tile: Tile = { startMs, newestMs: -Infinity, states, storedFrom: -1, storedTo: -1 };
  if (at === tiles.length) tiles.push(tile);
  else tiles.splice(at, 0, tile);
  return tile;
}
