/**
 * `evaluate`: every feature of a view for one entity at one `as_of`. Exact for every `as_of ≥ sealedUntilMs`. One pass over head
 * and tiles serves all features (read-windows.ts). The state is never changed.
 */
import { assert } from '../core/assert.ts';
import type { Status } from '../core/status.ts';
import type { StructValue, Value } from '../core/value.ts';
import { type EntityState, type Tile, tileIndexAt } from './entity-state.ts';
import { timeIndexAt } from './event-columns.ts';
import { type Level, type ViewPlan, windowEndMs, windowStartMs } from './plan.ts';
import { newestRow, readRow } from './newest-row.ts';
import { type Pass, readWindows } from './read-windows.ts';
import type { Evaluation } from './state.ts';
import { type AsOfPlace, validityOf } from './validity.ts';

/** What of an evaluation is left when its times are past: replay asks for nothing else. */
export type Features = Pick<Evaluation, 'values' | 'statuses'>;

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
    const { values, statuses } = withheld(plan, 'OUT_OF_HISTORY');
    return { values, statuses, eventTimesMs: plan.nulls, fromMs: -Infinity, untilMs: state.sealedUntilMs };
  }
  const moment = momentAt(plan, state, asOfMs, completeFromMs);
  const { fromMs, untilMs } = validityOf(plan, state, asOfMs, moment);
  const { values, statuses } = featuresAt(plan, state, moment);
  const eventTimesMs = moment.isKnown ? eventTimes(plan, state as EntityState, asOfMs, moment.newestMs) : plan.nulls;
  return { values, statuses, eventTimesMs, fromMs, untilMs };
}

/** The same without times, of a state that is not sealed beyond `asOfMs`. */
export function evaluateFeatures(
  plan: ViewPlan,
  state: EntityState | null,
  asOfMs: number,
  completeFromMs: number | null,
): Features {
  assert(state === null || asOfMs >= state.sealedUntilMs, 'no state is sealed beyond a label to come');
  return featuresAt(plan, state, momentAt(plan, state, asOfMs, completeFromMs));
}

/** What is seen of a state at one `as_of`. */
interface Moment extends AsOfPlace {
  readonly asOfMs: number;
  readonly reachStartMs: number;
  /** In upsert mode, the newest. */
  readonly row: StructValue | null | undefined;
  /** Whether some window reaches an event. */
  readonly isKnown: boolean;
}

function momentAt(plan: ViewPlan, state: EntityState | null, asOfMs: number, completeFromMs: number | null): Moment {
  const headEnd = state === null ? 0 : timeIndexAt(state.head.columns().tsMs, asOfMs);
  const newestMs = state === null ? -Infinity : newestBefore(state, headEnd);
  const reachStartMs = reachStart(plan, asOfMs);
  const isReached = newestMs !== -Infinity && newestMs >= reachStartMs;
  const row = isReached && plan.view.row !== null ? newestRow(plan, state as EntityState, headEnd) : undefined;
  return { headEnd, newestMs, completeFromMs, asOfMs, reachStartMs, row, isKnown: isReached && row !== null };
}

function featuresAt(plan: ViewPlan, state: EntityState | null, moment: Moment): Features {
  const { asOfMs, headEnd, newestMs, completeFromMs, row, isKnown, reachStartMs } = moment;
  if (!isKnown) {
    const unknowable = completeFromMs !== null && reachStartMs < completeFromMs;
    return unknowable ? unknown(plan) : notFound(plan);
  }
  const { maxAgeMs } = plan.view;
  if (maxAgeMs !== null && asOfMs - newestMs > maxAgeMs) return withheld(plan, 'OUTSIDE_MAX_AGE');
  const values = plan.nulls.slice();
  const statuses = plan.present.slice();
  const pass: Pass = { plan, state: state as EntityState, asOfMs, headEnd, values, statuses };
  if (row === undefined || row === null) readWindows(pass);
  else readRow(plan, row, eventTimes(plan, pass.state, asOfMs, newestMs), values, statuses);
  if (completeFromMs !== null) flagIncomplete(pass, completeFromMs);
  return { values, statuses };
}

function newestBefore(state: EntityState, headEnd: number): number {
  return headEnd > 0 ? (state.head.columns().tsMs[headEnd - 1] as number) : state.sealedNewestMs;
}

/** Where the view's farthest window begins: an entity without an event since is not known. */
export function reachStart(plan: ViewPlan, asOfMs: number): number {
  if (plan.hasLifetime) return -Infinity;
  let start = Infinity;
  for (const { window } of plan.windows) start = Math.min(start, windowStartMs(window, asOfMs));
  return start;
}

/** Per feature: `ts` of the newest event in its window. */
function eventTimes(plan: ViewPlan, state: EntityState, asOfMs: number, newestMs: number): (number | null)[] {
  const perWindow = plan.windows.map(({ window, level }) => {
    const startMs = windowStartMs(window, asOfMs);
    const newest = window.offsetMs === 0 ? newestMs : newestIn(state, level, startMs, windowEndMs(window, asOfMs));
    return newest >= startMs ? newest : null;
  });
  const { windowOfFeature } = plan;
  const times: (number | null)[] = plan.nulls.slice();
  for (let feature = 0; feature < times.length; feature++) {
    const window = windowOfFeature[feature] as number;
    times[feature] = window < 0 ? newestMs : (perWindow[window] as number | null);
  }
  return times;
}

function newestIn(state: EntityState, level: Level, startMs: number, endMs: number): number {
  const { tsMs } = state.head.columns();
  const inHead = tsMs[timeIndexAt(tsMs, endMs) - 1];
  if (inHead !== undefined && inHead >= startMs) return inHead;
  const tiles = state.tiles[level.index] as readonly Tile[];
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

function withheld(plan: ViewPlan, status: Status): Features {
  return { values: plan.nulls, statuses: plan.view.features.map(() => status) };
}

function notFound(plan: ViewPlan): Features {
  return { values: defaults(plan), statuses: withheld(plan, 'NOT_FOUND').statuses };
}

/** No event is seen, and one may be missing: not the same as there being none. */
function unknown(plan: ViewPlan): Features {
  const found = withheld(plan, 'INCOMPLETE');
  return plan.view.incomplete === 'withhold' ? found : { ...found, values: defaults(plan) };
}

function defaults({ view }: ViewPlan): readonly Value[] {
  return view.features.map((feature) => feature.defaultValue);
}
