/**
 * `evaluate`: every feature of a view for one entity at one `as_of`. Exact for every `as_of ≥ sealedUntilMs`. Windows of
 * a slot nest, so one backward pass over head and tiles serves all that end at `as_of`. The state is never changed.
 */
import { OVER_LIMIT } from '../aggregate/aggregation.ts';
import { floorTo } from '../core/time.ts';
import type { Status } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import type { FeatureDefinition } from '../definition/definition.ts';
import { type EntityState, type HeadEvent, type Tile, headIndexAt, tileIndexAt } from './entity-state.ts';
import {
  type Level,
  type Slot,
  type SlotReader,
  type SlotWindow,
  type ViewPlan,
  windowEndMs,
  windowStartMs,
} from './plan.ts';
import { newestRow, readRow } from './newest-row.ts';
import type { Evaluation } from './state.ts';
import { statesOf } from './tiles-codec.ts';
import { type Validity, validityOf } from './validity.ts';

/** What a pass reads: the state, where `as_of` stands in it, and where results go. */
interface Pass {
  readonly plan: ViewPlan;
  readonly state: EntityState;
  readonly head: readonly HeadEvent[];
  readonly asOfMs: number;
  /** Head events before this index have `ts < as_of`. */
  readonly headEnd: number;
  readonly values: Value[];
  readonly statuses: Status[];
}

/**
 * `state` null: nothing was ever folded for the entity. `completeFromMs`: event time before which history may be
 * missing (ms), or null; windows that begin earlier are `INCOMPLETE`.
 */
export function evaluate(
  plan: ViewPlan,
  state: EntityState | null,
  asOfMs: number,
  completeFromMs: number | null,
): Evaluation {
  if (state !== null && asOfMs < state.sealedUntilMs) {
    return withheld(plan, 'OUT_OF_HISTORY', { fromMs: -Infinity, untilMs: state.sealedUntilMs });
  }
  const headEnd = state === null ? 0 : headIndexAt(state.head.events(), asOfMs);
  const newestMs = state === null ? -Infinity : newestBefore(state, headEnd);
  const validity = validityOf(plan, state, asOfMs, { headEnd, newestMs, completeFromMs });
  const reachStartMs = reachStart(plan, asOfMs);
  const isReached = newestMs !== -Infinity && newestMs >= reachStartMs;
  const row = isReached && plan.view.row !== null ? newestRow(plan, state as EntityState, headEnd) : undefined;
  if (!isReached || row === null) {
    const unknowable = completeFromMs !== null && reachStartMs < completeFromMs;
    return unknowable ? unknown(plan, validity) : notFound(plan, validity);
  }
  const { maxAgeMs } = plan.view;
  if (maxAgeMs !== null && asOfMs - newestMs > maxAgeMs)
    return withheld(plan, 'OUTSIDE_MAX_AGE', validity, eventTimes(plan, state as EntityState, asOfMs, newestMs));
  const values: Value[] = plan.view.features.map(() => null);
  const statuses: Status[] = plan.view.features.map(() => 'PRESENT');
  const { head } = state as EntityState;
  const pass: Pass = { plan, state: state as EntityState, head: head.events(), asOfMs, headEnd, values, statuses };
  const eventTimesMs = eventTimes(plan, pass.state, asOfMs, newestMs);
  if (row === undefined) readSlots(pass);
  else readRow(plan, row, eventTimesMs, values, statuses);
  if (completeFromMs !== null) flagIncomplete(pass, completeFromMs);
  return { values, statuses, eventTimesMs, ...validity };
}

function readSlots(pass: Pass): void {
  for (const slot of pass.plan.slots) {
    for (const chain of slot.chains) readChain(pass, slot, chain);
    for (const offset of slot.offsets) readOffset(pass, slot, offset);
    if (slot.lifetime !== null) readLifetime(pass, slot, slot.lifetime);
  }
}

function newestBefore(state: EntityState, headEnd: number): number {
  return headEnd > 0 ? (state.head.events()[headEnd - 1] as HeadEvent).tsMs : state.sealedNewestMs;
}

/** Where the view's farthest window begins: an entity without an event since is not known. */
export function reachStart(plan: ViewPlan, asOfMs: number): number {
  if (plan.hasLifetime) return -Infinity;
  let start = Infinity;
  for (const { window } of plan.windows) start = Math.min(start, windowStartMs(window, asOfMs));
  return start;
}

/** Windows that end at `as_of`, shortest first: what one has counted, the next one keeps. */
function readChain(pass: Pass, slot: Slot, chain: readonly SlotWindow[]): void {
  const { state, head, asOfMs } = pass;
  const accumulator = slot.algebra.create();
  let at = pass.headEnd - 1;
  // Sealed events from here on are counted; Infinity while none is.
  let covered = Infinity;
  let finer: SlotWindow | null = null;
  for (const each of chain) {
    const startMs = windowStartMs(each.window, asOfMs);
    at = addHead(slot, accumulator, head, at, startMs);
    if (startMs < state.sealedUntilMs) {
      const bridge = finer === null ? Infinity : floorTo(covered, each.window.hopMs);
      if (finer !== null) mergeTiles(slot, accumulator, state, finer.level, finer.place, bridge, covered);
      mergeTiles(slot, accumulator, state, each.level, each.place, startMs, bridge);
      covered = startMs;
      finer = each;
    }
    for (const reader of each.readers) put(pass, reader, accumulator);
  }
}

/** A window that ends earlier, both edges aligned, so that its own level covers its sealed part. */
function readOffset(pass: Pass, slot: Slot, { window, level, place, readers }: SlotWindow): void {
  const { state, head, asOfMs } = pass;
  const startMs = windowStartMs(window, asOfMs);
  const endMs = windowEndMs(window, asOfMs);
  const accumulator = slot.algebra.create();
  addHead(slot, accumulator, head, headIndexAt(head, endMs) - 1, startMs);
  mergeTiles(slot, accumulator, state, level, place, startMs, endMs);
  for (const reader of readers) put(pass, reader, accumulator);
}

function readLifetime(pass: Pass, slot: Slot, { place, readers }: NonNullable<Slot['lifetime']>): void {
  const { state, head, plan } = pass;
  const accumulator = slot.algebra.create();
  addHead(slot, accumulator, head, pass.headEnd - 1, -Infinity);
  mergeTiles(slot, accumulator, state, plan.levels.at(-1) as Level, place, -Infinity, Infinity);
  for (const reader of readers) put(pass, reader, accumulator);
}

function tilesOf(state: EntityState, level: Level): readonly Tile[] {
  return state.tiles[level.index] as readonly Tile[];
}

/** Counts head events from index `at` down to `startMs`; answers the index of the first that is older. */
function addHead(slot: Slot, accumulator: unknown, head: readonly HeadEvent[], at: number, startMs: number): number {
  const { algebra, column, filterMask } = slot;
  let index = at;
  for (; index >= 0; index--) {
    const event = head[index] as HeadEvent;
    if (event.tsMs < startMs) break;
    if (filterMask !== 0 && (event.filterBits & filterMask) === 0) continue;
    const value = column < 0 ? true : (event.columns[column] as Value);
    if (value !== null) algebra.add(accumulator, value, event.tsMs, event.partition, event.offset);
  }
  return index;
}

/** Merges the tiles that start in `[fromMs, toMs)`. */
function mergeTiles(
  slot: Slot,
  accumulator: unknown,
  state: EntityState,
  level: Level,
  place: number,
  fromMs: number,
  toMs: number,
): void {
  const tiles = tilesOf(state, level);
  for (let index = tileIndexAt(tiles, fromMs); index < tiles.length; index++) {
    const tile = tiles[index] as Tile;
    if (tile.startMs >= toMs) return;
    const partial = (tile.states ?? statesOf(level, tile, state.stored))[place];
    if (partial !== null) slot.algebra.merge(accumulator, partial);
  }
}

function put(
  { plan, values, statuses }: Pass,
  { feature, aggregation, params }: SlotReader,
  accumulator: unknown,
): void {
  const value = aggregation.evaluate(accumulator, params);
  if (value === OVER_LIMIT) {
    statuses[feature] = 'OVER_LIMIT';
  } else if (value === null) {
    statuses[feature] = 'NULL_VALUE';
    values[feature] = (plan.view.features[feature] as FeatureDefinition).defaultValue;
  } else {
    values[feature] = value;
  }
}

/** Per feature: `ts` of the newest event in its window. */
function eventTimes(plan: ViewPlan, state: EntityState, asOfMs: number, newestMs: number): (number | null)[] {
  const perWindow = plan.windows.map(({ window, level }) => {
    const startMs = windowStartMs(window, asOfMs);
    const newest = window.offsetMs === 0 ? newestMs : newestIn(state, level, startMs, windowEndMs(window, asOfMs));
    return newest >= startMs ? newest : null;
  });
  return plan.windowOfFeature.map((window) => (window < 0 ? newestMs : (perWindow[window] ?? null)));
}

function newestIn(state: EntityState, level: Level, startMs: number, endMs: number): number {
  const head = state.head.events();
  const inHead = head[headIndexAt(head, endMs) - 1];
  if (inHead !== undefined && inHead.tsMs >= startMs) return inHead.tsMs;
  const tiles = tilesOf(state, level);
  const tile = tiles[tileIndexAt(tiles, endMs) - 1];
  return tile !== undefined && tile.startMs >= startMs ? tile.newestMs : -Infinity;
}

function flagIncomplete({ plan, values, statuses, asOfMs }: Pass, completeFromMs: number): void {
  for (const [index, { window }] of plan.view.features.entries()) {
    if (window.kind === 'sliding' && windowStartMs(window, asOfMs) >= completeFromMs) continue;
    if (statuses[index] === 'OVER_LIMIT') continue;
    statuses[index] = 'INCOMPLETE';
    if (plan.view.incomplete === 'withhold') values[index] = null;
  }
}

function withheld(
  plan: ViewPlan,
  status: Status,
  validity: Validity,
  eventTimesMs: readonly (number | null)[] = plan.view.features.map(() => null),
): Evaluation {
  return {
    values: plan.view.features.map(() => null),
    statuses: plan.view.features.map(() => status),
    eventTimesMs,
    ...validity,
  };
}

function notFound(plan: ViewPlan, validity: Validity): Evaluation {
  return {
    ...withheld(plan, 'NOT_FOUND', validity),
    values: plan.view.features.map((feature) => feature.defaultValue),
  };
}

/** No event is seen, and one may be missing: not the same as there being none. */
function unknown(plan: ViewPlan, validity: Validity): Evaluation {
  const found = withheld(plan, 'INCOMPLETE', validity);
  return plan.view.incomplete === 'withhold'
    ? found
    : { ...found, values: plan.view.features.map((feature) => feature.defaultValue) };
}
