/**
 * Random rows of a service with features of every type, and the answer to them as an object: said once more in the plainest
 * way, for `JSON.stringify` to write.
 */
import { AGGREGATIONS } from '../../../src/aggregate/table.ts';
import { STATUSES, type Status } from '../../../src/core/status.ts';
import type { Value, ValueType } from '../../../src/core/value.ts';
import { EvaluationError } from '../../../src/expression/evaluation-error.ts';
import { loadDefinitions } from '../../../src/definition/load.ts';
import type { RequestColumn } from '../../../src/definition/definition.ts';
import type { Evaluation } from '../../../src/state/state.ts';
import { valuesDigest } from '../../../src/vector/receipt.ts';
import { type Selection, type ServicePlan, compileService, select } from '../../../src/vector/service.ts';
import type { Random } from '../../oracle/random.ts';

const DEFINITIONS = `
sources:
  - name: s
    topic: s
    format: json
    key: [k]
    event_time: ts
    fields: { k: string, j: int64, ts: timestamp, x: "double?", n: "int?", l: "int64?", t: "timestamp?", b: "bool?", w: "string?", p: "double[2]?", q: "string[]?" }
entities:
  - { name: one, keys: { k: string } }
  - { name: two, keys: { j: int64 } }
views:
  - name: v
    entity: one
    source: s
    features:
      - { name: x, agg: last, of: x }
      - { name: l, agg: last, of: l }
      - { name: ago, agg: time_since_last, default: 5 }
      - { name: t, agg: last, of: t }
      - { name: b, agg: last, of: b }
      - { name: w, agg: last, of: w, default: "é\\"" }
      - { name: p, agg: last, of: p }
      - { name: q, agg: last, of: q }
      - { name: recent, agg: last_n, n: 3, of: { w: w, l: l, t: t } }
      - { name: xs, agg: last_n, n: 3, of: x }
      - { name: top, agg: top_k, k: 2, of: w }
  - name: u
    entity: two
    source: s
    features:
      - { name: y, agg: mean, of: x, windows: [1h, 24h] }
      - { name: since, agg: time_since_last }
      - { name: seen, agg: count, windows: [1h] }
services:
  - name: all
    inputs: { dest: string, a: "double?", said: "string?", at: "timestamp?" }
    features: [v.*, u.*, { view: v, keys: { k: dest }, prefix: dest_ }]
    derived:
      - { name: total, expr: "chained + y_1h + a" }
      - { name: chained, expr: "x * 2" }
      - { name: failing, expr: "exp(x * 1000)" }
      - { name: words, expr: "COALESCE(said, w, 'nothing')" }
      - { name: when_asked, expr: "COALESCE(at, as_of)" }
      - { name: fresh, expr: "ago < dest_ago" }
      - { name: longest, expr: "COALESCE(l, dest_l)" }
  - name: plain
    features: [v.*]
`;

export function loadServices(): readonly ServicePlan[] {
  const result = loadDefinitions([{ path: 'x.yaml', text: DEFINITIONS }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return [...result.definitions.services.values()].map((service) => compileService(service, AGGREGATIONS));
}

/** What a view says for a row, by index of appearance. */
export type ViewCase =
  | { readonly kind: 'evaluated'; readonly evaluation: Evaluation; readonly stale: boolean }
  | { readonly kind: 'withheld'; readonly status: Status };

export type RowCase =
  | { readonly kind: 'error'; readonly problem: { code: string; pointer: null; message: string; suggestion: null } }
  | { readonly kind: 'withheld'; readonly asOfMs: number | null }
  | {
      readonly kind: 'row';
      readonly asOfMs: number;
      readonly request: readonly Value[];
      readonly views: readonly ViewCase[];
    };

export interface AnswerCase {
  readonly plan: ServicePlan;
  readonly selection: Selection;
  readonly asOfMs: number | null;
  readonly layout: 'rows' | 'columns';
  readonly include: { readonly status: boolean; readonly eventTime: boolean };
  readonly extras: { readonly receipt: string | null; readonly explain: object | null };
  readonly rows: readonly RowCase[];
}

const TEXTS = ['', 'a', 'é', '"\\', '\u2028', '😀', '\u0001', 'x'.repeat(40)];
const NUMBERS = [0, 1, -1, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, -123456789.125, 2 ** 53 - 1, 1 / 3];
const TIMES_MS = [0, -1, 1_359_651_600_000, 8_640_000_000_000_000, -62_167_219_200_001];

export function randomAnswer(random: Random, plans: readonly ServicePlan[]): AnswerCase {
  const plan = random.pick(plans);
  const places = plan.features.map(({ place }) => place);
  const asOfMs = random.chance(0.05) ? null : random.pick(TIMES_MS);
  return {
    plan,
    selection: random.chance(0.3)
      ? plan.everything
      : select(plan, random.shuffle(random.sample(places, random.integer(1, places.length)))),
    asOfMs,
    layout: random.pick(['rows', 'columns'] as const),
    include: { status: random.chance(0.5), eventTime: random.chance(0.5) },
    extras: {
      receipt: random.chance(0.3) ? 'eyJ-_' : null,
      explain: random.chance(0.3) ? { é: [1, null], w: '"' } : null,
    },
    rows: Array.from({ length: random.integer(1, 5) }, () => randomRow(random, plan, asOfMs)),
  };
}

function randomRow(random: Random, plan: ServicePlan, answerAsOfMs: number | null): RowCase {
  if (random.chance(0.1)) {
    return { kind: 'error', problem: { code: 'c', pointer: null, message: random.pick(TEXTS), suggestion: null } };
  }
  if (answerAsOfMs === null || random.chance(0.1)) return { kind: 'withheld', asOfMs: answerAsOfMs };
  const columns: readonly RequestColumn[] = plan.definition.requestColumns;
  return {
    kind: 'row',
    asOfMs: random.chance(0.8) ? answerAsOfMs : random.pick(TIMES_MS),
    request: columns.map(({ type, nullable }) => (nullable && random.chance(0.3) ? null : randomValue(random, type))),
    views: plan.definition.appearances.map(({ view }): ViewCase => {
      if (random.chance(0.1)) return { kind: 'withheld', status: random.pick(STATUSES) };
      const calm = random.chance(0.5);
      const statuses = view.features.map(() => (calm ? 'PRESENT' : random.pick(STATUSES)));
      const values = view.features.map((feature, index): Value => {
        if (statuses[index] !== 'PRESENT' && random.chance(0.5)) return feature.defaultValue;
        return random.chance(0.1) ? null : randomValue(random, feature.type);
      });
      const eventTimesMs = view.features.map(() => (random.chance(0.2) ? null : random.pick(TIMES_MS)));
      const evaluation = { values, statuses, eventTimesMs, fromMs: -Infinity, untilMs: Infinity };
      return { kind: 'evaluated', stale: random.chance(0.2), evaluation };
    }),
  };
}

function randomValue(random: Random, type: ValueType): Value {
  switch (type.kind) {
    case 'string':
      return random.pick(TEXTS);
    case 'bool':
      return random.chance(0.5);
    case 'int':
      return random.integer(-1_000, 1_000);
    case 'double':
      return random.chance(0.5) ? random.pick(NUMBERS) : (random.next() - 0.5) * 10 ** random.integer(-12, 25);
    case 'int64':
      return random.pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 17n]);
    case 'timestamp':
      return random.pick(TIMES_MS);
    case 'array':
      return Array.from({ length: type.length ?? random.integer(0, 3) }, () =>
        type.elementNullable && random.chance(0.3) ? null : randomValue(random, type.element),
      );
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field) => [
          field.name,
          field.nullable && random.chance(0.3) ? null : randomValue(random, field.type),
        ]),
      );
  }
}

/** One row's values, statuses and event times, by name of the feature. */
interface Said {
  readonly values: Map<string, unknown>;
  readonly statuses: Map<string, Status>;
  readonly times: Map<string, string | null>;
}

/** The answer as an object, fields in the order in which they are written. */
export function expectedAnswer({ plan, selection, asOfMs, layout, include, extras, rows }: AnswerCase): object {
  const { names } = selection;
  const { name: service, version, fingerprint } = plan.definition;
  const head = { service, version, fingerprint, as_of: iso(asOfMs), features: names };
  const said = rows.map((row): Said | null => (row.kind === 'error' ? null : sayRow(plan, names, row)));
  const fields = rows.map((row, index) => {
    if (row.kind === 'error') return { error: row.problem };
    const { statuses, values } = said[index] as Said;
    const served = JSON.stringify(names.map((name) => values.get(name) ?? null));
    const issues = names.filter((name) => STATUSES.indexOf(statuses.get(name) as Status) > 2);
    return {
      ...(issues.length === 0 ? {} : { issues: Object.fromEntries(issues.map((name) => [name, statuses.get(name)])) }),
      ...(row.asOfMs === asOfMs ? {} : { as_of: iso(row.asOfMs) }),
      ...(extras.receipt === null ? {} : { receipt: extras.receipt + valuesDigest(served) }),
      ...(extras.explain === null ? {} : { explain: extras.explain }),
    };
  });
  const parts = [
    ['values', 'columns', 'values', true],
    ['status', 'status', 'statuses', include.status],
    ['event_time', 'event_time', 'times', include.eventTime],
  ] as const;
  const wanted = parts.filter(([, , , isWanted]) => isWanted);
  if (layout === 'rows') {
    const vectors = said.map((row, index) => {
      if (row === null) return fields[index];
      const aligned = wanted.map(([field, , of]) => [field, names.map((name) => row[of].get(name) ?? null)]);
      return { ...Object.fromEntries(aligned), ...fields[index] };
    });
    return { ...head, vectors };
  }
  const tables = wanted.map(([, table, of]) => [
    table,
    Object.fromEntries(names.map((name) => [name, said.map((row) => row?.[of].get(name) ?? null)])),
  ]);
  return { ...head, ...Object.fromEntries(tables), rows: fields };
}

function sayRow(plan: ServicePlan, names: readonly string[], row: RowCase & { kind: 'row' | 'withheld' }): Said {
  const values = new Map<string, unknown>();
  const statuses = new Map<string, Status>(names.map((name) => [name, 'TIMED_OUT']));
  const timesMs = new Map<string, number | null>();
  if (row.kind === 'row') {
    const { definition } = plan;
    const inputs: Value[] = Array.from({ length: definition.expressionSlots.size }, () => null);
    for (const [slot, value] of row.request.entries()) inputs[slot] = value;
    const put = (name: string, value: Value, type: ValueType): void => {
      inputs[definition.expressionSlots.get(name) as number] = value;
      values.set(name, jsonOf(value, type));
    };
    put('as_of', row.asOfMs, { kind: 'timestamp' });
    for (const feature of definition.features) {
      if (feature.kind === 'derived') continue;
      const { value, status, timeMs } = sayView(plan, feature, row);
      put(feature.name, value, feature.type);
      statuses.set(feature.name, status);
      timesMs.set(feature.name, timeMs);
    }
    for (const { name, type, expression } of definition.derived) {
      let value: Value = null;
      let failed = false;
      try {
        value = expression.evaluate(inputs);
        failed = typeof value === 'number' && !Number.isFinite(value);
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        failed = true;
      }
      put(name, failed ? null : value, type);
      const read = expression.columns.filter((column) => statuses.has(column));
      const worst = Math.max(0, ...read.map((column) => STATUSES.indexOf(statuses.get(column) as Status)));
      const withValue = worst > 2 ? worst : 0;
      statuses.set(name, failed ? 'ERROR' : (STATUSES[value === null ? Math.max(1, worst) : withValue] as Status));
      const known = read.map((column) => timesMs.get(column) ?? null).filter((ms) => ms !== null);
      timesMs.set(name, known.length === 0 ? null : Math.max(...known));
    }
  }
  return { values, statuses, times: new Map([...timesMs].map(([name, ms]) => [name, iso(ms)])) };
}

function sayView(
  plan: ServicePlan,
  { appearance, feature }: { readonly appearance: number; readonly feature: number },
  { views, asOfMs }: RowCase & { kind: 'row' },
): { value: Value; status: Status; timeMs: number | null } {
  const view = views[appearance] as ViewCase;
  if (view.kind === 'withheld') return { value: null, status: view.status, timeMs: null };
  const definition = plan.definition.appearances[appearance]?.view.features[feature];
  const { values, statuses, eventTimesMs } = view.evaluation;
  const status = statuses[feature] as Status;
  let value = values[feature] as Value;
  if (definition?.aggregation === 'time_since_last' && value !== null) {
    const isDuration =
      status === 'NULL_VALUE' ||
      status === 'NOT_FOUND' ||
      (status === 'INCOMPLETE' && value === definition.defaultValue);
    if (!isDuration) value = asOfMs - (value as number);
  }
  const isOrdinary = status === 'PRESENT' || status === 'NULL_VALUE' || status === 'NOT_FOUND';
  return { value, status: view.stale && isOrdinary ? 'STALE' : status, timeMs: eventTimesMs[feature] as number | null };
}

function jsonOf(value: Value, type: ValueType): unknown {
  if (value === null) return null;
  if (type.kind === 'int64') return (value as bigint).toString();
  if (type.kind === 'timestamp') return iso(value as number);
  if (type.kind === 'array') return (value as readonly Value[]).map((each) => jsonOf(each, type.element));
  if (type.kind !== 'struct') return value;
  const struct = value as Readonly<Record<string, Value>>;
  return Object.fromEntries(type.fields.map((field) => [field.name, jsonOf(struct[field.name] ?? null, field.type)]));
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
