/** Views, events and stored states for the tests of the engine, from definitions and records as users write them. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import type { ViewEvent } from '../../src/event/event.ts';
import { applyChange, takeChange } from '../../src/state/codec.ts';
import { type EntityState, emptyState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import { compilePlan, type ViewPlan } from '../../src/state/plan.ts';
import type { Evaluation, FoldOutcome, StoredState } from '../../src/state/state.ts';

/** On the edge of every hop. */
export const NOON = Date.UTC(2024, 1, 29, 12);
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

export interface Setting {
  readonly features: readonly object[];
  readonly view?: object;
  readonly source?: object;
}

/** A view over a source with a field of every type; `clock: watermark` without disorder unless the setting says otherwise. */
export function planOf({ features, view, source }: Setting): ViewPlan {
  const text = JSON.stringify({
    sources: [
      {
        name: 's',
        topic: 's',
        format: 'json',
        event_time: 'at',
        clock: 'watermark',
        max_disorder: '0ms',
        fields: {
          k: 'string',
          at: 'timestamp',
          x: 'double?',
          n: 'int?',
          i: 'int64?',
          b: 'bool?',
          c: 'string?',
          t: 'timestamp?',
          pair: 'double[2]?',
          list: { type: 'int64?[]', nullable: true },
          id: 'string?',
        },
        ...source,
      },
    ],
    entities: [{ name: 'e', keys: { k: 'string' } }],
    views: [{ name: 'v', entity: 'e', source: 's', history: '0ms', features, ...view }],
  });
  const loaded = loadDefinitions([{ path: 'test.yaml', text }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  return compilePlan([...loaded.definitions.views.values()][0] as ViewDefinition, AGGREGATIONS);
}

/** Event time, other fields, append time (that of the event when absent). Offsets count up from 0. */
export type Row = readonly [atMs: number, fields?: Readonly<Record<string, unknown>>, appendedMs?: number];

export function eventsOf({ view }: ViewPlan, rows: readonly Row[]): ViewEvent[] {
  const decoder = compileSourceDecoder(view.source, [view]);
  return rows.map(([at, fields, appendedMs], offset) => {
    const value = Buffer.from(JSON.stringify({ k: 'a', at, ...fields }));
    const [outcome] = decoder.decode({ partition: 0, offset, timestampMs: appendedMs ?? at, key: null, value });
    if (outcome?.kind !== 'event') throw new Error(`no event: ${JSON.stringify(outcome)}`);
    return outcome.event;
  });
}

export const times = (...atMs: readonly number[]): Row[] => atMs.map((at) => [at]);

export interface Folded {
  readonly state: EntityState;
  readonly outcomes: readonly FoldOutcome[];
}

export function foldRows(plan: ViewPlan, rows: readonly Row[]): Folded {
  const state = emptyState(plan);
  const outcomes = eventsOf(plan, rows).map((event) => fold(plan, state, event));
  return { state, outcomes };
}

/** What a store holds after the changes taken after each of `flushes` many events; the last one takes what is left. */
export function storedAfter(plan: ViewPlan, rows: readonly Row[], flushEvery = Infinity): StoredState {
  const state = emptyState(plan);
  let stored: StoredState | null = null;
  for (const [index, event] of eventsOf(plan, rows).entries()) {
    fold(plan, state, event);
    if ((index + 1) % flushEvery !== 0 && index + 1 < rows.length) continue;
    const change = takeChange(plan, state);
    if (change !== null) stored = applyChange(stored, change);
  }
  if (stored === null) throw new Error('nothing was stored');
  return stored;
}

/** One value of a view with one feature. */
export function valueAt(plan: ViewPlan, state: EntityState | null, asOfMs: number): unknown {
  return evaluate(plan, state, asOfMs, null).values[0];
}

/** As text that tells −0 from 0 and a bigint from a number. */
export function show(evaluation: Evaluation | EntityState): string {
  return JSON.stringify(evaluation, (_name, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (Object.is(value, -0)) return '-0';
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
    if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
    return value;
  });
}

/** A view that uses every aggregation and every type, over tiles of several levels. */
export const EVERYTHING: Setting = {
  source: { event_id: 'id' },
  view: { head_max: 4, head_limit: 8 },
  features: [
    { name: 'events', agg: 'count', windows: ['1m', '1h', { length: '1m', offset: '1h' }] },
    { name: 'positive', agg: 'count', where: 'x > 0', windows: ['1h'] },
    { name: 'x_sum', agg: 'sum', of: 'x', windows: ['1m', '1h'] },
    { name: 'x_mean', agg: 'mean', of: 'x', where: "c = 'é'", windows: ['1h'] },
    { name: 'n_variance', agg: 'variance', of: 'n', windows: ['1h'] },
    { name: 'n_stddev', agg: 'stddev', of: 'n', where: 'n < 100', windows: ['1h'] },
    { name: 'c_min', agg: 'min', of: 'c', windows: ['1h'] },
    { name: 'i_max', agg: 'max', of: 'i', windows: ['1h'] },
    { name: 'pair_first', agg: 'first', of: 'pair', windows: ['1h'] },
    { name: 'list_last', agg: 'last', of: 'list', windows: ['1h'] },
    { name: 'recent', agg: 'last_n', n: 3, of: { c: 'c', i: 'i', at: 'at', b: 'b' }, windows: ['1h'] },
    { name: 'since', agg: 'time_since_last' },
    { name: 'distinct', agg: 'count_distinct', of: 'c', windows: ['1h'] },
    { name: 'top', agg: 'top_k', k: 2, keys_max: 5, of: 'c', windows: ['1h'] },
    { name: 'spread', agg: 'histogram', edges: [0, 10], of: 'x', windows: ['1h'] },
    { name: 'median', agg: 'quantile', q: 0.5, of: 'x', windows: ['1h'] },
    { name: 't_max', agg: 'max', of: 't' },
  ],
};

export const EVERYTHING_ROWS: readonly Row[] = [
  [NOON - 90 * MINUTE, { x: 0.1, n: 9007199254740991, i: '9223372036854775807', b: true, c: 'é', id: 'one' }],
  [
    NOON - 50 * MINUTE,
    { x: -4.9, n: -9007199254740991, i: '-9223372036854775808', b: false, c: 'Z', t: NOON, id: 'two' },
  ],
  [
    NOON - 50 * MINUTE + 1,
    { x: 5e-324, i: '9007199254740993', c: '𝄞', pair: [0, 0.1], list: ['9007199254740993', null, 7] },
  ],
  [NOON - 40 * MINUTE, { x: 0.2, n: 3, c: 'é', pair: [1, 2], list: [], id: 'é-ü' }],
  [NOON - 40 * MINUTE, { x: -0.0, c: '', t: '1969-12-31T23:59:59.999Z', id: 'five' }],
  [NOON - 45 * MINUTE, { x: 1e16, n: 5, c: 'é', id: 'late in the head' }],
  [NOON - 30 * SECOND, { x: 12.5, n: 4, i: 0, b: true, c: 'Z', id: 'seven' }],
  [NOON - 29 * SECOND, { x: -1e16, c: 'aa', id: 'eight' }],
  [NOON - 70 * MINUTE, { x: 3, n: 2, c: 'é', id: 'below the seal' }],
  [NOON - 2, { c: 'Z', i: '-7', id: 'ten' }],
];
