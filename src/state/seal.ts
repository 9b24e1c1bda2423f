/** Sealing: the oldest events of a head move into the tiles of every level (DESIGN section 5). */
import { floorTo } from '../core/time.ts';
import { type EntityState, type HeadEvent, type Tile, addToTile, headIndexAt, tileIndexAt } from './entity-state.ts';
import type { Value } from '../core/value.ts';
import { type Level, type Slot, type ViewPlan, leavesAtMs } from './plan.ts';

/** A seal that the horizon limits waits for head_max divided by this many events, so that tiles are not rewritten for one. */
const LIMITED_SEAL_DIVISOR = 8;

/**
 * Called when the head exceeds `head_max`: seals whole milliseconds until half is left, but never past the horizon,
 * unless `head_limit` forces it.
 */
export function sealIfDue(plan: ViewPlan, state: EntityState, appendedMs: number): void {
  const { headMax, headLimit } = plan.view;
  const { head } = state;
  const target = (head[head.length - Math.max(1, headMax >> 1)] as HeadEvent).tsMs;
  const horizon = horizonMs(plan, state, appendedMs);
  if (target <= horizon) {
    seal(plan, state, target);
    if (head.length <= headLimit) return;
  } else {
    const least = Math.max(1, Math.floor(headMax / LIMITED_SEAL_DIVISOR));
    if ((head[least - 1] as HeadEvent).tsMs < horizon) seal(plan, state, horizon);
  }
  if (head.length > headLimit) force(plan, state);
}

/** Past the horizon: half of what `head_max` allows is kept, or all but one millisecond if they share it. */
function force(plan: ViewPlan, state: EntityState): void {
  const { head } = state;
  const target = (head[head.length - Math.max(1, plan.view.headMax >> 1)] as HeadEvent).tsMs;
  const oldest = (head[0] as HeadEvent).tsMs;
  seal(plan, state, Math.max(target, oldest + 1));
  state.forcedSeals += 1;
}

function horizonMs({ view }: ViewPlan, state: EntityState, appendedMs: number): number {
  if (view.source.clock === 'wall') return appendedMs - view.historyMs;
  // The newest event ever is in the head: sealed ones are older than any there.
  return (state.head.at(-1) as HeadEvent).tsMs - view.source.maxDisorderMs - view.historyMs;
}

/** Moves head events with `ts < untilMs` into tiles. Nothing happens when there are none. */
function seal(plan: ViewPlan, state: EntityState, untilMs: number): void {
  const count = headIndexAt(state.head, untilMs);
  if (count === 0) return;
  const sealed = state.head.splice(0, count);
  for (const level of plan.levels) {
    const tiles = state.tiles[level.index] as Tile[];
    const retainedFromMs = level.retainedFrom(untilMs);
    const dropped = tileIndexAt(tiles, retainedFromMs);
    if (dropped > 0) tiles.splice(0, dropped);
    // What no window can reach any more gets no tile: a seal may cover hours where the shortest window keeps minutes.
    const from = headIndexAt(sealed, retainedFromMs);
    sealInto(level, tiles, from === 0 ? sealed : sealed.slice(from));
  }
  if (state.headIds !== null) forget(state.headIds, sealed);
  state.sealedUntilMs = untilMs;
  state.sealedNewestMs = (sealed[count - 1] as HeadEvent).tsMs;
  const { kept } = state.stored;
  kept.first += count;
  kept.count = Math.max(0, kept.count - count);
  state.stored.rewrite = true;
}

function forget(ids: Set<string>, sealed: readonly HeadEvent[]): void {
  for (const { eventId } of sealed) if (eventId !== null) ids.delete(eventId);
}

/** Slot by slot, so that what a slot is need not be looked up for every event. */
function sealInto(level: Level, tiles: Tile[], sealed: readonly HeadEvent[]): void {
  const tileOf = tilesOf(level, tiles, sealed);
  for (const [place, slot] of level.slots.entries()) addColumn(slot, place, tileOf, sealed);
}

/** The tile that each event goes to. `sealed` is in order, so that most go where the one before went. */
function tilesOf(level: Level, tiles: Tile[], sealed: readonly HeadEvent[]): readonly Tile[] {
  const tileOf: Tile[] = [];
  let tile: Tile | null = null;
  let endMs = -Infinity;
  for (const { tsMs } of sealed) {
    if (tile === null || tsMs >= endMs) {
      tile = tileFor(level, tiles, tsMs);
      endMs = tile.startMs + level.hopMs;
      tile.storedFrom = -1;
    }
    // Sealed events are newer than all that were before.
    tile.newestMs = tsMs;
    tileOf.push(tile);
  }
  return tileOf;
}

function addColumn(slot: Slot, place: number, tileOf: readonly Tile[], sealed: readonly HeadEvent[]): void {
  const { algebra, column, filterMask } = slot;
  for (let index = 0; index < sealed.length; index++) {
    const event = sealed[index] as HeadEvent;
    if (filterMask !== 0 && (event.filterBits & filterMask) === 0) continue;
    const value = column < 0 ? true : (event.columns[column] as Value);
    if (value === null) continue;
    const { states } = tileOf[index] as Tile;
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
    addToTile(level, tileFor(level, state.tiles[level.index] as Tile[], event.tsMs), event);
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
