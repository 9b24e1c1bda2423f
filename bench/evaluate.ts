/**
 * What evaluating costs: 50 features (ten columns and filters, each over five windows) of one entity, whose head holds 20
 * or 256 events, with a week of events behind it in tiles or with none. Beside it the naive way: each feature goes over
 * the entity's events once, in plain doubles, which is less exact.
 */
import { AGGREGATIONS } from '../src/aggregate/table.ts';
import { loadDefinitions } from '../src/definition/load.ts';
import type { ViewEvent } from '../src/event/event.ts';
import { takeChange } from '../src/state/codec.ts';
import { type EntityState, emptyState } from '../src/state/entity-state.ts';
import { evaluate } from '../src/state/evaluate.ts';
import { fold } from '../src/state/fold.ts';
import { type ViewPlan, compilePlan, windowStartMs } from '../src/state/plan.ts';
import { measure } from './measure.ts';

const NEWEST_MS = Date.UTC(2024, 1, 29, 12, 34, 56);
const STEP_MS = 120_000;
/** A week of events, one every two minutes. */
const HISTORY_EVENTS = 5_040;
const REPEATS = 200;

const DEFINITIONS = `
sources:
  - name: s
    topic: s
    format: json
    event_time: at
    clock: watermark
    max_disorder: 0ms
    fields: { k: string, at: timestamp, x: double, y: double, n: int, c: string }
entities:
  - { name: e, keys: { k: string } }
views:
  - name: v
    entity: e
    source: s
    history: 0ms
    head_max: HEAD_MAX
    features:
      - { name: events, agg: count, windows: WINDOWS }
      - { name: positive, agg: count, where: "x > 0", windows: WINDOWS }
      - { name: x_sum, agg: sum, of: x, windows: WINDOWS }
      - { name: x_mean_a, agg: mean, of: x, where: "c = 'a'", windows: WINDOWS }
      - { name: x_max, agg: max, of: x, windows: WINDOWS }
      - { name: x_stddev, agg: stddev, of: x, windows: WINDOWS }
      - { name: y_mean, agg: mean, of: y, windows: WINDOWS }
      - { name: y_min, agg: min, of: y, where: "n > 3", windows: WINDOWS }
      - { name: n_sum, agg: sum, of: n, windows: WINDOWS }
      - { name: c_last, agg: last, of: c, windows: WINDOWS }
`.replaceAll('WINDOWS', '[5m, 1h, 6h, 24h, 7d]');

export interface EvaluateFigures {
  readonly features: number;
  readonly cases: readonly {
    readonly head_events: number;
    readonly tiles: number;
    readonly evaluate_us: number;
    readonly naive_us: number;
    readonly evaluate_over_naive: number;
    readonly state_bytes: number;
  }[];
}

interface Case {
  readonly name: string;
  readonly plan: ViewPlan;
  readonly state: EntityState;
  readonly events: readonly ViewEvent[];
  readonly bytes: number;
}

export function benchEvaluate(rounds: number): EvaluateFigures {
  const cases = [20, 256].flatMap((headEvents) => [caseOf(headEvents, 0), caseOf(headEvents, HISTORY_EVENTS)]);
  let sink = 0;
  const timed = measure(
    cases.flatMap(({ name, plan, state, events }) => [
      { name, run: () => repeat((asOfMs) => (sink += evaluate(plan, state, asOfMs, null).values.length)) },
      { name: `${name}, naively`, run: () => repeat((asOfMs) => (sink += evaluateNaively(plan, events, asOfMs))) },
    ]),
    rounds,
  );
  if (Number.isNaN(sink)) throw new Error('unreachable: keeps the work from being optimised away');
  return {
    features: cases[0]?.plan.view.features.length ?? 0,
    cases: cases.map(({ name, state, bytes }) => {
      const evaluateNs = timed.get(name) ?? Number.NaN;
      const naiveNs = timed.get(`${name}, naively`) ?? Number.NaN;
      return {
        head_events: state.head.length,
        tiles: state.tiles.reduce((sum, tiles) => sum + tiles.length, 0),
        evaluate_us: evaluateNs / 1_000,
        naive_us: naiveNs / 1_000,
        evaluate_over_naive: evaluateNs / naiveNs,
        state_bytes: bytes,
      };
    }),
  };
}

function repeat(work: (asOfMs: number) => void): number {
  for (let index = 0; index < REPEATS; index++) work(NEWEST_MS + 1 + index * 37);
  return REPEATS;
}

/** A head of exactly `headEvents` in front of `historyEvents` that are sealed. */
function caseOf(headEvents: number, historyEvents: number): Case {
  const plan = planOf(historyEvents === 0 ? headEvents : 2 * headEvents - 1);
  const events = Array.from({ length: headEvents + historyEvents }, (_, offset) => eventOf(offset));
  const count = events.length;
  const dated = events.map((event, index) => ({ ...event, tsMs: NEWEST_MS - (count - 1 - index) * STEP_MS }));
  // From the first event whose head ends up as long as asked for: a seal leaves half of what head_max allows.
  for (let skipped = 0; skipped < 2 * headEvents; skipped++) {
    const state = emptyState(plan);
    for (const event of dated.slice(skipped)) fold(plan, state, event);
    if (state.head.length !== headEvents) continue;
    const change = takeChange(plan, state);
    const bytes = (change?.head.bytes.length ?? 0) + (change?.tiles?.length ?? 0);
    const name = `head of ${headEvents}, ${historyEvents === 0 ? 'no tiles' : 'tiles'}`;
    return { name, plan, state, events: dated.slice(skipped), bytes };
  }
  throw new Error(`no head of ${headEvents} events`);
}

function planOf(headMax: number): ViewPlan {
  const text = DEFINITIONS.replace('HEAD_MAX', String(headMax));
  const loaded = loadDefinitions([{ path: 'bench.yaml', text }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const [view] = loaded.definitions.views.values();
  if (view === undefined) throw new Error('no view');
  return compilePlan(view, AGGREGATIONS);
}

/** Columns and filters as the definitions above number them, by the canonical text of each. */
function eventOf(offset: number): ViewEvent {
  const plan = PLAN_COLUMNS;
  const x = ((offset * 7_919) % 1_000) / 8 - 50;
  const y = ((offset * 104_729) % 10_007) / 16;
  const n = offset % 11;
  const c = offset % 3 === 0 ? 'a' : 'b';
  const values: Readonly<Record<string, number | string>> = { x, y, n, c };
  const truths: Readonly<Record<string, boolean>> = { x: x > 0, c: c === 'a', n: n > 3 };
  return {
    entityKey: 'a',
    tsMs: 0,
    partition: 0,
    offset,
    appendedMs: NEWEST_MS,
    columns: plan.columns.map((name) => values[name] ?? null),
    filterBits: plan.filters.reduce((bits, name, bit) => (truths[name] === true ? bits | (1 << bit) : bits), 0),
    eventId: null,
  };
}

/** The one column that each `of` and each `where` reads, in the view's order. */
const PLAN_COLUMNS = columnsOf(planOf(1));

function columnsOf({ view }: ViewPlan): { columns: readonly string[]; filters: readonly string[] } {
  const nameIn = (canonical: string): string => /\b[xync]\b/.exec(canonical)?.[0] ?? '';
  return {
    columns: view.columns.map((column) => nameIn(column.canonical)),
    filters: view.filters.map((filter) => nameIn(filter.canonical)),
  };
}

/** Every feature by itself over the events of its window. */
function evaluateNaively({ view }: ViewPlan, events: readonly ViewEvent[], asOfMs: number): number {
  let results = 0;
  for (const { aggregation, column, filter, window } of view.features) {
    if (window.kind !== 'sliding') continue;
    const startMs = windowStartMs(window, asOfMs);
    const bit = filter < 0 ? 0 : 1 << filter;
    const kept: (number | string)[] = [];
    for (let index = events.length - 1; index >= 0; index--) {
      const event = events[index] as ViewEvent;
      if (event.tsMs < startMs) break;
      if (event.tsMs >= asOfMs || (bit !== 0 && (event.filterBits & bit) === 0)) continue;
      const value = column < 0 ? 1 : event.columns[column];
      if (typeof value === 'number' || typeof value === 'string') kept.push(value);
    }
    if (naiveValue(aggregation, kept) !== null) results += 1;
  }
  return results;
}

function naiveValue(aggregation: string, values: readonly (number | string)[]): number | string | null {
  const numbers = values as readonly number[];
  switch (aggregation) {
    case 'count':
      return values.length;
    case 'sum':
      return sumOf(numbers);
    case 'mean':
      return sumOf(numbers) / numbers.length;
    case 'min':
      return numbers.reduce((least, each) => Math.min(least, each), Infinity);
    case 'max':
      return numbers.reduce((greatest, each) => Math.max(greatest, each), -Infinity);
    case 'last':
      return values[0] ?? null;
    default: {
      const mean = sumOf(numbers) / numbers.length;
      return Math.sqrt(numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (numbers.length - 1));
    }
  }
}

function sumOf(numbers: readonly number[]): number {
  let sum = 0;
  for (const each of numbers) sum += each;
  return sum;
}
