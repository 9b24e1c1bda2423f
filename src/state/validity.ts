/**
 * The `as_of` interval in which what contributes to a view does not change: no event enters or leaves any of its
 * windows, the newest event stays the newest, and neither `max_age` nor the limit of history is crossed.
 *
 * An event enters a window that ends at `as_of` at `ts + 1`, and one with an offset when its hop is over; it leaves
 * when the window's aligned start passes its hop. Events of one tile cross every aligned edge together.
 */
import { floorTo } from '../core/time.ts';
import { type EntityState, type Tile, tileIndexAt } from './entity-state.ts';
import { timeIndexAt } from './event-columns.ts';
import { type Level, type SlidingWindow, type ViewPlan, windowEndMs, windowStartMs } from './plan.ts';

export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface AsOfPlace {
  /** Head events before this index have `ts < as_of`. */
  readonly headEnd: number;
  /** Newest event before `as_of`; −Infinity: none. */
  readonly newestMs: number;
  readonly completeFromMs: number | null;
}

interface Bounds {
  fromMs: number;
  untilMs: number;
}

/** `asOfMs ≥ state.sealedUntilMs`; the interval contains it and is the largest such. */
export function validityOf(plan: ViewPlan, state: EntityState | null, asOfMs: number, place: AsOfPlace): Validity {
  const bounds: Bounds = { fromMs: -Infinity, untilMs: Infinity };
  if (place.completeFromMs !== null) {
    for (const { window } of plan.windows) crossCompleteness(bounds, window, asOfMs, place.completeFromMs);
  }
  if (state === null) return bounds;
  bounds.fromMs = Math.max(bounds.fromMs, state.sealedUntilMs, place.newestMs + 1);
  const head = state.head.columns().tsMs;
  const next = head[place.headEnd];
  if (next !== undefined) bounds.untilMs = Math.min(bounds.untilMs, next + 1);
  const { maxAgeMs } = plan.view;
  if (maxAgeMs !== null && place.newestMs !== -Infinity) cross(bounds, place.newestMs + maxAgeMs + 1, asOfMs);
  for (const { window, level } of plan.windows) {
    const tiles = state.tiles[level.index] as readonly Tile[];
    const { lengthMs, hopMs, offsetMs } = window;
    crossEdge(bounds, head, tiles, level, windowStartMs(window, asOfMs), hopMs + lengthMs + offsetMs);
    if (offsetMs !== 0) crossEdge(bounds, head, tiles, level, windowEndMs(window, asOfMs), hopMs + offsetMs);
  }
  return bounds;
}

/** Something changes at `atMs`: it bounds the interval on the side that it is on. */
function cross(bounds: Bounds, atMs: number, asOfMs: number): void {
  if (atMs > asOfMs) bounds.untilMs = Math.min(bounds.untilMs, atMs);
  else bounds.fromMs = Math.max(bounds.fromMs, atMs);
}

/** A window's status changes when its start reaches `completeFromMs`. */
function crossCompleteness(
  bounds: Bounds,
  { lengthMs, hopMs, offsetMs }: SlidingWindow,
  asOfMs: number,
  completeFromMs: number,
): void {
  const firstCompleteStart = -floorTo(-completeFromMs, hopMs);
  cross(bounds, firstCompleteStart + lengthMs + offsetMs, asOfMs);
}

/** `head`: times of its events. The nearest hops with events on either side of an aligned edge; a hop crosses it `delayMs` after its start. */
function crossEdge(
  bounds: Bounds,
  head: readonly number[],
  tiles: readonly Tile[],
  level: Level,
  edgeMs: number,
  delayMs: number,
): void {
  const headAt = timeIndexAt(head, edgeMs);
  const tileAt = tileIndexAt(tiles, edgeMs);
  const after = Math.min(hopStart(head[headAt], level), tiles[tileAt]?.startMs ?? Infinity);
  // A look before the beginning of an array is a slow one.
  const before = Math.max(
    headAt === 0 ? -Infinity : floorTo(head[headAt - 1] as number, level.hopMs),
    tileAt === 0 ? -Infinity : (tiles[tileAt - 1] as Tile).startMs,
  );
  bounds.untilMs = Math.min(bounds.untilMs, after + delayMs);
  bounds.fromMs = Math.max(bounds.fromMs, before + delayMs);
}

function hopStart(tsMs: number | undefined, level: Level): number {
  return tsMs === undefined ? Infinity : floorTo(tsMs, level.hopMs);
}
