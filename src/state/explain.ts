/**
 * What a value came from: its window, the tiles of the window's hop that count, and the coordinates of head events.
 * Sealed events have given up their coordinates; their tiles say where in time they are.
 */
import { assert } from '../core/assert.ts';
import { type EntityState, type HeadEvent, headIndexAt, tileIndexAt } from './entity-state.ts';
import { type Level, type Slot, type ViewPlan, windowEndMs, windowStartMs } from './plan.ts';
import { hasState } from './tiles-codec.ts';

/** More coordinates than this are counted, not listed. */
export const EXPLAIN_EVENTS_MAX = 100;

export interface Explanation {
  /** Window `[fromMs, untilMs)`; `fromMs` null: all of time before. */
  readonly fromMs: number | null;
  readonly untilMs: number;
  /** Starts of the tiles that count, ms, at most `EXPLAIN_EVENTS_MAX` of the newest; a lifetime's one tile has none. */
  readonly tileStartsMs: readonly number[];
  readonly tileCount: number;
  /** Tile length, ms; null for lifetime. */
  readonly hopMs: number | null;
  /** The newest head events that count, newest first. */
  readonly events: readonly { readonly tsMs: number; readonly partition: number; readonly offset: number }[];
  readonly eventCount: number;
  /** Events below are in tiles; null: none is sealed. */
  readonly sealedUntilMs: number | null;
}

/** Of one feature of the view, by index; `state` null: no event. `eventsMax`: how many coordinates are listed. */
export function explain(
  plan: ViewPlan,
  state: EntityState | null,
  feature: number,
  asOfMs: number,
  eventsMax = EXPLAIN_EVENTS_MAX,
): Explanation {
  const { slot, place, level } = findPlace(plan, feature);
  const window = plan.view.features[feature]?.window;
  assert(window !== undefined, 'the feature is one of the view');
  const fromMs = window.kind === 'lifetime' ? -Infinity : windowStartMs(window, asOfMs);
  const untilMs = window.kind === 'lifetime' ? asOfMs : windowEndMs(window, asOfMs);
  const counted = state === null ? [] : headEvents(state, slot, fromMs, untilMs);
  const starts = state === null ? [] : tileStarts(state, level, place, fromMs, untilMs);
  const newest = counted.slice(-eventsMax).toReversed();
  return {
    fromMs: Number.isFinite(fromMs) ? fromMs : null,
    untilMs,
    tileStartsMs: starts.filter(Number.isFinite).slice(-EXPLAIN_EVENTS_MAX),
    tileCount: starts.length,
    hopMs: Number.isFinite(level.hopMs) ? level.hopMs : null,
    events: newest.map(({ tsMs, partition, offset }) => ({ tsMs, partition, offset })),
    eventCount: counted.length,
    sealedUntilMs: state === null || !Number.isFinite(state.sealedUntilMs) ? null : state.sealedUntilMs,
  };
}

interface Place {
  readonly slot: Slot;
  readonly place: number;
  readonly level: Level;
}

/** The slot that a feature reads, and where its states stand in the tiles of the feature's window. */
function findPlace(plan: ViewPlan, feature: number): Place {
  for (const slot of plan.slots) {
    for (const { level, place, readers } of [...slot.chains.flat(), ...slot.offsets]) {
      if (readers.some((reader) => reader.feature === feature)) {
        return { slot, place, level };
      }
    }
    if (slot.lifetime?.readers.some((reader) => reader.feature === feature)) {
      return { slot, place: slot.lifetime.place, level: plan.levels.at(-1) as Level };
    }
  }
  throw new RangeError(`no slot of ${plan.view.id} is read by feature ${feature}`);
}

function tileStarts(
  { tiles, stored }: EntityState,
  level: Level,
  place: number,
  fromMs: number,
  untilMs: number,
): readonly number[] {
  const ofLevel = tiles[level.index] ?? [];
  return ofLevel
    .slice(tileIndexAt(ofLevel, fromMs))
    .filter((tile) => tile.startMs < untilMs && hasState(tile, place, stored))
    .map((tile) => tile.startMs);
}

function headEvents(state: EntityState, slot: Slot, fromMs: number, untilMs: number): readonly HeadEvent[] {
  const head = state.head.events();
  const inWindow = head.slice(headIndexAt(head, fromMs), headIndexAt(head, untilMs));
  return inWindow.filter(({ filterBits, columns }) => {
    if (slot.filterMask !== 0 && (filterBits & slot.filterMask) === 0) return false;
    return slot.column < 0 || (columns[slot.column] ?? null) !== null;
  });
}
