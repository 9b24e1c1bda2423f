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

/** `sealed` is in order, so that what goes into one tile stands side by side. */
function sealInto(level: Level, tiles: Tile[], stored: StoredMarks, sealed: readonly HeadEvent[]): void {
  for (let from = 0; from < sealed.length; ) {
    const tile = tileFor(level, tiles, (sealed[from] as HeadEvent).tsMs);
    const endMs = level.hopMs === Infinity ? Infinity : tile.startMs + level.hopMs;
    let to = from + 1;
    while (to < sealed.length && (sealed[to] as HeadEvent).tsMs < endMs) to++;
    addToTile(level, tile, stored, sealed, from, to);
    from = to;
  }
}

/** `events[from, to)`, in order. */
function addToTile(
  level: Level,
  tile: Tile,
  stored: StoredMarks,
  events: readonly HeadEvent[],
  from: number,
  to: number,
): void {
  const states = statesOf(level, tile, stored);
  // From here on it is not as it was stored.
  tile.storedFrom = -1;
  tile.newestMs = Math.max(tile.newestMs, (events[to - 1] as HeadEvent).tsMs);
  const { slots } = level;
  for (let place = 0; place < slots.length; place++) addToSlot(slots[place] as Slot, place, states, events, from, to);
}

function addToSlot(
  { algebra, column, filterMask }: Slot,
  place: number,
  states: unknown[],
  events: readonly HeadEvent[],
  from: number,
  to: number,
): void {
  for (let index = from; index < to; index++) {
    const event = events[index] as HeadEvent;
    if (filterMask !== 0 && (event.filterBits & filterMask) === 0) continue;
    const value = column < 0 ? true : (event.columns[column] as Value);
    if (value === null) continue;
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
    addToTile(level, tile, state.stored, [event], 0, 1);
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
