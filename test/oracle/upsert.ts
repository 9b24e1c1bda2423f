/**
 * What an upsert view is to say, from all records ever: sort those before `as_of`, take the last one. Generates views and
 * logs as well, from a seed: rows, nulls, late rows, deletions, ties, conditions that let rows in and out.
 */
import type { Random } from './random.ts';

type Row = Readonly<{ at: number; k: string; x: number | null; c: string | null; n: number | null }>;

export interface UpsertRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly k: string;
  /** Null: a tombstone. */
  readonly row: Row | null;
}

type Values = Readonly<Record<string, unknown>>;
interface ModelFeature {
  readonly name: string;
  readonly of: string | Readonly<Record<string, string>>;
  readonly value: (row: Row) => unknown;
  readonly where: { readonly sql: string; readonly holds: (row: Row) => boolean } | null;
  readonly window: { readonly lengthMs: number; readonly hopMs: number } | null;
  readonly defaultValue: unknown;
}

export interface UpsertScenario {
  readonly seed: number;
  readonly text: string;
  readonly records: readonly UpsertRecord[];
  readonly entities: readonly string[];
  readonly random: Random;
  /** `as_of`s at which something is likely to change, each side of it. */
  times(entity: string): readonly number[];
  expect(entity: string, asOfMs: number, completeFromMs: number | null): readonly Expected[];
}

export interface Expected {
  readonly status: string;
  readonly value: unknown;
  readonly eventTimeMs: number | null;
}

const BASE_MS = Date.UTC(2024, 1, 29, 12);
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const READS: readonly Pick<ModelFeature, 'of' | 'value'>[] = [
  { of: 'x', value: ({ x }) => plusZero(x) },
  { of: 'c', value: ({ c }) => c },
  { of: 'x + 1', value: ({ x }) => (x === null ? null : x + 1) },
  { of: { amount: 'x', kind: 'c' }, value: ({ x, c }) => ({ amount: plusZero(x), kind: c }) },
];
/** There is one zero. */
function plusZero(x: number | null): number | null {
  return x === 0 ? 0 : x;
}

const CONDITIONS: readonly NonNullable<ModelFeature['where']>[] = [
  { sql: 'x > 0', holds: ({ x }) => x !== null && x > 0 },
  { sql: "c <> 'b'", holds: ({ c }) => c !== null && c !== 'b' },
];
const VIEW_CONDITION = { sql: 'n < 3', holds: ({ n }: Row): boolean => n !== null && n < 3 };
const WINDOWS: readonly (readonly [text: unknown, ModelFeature['window']])[] = [
  ['1m', { lengthMs: MINUTE_MS, hopMs: 1_000 }],
  ['1h', { lengthMs: HOUR_MS, hopMs: MINUTE_MS }],
  [
    { length: '2h', hop: '30m' },
    { lengthMs: 2 * HOUR_MS, hopMs: 30 * MINUTE_MS },
  ],
  [
    { length: '59m', hop: '30m' },
    { lengthMs: 59 * MINUTE_MS, hopMs: 30 * MINUTE_MS },
  ],
  ['lifetime', null],
];

export function generateUpsert(seed: number, random: Random): UpsertScenario {
  const features = generateFeatures(random);
  const where = random.chance(0.5) ? VIEW_CONDITION : null;
  const maxAgeMs = random.chance(0.3) ? random.pick([MINUTE_MS, HOUR_MS]) : null;
  const incomplete = random.pick(['withhold', 'serve'] as const);
  const records = generateRecords(random, random.integer(1, 60));
  const entities = [...new Set(records.map(({ k }) => k))];
  const view = {
    name: 'v',
    entity: 'e',
    source: 's',
    ...(where === null ? {} : { where: where.sql }),
    ...(maxAgeMs === null ? {} : { max_age: `${maxAgeMs}ms` }),
    incomplete,
    history: random.pick(['0ms', '30s']),
    head_max: random.integer(1, 6),
    head_limit: random.integer(6, 12),
    features: features.flatMap((group) => group.declared),
  };
  const outputs = features.flatMap((group) => group.outputs);
  const source = {
    name: 's',
    mode: 'upsert',
    key: ['k'],
    event_time: 'at',
    clock: random.pick(['wall', 'watermark']),
    fields: { at: 'timestamp', k: 'string', x: 'double?', c: 'string?', n: 'int?' },
  };
  const entity = { name: 'e', keys: { k: 'string' } };
  const ofEntity = (k: string) => records.filter((record) => record.k === k).toSorted(inOrder);
  return {
    seed,
    text: JSON.stringify({ sources: [source], entities: [entity], views: [view] }, null, 1),
    records,
    entities,
    random,
    times: (k) => timesOf(random, ofEntity(k), outputs, maxAgeMs),
    expect: (k, asOfMs, completeFromMs) =>
      answer({ outputs, where, maxAgeMs, incomplete }, ofEntity(k), asOfMs, completeFromMs),
  };
}

interface FeatureGroup {
  readonly declared: Values;
  readonly outputs: readonly ModelFeature[];
}

function generateFeatures(random: Random): readonly FeatureGroup[] {
  return Array.from({ length: random.integer(1, 4) }, (_none, index): FeatureGroup => {
    const { of, value } = random.pick(READS);
    const where = random.chance(0.4) ? random.pick(CONDITIONS) : null;
    const windows = random.chance(0.2) ? [] : random.sample(WINDOWS, random.integer(1, 3));
    const hasDefault = random.chance(0.4);
    const defaultValue = hasDefault ? defaultOf(of) : null;
    const name = `f${index}`;
    const declared = {
      name,
      agg: 'last',
      of,
      ...(where === null ? {} : { where: where.sql }),
      ...(windows.length === 0 ? {} : { windows: windows.map(([text]) => text) }),
      ...(hasDefault ? { default: defaultValue } : {}),
    };
    const spans = windows.length === 0 ? [null] : windows.map(([, window]) => window);
    return { declared, outputs: spans.map((window) => ({ name, of, value, where, window, defaultValue })) };
  });
}

function defaultOf(of: ModelFeature['of']): unknown {
  if (typeof of !== 'string') return { amount: null, kind: 'none' };
  return of === 'c' ? 'none' : -1;
}

function generateRecords(random: Random, count: number): readonly UpsertRecord[] {
  const offsets = [0, 0, 0];
  const entities = ['a', 'b', 'ü|"'].slice(0, random.integer(1, 3));
  const deletions = random.pick([0.1, 0.4]);
  let nowMs = BASE_MS;
  return Array.from({ length: count }, (): UpsertRecord => {
    nowMs += random.pick([0, 1, 900, 20_000, 15 * MINUTE_MS]);
    const k = random.pick(entities);
    const partition = random.integer(0, 2);
    const offset = (offsets[partition] as number)++;
    const isDeleted = random.chance(deletions);
    // Producers may set the times of their records, which then come out of order.
    const lateMs = random.chance(0.3) ? random.pick([0, 1, 999, 61_000, HOUR_MS, 2 * HOUR_MS + 1]) : 0;
    const timestampMs = isDeleted ? nowMs - lateMs : nowMs;
    const at = random.chance(0.2) ? Math.floor((nowMs - lateMs) / MINUTE_MS) * MINUTE_MS : nowMs - lateMs;
    const row = {
      at,
      k,
      x: random.pick([null, null, -0, 1.5, -2, 7]),
      c: random.pick([null, 'a', 'b']),
      n: random.pick([null, 1, 2, 3]),
    };
    return { partition, offset, timestampMs, k, row: isDeleted ? null : row };
  });
}

const timeOf = ({ row, timestampMs }: UpsertRecord): number => row?.at ?? timestampMs;

function inOrder(one: UpsertRecord, other: UpsertRecord): number {
  return timeOf(one) - timeOf(other) || one.partition - other.partition || one.offset - other.offset;
}

function timesOf(
  random: Random,
  records: readonly UpsertRecord[],
  features: readonly ModelFeature[],
  maxAgeMs: number | null,
): readonly number[] {
  const times = new Set<number>();
  for (const record of records) {
    const tsMs = timeOf(record);
    const edges = features.flatMap(({ window }) =>
      window === null ? [] : [Math.floor(tsMs / window.hopMs) * window.hopMs + window.hopMs + window.lengthMs],
    );
    for (const edge of [tsMs, tsMs + 1, ...edges, ...(maxAgeMs === null ? [] : [tsMs + maxAgeMs + 1])]) {
      times
        .add(edge - 1)
        .add(edge)
        .add(edge + 1);
    }
  }
  const newest = Math.max(...records.map(timeOf));
  return [...random.sample([...times], 40), newest, newest + 1, newest + 90 * MINUTE_MS, newest + 48 * HOUR_MS];
}

interface ModelView {
  readonly outputs: readonly ModelFeature[];
  readonly where: { readonly holds: (row: Row) => boolean } | null;
  readonly maxAgeMs: number | null;
  readonly incomplete: 'withhold' | 'serve';
}

function answer(
  { outputs, where, maxAgeMs, incomplete }: ModelView,
  records: readonly UpsertRecord[],
  asOfMs: number,
  completeFromMs: number | null,
): readonly Expected[] {
  const newest = records.findLast((record) => timeOf(record) < asOfMs);
  const newestMs = newest === undefined ? Number.NEGATIVE_INFINITY : timeOf(newest);
  const starts = outputs.map(({ window }) =>
    window === null ? Number.NEGATIVE_INFINITY : Math.floor((asOfMs - window.lengthMs) / window.hopMs) * window.hopMs,
  );
  const isMissing = (startMs: number): boolean => completeFromMs !== null && startMs < completeFromMs;
  const row = newest?.row ?? null;
  const isReached = newest !== undefined && newestMs >= Math.min(...starts);
  if (!isReached || row === null || where?.holds(row) === false) {
    const status = isMissing(Math.min(...starts)) ? 'INCOMPLETE' : 'NOT_FOUND';
    const isServed = status === 'NOT_FOUND' || incomplete === 'serve';
    return outputs.map(({ defaultValue }) => ({ status, value: isServed ? defaultValue : null, eventTimeMs: null }));
  }
  return outputs.map((feature, index) => {
    const startMs = starts[index] as number;
    const eventTimeMs = newestMs >= startMs ? newestMs : null;
    if (maxAgeMs !== null && asOfMs - newestMs > maxAgeMs)
      return { status: 'OUTSIDE_MAX_AGE', value: null, eventTimeMs };
    const value = eventTimeMs === null || feature.where?.holds(row) === false ? null : feature.value(row);
    const served = value ?? feature.defaultValue;
    if (!isMissing(startMs)) return { status: value === null ? 'NULL_VALUE' : 'PRESENT', value: served, eventTimeMs };
    return { status: 'INCOMPLETE', value: incomplete === 'serve' ? served : null, eventTimeMs };
  });
}
