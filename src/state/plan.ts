/**
 * A view compiled for the engine. Features share *slots* (one partial state over one column and filter), windows share
 * *levels* (one per hop). Both are in canonical order: names and order of features do not show in stored bytes.
 */
import type { Aggregation, Algebra } from '../aggregate/aggregation.ts';
import { type ValueCodec, compileValueCodec } from '../aggregate/value-codec.ts';
import { assert } from '../core/assert.ts';
import { floorTo } from '../core/time.ts';
import type { Value } from '../core/value.ts';
import type { AggregationParams, FeatureDefinition, ViewDefinition, Window } from '../definition/definition.ts';
import { type Stages, compileStages } from './stages.ts';

export type SlidingWindow = Extract<Window, { kind: 'sliding' }>;

/** A feature as read from its slot. */
export interface SlotReader {
  /** Index into the view's features. */
  readonly feature: number;
  readonly aggregation: Aggregation;
  readonly params: AggregationParams;
}

/** One window of a slot, with the features that read it. */
export interface SlotWindow {
  readonly window: SlidingWindow;
  readonly level: Level;
  /** Where the slot's states stand in the level's tiles. */
  readonly place: number;
  readonly readers: readonly SlotReader[];
}

export interface Slot {
  readonly key: string;
  readonly algebra: Algebra<unknown>;
  /** Index into the event's columns; −1: events are counted themselves. */
  readonly column: number;
  /** Bit of the event's filters that must be set; 0: every event. */
  readonly filterMask: number;
  /** Windows that end at `as_of`, grouped so that within a chain length and hop both grow. */
  readonly chains: readonly (readonly SlotWindow[])[];
  /** Windows that end earlier. */
  readonly offsets: readonly SlotWindow[];
  readonly lifetime: { readonly place: number; readonly readers: readonly SlotReader[] } | null;
}

export interface Level {
  readonly index: number;
  /** Tile length, ms; Infinity for the one tile of the lifetime level, which starts at −Infinity. */
  readonly hopMs: number;
  readonly slots: readonly Slot[];
  /** The states of an empty tile, one null for each slot: copied, never changed. */
  readonly noStates: readonly null[];
  /** Tiles that start before this are out of reach of every `as_of` from `sealedUntilMs` on. */
  readonly retainedFrom: (sealedUntilMs: number) => number;
  /** No more tiles than this are retained. */
  readonly tilesMax: number;
}

export interface ViewPlan {
  readonly view: ViewDefinition;
  readonly slots: readonly Slot[];
  /** Sliding levels by rising hop, then the lifetime level where there is one. */
  readonly levels: readonly Level[];
  /** How they are read. */
  readonly reading: Stages;
  /** Distinct sliding windows with their level, for event times and validity. */
  readonly windows: readonly { readonly window: SlidingWindow; readonly level: Level }[];
  /** Per feature: index into `windows`, or −1 for lifetime. */
  readonly windowOfFeature: readonly number[];
  /** Of every feature, to begin with: copied, never changed. */
  readonly nulls: readonly null[];
  readonly present: readonly 'PRESENT'[];
  readonly hasLifetime: boolean;
  readonly hasEventId: boolean;
  readonly columnCodecs: readonly ValueCodec[];
  /** The columns of an event that has none: copied, never changed. An array that grows by pushes has room for seventeen. */
  readonly noColumns: readonly null[];
  /** The column that a state of the one slot of an upsert view has kept. Null in append mode. */
  readonly rowOf: ((state: unknown) => Value) | null;
}

interface SlotDraft {
  readonly key: string;
  readonly column: number;
  readonly filter: number;
  readonly aggregation: Aggregation;
  readonly params: AggregationParams;
  readonly features: {
    readonly index: number;
    readonly feature: FeatureDefinition;
    readonly aggregation: Aggregation;
  }[];
}

/** Throws `internal` if the view names an aggregation that is not in the table: definitions were checked against it. */
export function compilePlan(view: ViewDefinition, aggregations: ReadonlyMap<string, Aggregation>): ViewPlan {
  const drafts = slotDrafts(view, aggregations);
  const hasLifetime = view.features.some(({ window }) => window.kind === 'lifetime');
  const levels = [...hopsOf(view), ...(hasLifetime ? [Infinity] : [])].map((hopMs, index) =>
    levelDraft(hopMs, index, drafts),
  );
  const slots = drafts.map((draft) => compileSlot(draft, view, levels));
  for (const level of levels) level.slots.push(...level.drafts.map((draft) => slots[drafts.indexOf(draft)] as Slot));
  const windows = distinctWindows(view.features.map((feature) => feature.window)).map((window) => ({
    window,
    level: levelOf(window, levels),
  }));
  return {
    view,
    slots,
    levels,
    reading: compileStages(slots, levels),
    windows,
    windowOfFeature: view.features.map(({ window }) => windows.findIndex((each) => sameWindow(each.window, window))),
    nulls: view.features.map(() => null),
    present: view.features.map(() => 'PRESENT'),
    hasLifetime,
    hasEventId: view.source.eventId !== null,
    columnCodecs: view.columns.map((column) => compileValueCodec(column.type)),
    noColumns: view.columns.map(() => null),
    rowOf: view.row === null ? null : rowReader(drafts),
  };
}

function rowReader(drafts: readonly SlotDraft[]): (state: unknown) => Value {
  const [draft, ...others] = drafts;
  assert(draft !== undefined && others.length === 0, 'all features of an upsert view read its one column');
  return (state) => draft.aggregation.evaluate(state, draft.params) as Value;
}

/** First moment of the window, ms. */
export function windowStartMs({ lengthMs, hopMs, offsetMs }: SlidingWindow, asOfMs: number): number {
  return floorTo(asOfMs - offsetMs - lengthMs, hopMs);
}

/** First moment after the window, ms. */
export function windowEndMs({ hopMs, offsetMs }: SlidingWindow, asOfMs: number): number {
  return offsetMs === 0 ? asOfMs : floorTo(asOfMs - offsetMs, hopMs);
}

/** When an event at `tsMs` leaves the window: the first `as_of` whose window begins after it, ms. */
export function leavesAtMs({ lengthMs, hopMs, offsetMs }: SlidingWindow, tsMs: number): number {
  return floorTo(tsMs, hopMs) + hopMs + lengthMs + offsetMs;
}

function slotDrafts(view: ViewDefinition, aggregations: ReadonlyMap<string, Aggregation>): readonly SlotDraft[] {
  const drafts = new Map<string, SlotDraft>();
  for (const [index, feature] of view.features.entries()) {
    const aggregation = aggregations.get(feature.aggregation);
    assert(aggregation !== undefined, `aggregation ${feature.aggregation} is in the table`);
    const { column, filter, params } = feature;
    const key = JSON.stringify([aggregation.stateKey(params), column, filter]);
    const draft = drafts.get(key) ?? { key, column, filter, aggregation, params, features: [] };
    draft.features.push({ index, feature, aggregation });
    drafts.set(key, draft);
  }
  return [...drafts.values()].toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
}

function takesPart({ features }: SlotDraft, hopMs: number): boolean {
  return features.some(({ feature: { window } }) =>
    window.kind === 'lifetime' ? hopMs === Infinity : window.hopMs === hopMs,
  );
}

function hopsOf(view: ViewDefinition): readonly number[] {
  const hops = view.features.flatMap(({ window }) => (window.kind === 'sliding' ? [window.hopMs] : []));
  return [...new Set(hops)].toSorted((a, b) => a - b);
}

interface LevelDraft extends Level {
  readonly slots: Slot[];
  readonly drafts: readonly SlotDraft[];
}

function levelDraft(hopMs: number, index: number, all: readonly SlotDraft[]): LevelDraft {
  const drafts = all.filter((draft) => takesPart(draft, hopMs));
  const needs = drafts.flatMap((draft) => needsOf(draft, hopMs));
  const retainedFrom = (sealedUntilMs: number): number => {
    let from = Infinity;
    for (const { reachMs, bridgeHopMs } of needs) {
      from = Math.min(from, floorTo(floorTo(sealedUntilMs - reachMs, hopMs), bridgeHopMs));
    }
    return from;
  };
  // Between the two ends, neither aligned, lies a hop more than the reach holds, and what is kept for the bridge.
  const tilesMax = Math.max(...needs.map((need) => Math.ceil(need.reachMs / hopMs) + need.bridgeHopMs / hopMs));
  const noStates = drafts.map(() => null);
  const draft = { index, hopMs, slots: [], drafts, noStates };
  if (hopMs === Infinity) return { ...draft, retainedFrom: () => -Infinity, tilesMax: 1 };
  return { ...draft, retainedFrom, tilesMax };
}

/** How far back a slot reads a level: to each window's start, and on to where the next coarser level takes over. */
function needsOf(draft: SlotDraft, hopMs: number): { reachMs: number; bridgeHopMs: number }[] {
  const windows = slidingWindows(draft);
  const coarser = windows.filter((window) => window.offsetMs === 0 && window.hopMs > hopMs);
  return windows.flatMap(({ lengthMs, hopMs: windowHopMs, offsetMs }) => {
    if (windowHopMs !== hopMs) return [];
    const own = { reachMs: offsetMs + lengthMs, bridgeHopMs: hopMs };
    return offsetMs === 0 ? [own, ...coarser.map((next) => ({ reachMs: lengthMs, bridgeHopMs: next.hopMs }))] : [own];
  });
}

function slidingWindows({ features }: SlotDraft): readonly SlidingWindow[] {
  return features.flatMap(({ feature: { window } }) => (window.kind === 'sliding' ? [window] : []));
}

function compileSlot(draft: SlotDraft, view: ViewDefinition, levels: readonly LevelDraft[]): Slot {
  const readersOf = (window: Window): readonly SlotReader[] =>
    draft.features
      .filter(({ feature }) => sameWindow(feature.window, window))
      .map(({ index, feature, aggregation }) => ({ feature: index, aggregation, params: feature.params }));
  const windows = distinctWindows(slidingWindows(draft)).map((window): SlotWindow => {
    const level = levelOf(window, levels);
    return { window, level, place: level.drafts.indexOf(draft), readers: readersOf(window) };
  });
  const lifetimeReaders = readersOf({ kind: 'lifetime' });
  const lifetimePlace = levels.at(-1)?.drafts.indexOf(draft) ?? -1;
  return {
    key: draft.key,
    algebra: draft.aggregation.algebra(view.columns[draft.column]?.type ?? null, draft.params),
    column: draft.column,
    filterMask: draft.filter < 0 ? 0 : 1 << draft.filter,
    chains: chainsOf(windows.filter(({ window }) => window.offsetMs === 0)),
    offsets: windows.filter(({ window }) => window.offsetMs !== 0),
    lifetime: lifetimeReaders.length === 0 ? null : { place: lifetimePlace, readers: lifetimeReaders },
  };
}

/** Windows by length, each put in the first chain whose last hop is no longer than its own. */
function chainsOf(windows: readonly SlotWindow[]): readonly (readonly SlotWindow[])[] {
  const chains: SlotWindow[][] = [];
  for (const each of windows.toSorted(
    (a, b) => a.window.lengthMs - b.window.lengthMs || a.window.hopMs - b.window.hopMs,
  )) {
    const chain = chains.find((candidate) => (candidate.at(-1) as SlotWindow).window.hopMs <= each.window.hopMs);
    if (chain === undefined) chains.push([each]);
    else chain.push(each);
  }
  return chains;
}

function levelOf<L extends Level>(window: SlidingWindow, levels: readonly L[]): L {
  const level = levels.find(({ hopMs }) => hopMs === window.hopMs);
  assert(level !== undefined, 'every hop has its level');
  return level;
}

function distinctWindows(windows: readonly Window[]): readonly SlidingWindow[] {
  const distinct: SlidingWindow[] = [];
  for (const window of windows) {
    if (window.kind === 'sliding' && !distinct.some((each) => sameWindow(each, window))) distinct.push(window);
  }
  return distinct;
}

function sameWindow(one: Window, other: Window): boolean {
  if (one.kind === 'lifetime' || other.kind === 'lifetime') return one.kind === other.kind;
  return one.lengthMs === other.lengthMs && one.hopMs === other.hopMs && one.offsetMs === other.offsetMs;
}
