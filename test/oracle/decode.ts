/** A log record as an event of a view, or why it is none; by the words of DESIGN section 3, one field after another. */
import { columnsOf, evaluate, type Expression, Unevaluable } from './expression.ts';
import { type Cell, durationMs, type Kind, type ModelFeature, type ModelSource, type ModelView } from './model.ts';

/** A record of the log: `json` is what `JSON.parse` gives of its value. */
export interface OracleRecord {
  readonly partition: number;
  readonly offset: number;
  readonly appendedMs: number;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface OracleEvent {
  readonly keys: readonly Cell[];
  readonly tsMs: number;
  readonly partition: number;
  readonly offset: number;
  readonly eventId: string | null;
  readonly row: ReadonlyMap<string, Cell>;
}

export type Decoded =
  | { readonly kind: 'event'; readonly event: OracleEvent }
  | { readonly kind: 'filtered' | 'null_key' | 'rejected' };

const REJECTED: Decoded = { kind: 'rejected' };
const INVALID = Symbol('invalid');
const SUM_MAX = 2 ** 960;
const SQUARE_MAX = 2 ** 480;
const SQUARE_MIN = 2 ** -480;

function convert(kind: Kind, json: unknown): Cell | typeof INVALID {
  switch (kind) {
    case 'string':
      return typeof json === 'string' ? json : INVALID;
    case 'bool':
      return typeof json === 'boolean' ? json : INVALID;
    case 'double':
      return typeof json === 'number' && Number.isFinite(json) ? json + 0 : INVALID;
    case 'int':
      return Number.isSafeInteger(json) ? (json as number) + 0 : INVALID;
    case 'int64':
      return convertInt64(json);
    case 'timestamp':
      if (typeof json === 'string' && /(Z|[+-]\d\d:\d\d)$/.test(json)) return new Date(json).getTime();
      return Number.isSafeInteger(json) ? (json as number) + 0 : INVALID;
    case 'double[2]':
      return Array.isArray(json) && json.length === 2 ? convertAll('double', json) : INVALID;
    case 'int64?[]':
      return Array.isArray(json) ? convertAll('int64', json, true) : INVALID;
  }
}

function convertAll(kind: Kind, list: readonly unknown[], nullable = false): Cell | typeof INVALID {
  const cells = list.map((json) => (json === null && nullable ? null : convert(kind, json)));
  return cells.includes(INVALID) ? INVALID : (cells as Cell[]);
}

function convertInt64(json: unknown): bigint | typeof INVALID {
  if (Number.isSafeInteger(json)) return BigInt(json as number);
  if (typeof json !== 'string' || !/^-?\d+$/.test(json)) return INVALID;
  const value = BigInt(json);
  return BigInt.asIntN(64, value) === value ? value : INVALID;
}

/** What the feature aggregates: its `of`, or the members of its struct. */
export function inputsOf(feature: ModelFeature): Expression[] {
  if (feature.members !== undefined) return feature.members.map(([, expression]) => expression);
  return feature.of === undefined ? [] : [feature.of];
}

/** The source fields that a view needs, through derived columns: only these can reject a record for it. */
function fieldsUsed(view: ModelView): Set<string> {
  const { source } = view;
  const named = [
    ...view.keys.map((key) => key.column),
    source.event_time,
    ...(source.event_id === undefined ? [] : [source.event_id]),
    ...(view.where === undefined ? [] : columnsOf(view.where)),
    ...view.features.flatMap((feature) =>
      [...inputsOf(feature), ...(feature.where === undefined ? [] : [feature.where])].flatMap(columnsOf),
    ),
  ];
  const used = new Set<string>();
  for (let name = named.pop(); name !== undefined; name = named.pop()) {
    if (used.has(name)) continue;
    used.add(name);
    const derived = source.derive?.find((candidate) => candidate.name === name);
    if (derived !== undefined) named.push(...columnsOf(derived.expression));
  }
  return used;
}

function readRow(source: ModelSource, used: ReadonlySet<string>, json: OracleRecord['json']): Map<string, Cell> | null {
  const row = new Map<string, Cell>();
  for (const field of source.fields) {
    if (!used.has(field.name)) continue;
    const raw = (field.path ?? [field.name]).reduce(memberOf, json as unknown) ?? null;
    const value = raw === null ? null : convert(field.kind, raw);
    if (value === INVALID || (value === null && !field.nullable)) return null;
    row.set(field.name, value);
  }
  for (const { name, expression } of source.derive ?? []) if (used.has(name)) row.set(name, evaluate(expression, row));
  return row;
}

function memberOf(json: unknown, name: string): unknown {
  return (json as Record<string, unknown> | null | undefined)?.[name];
}

function isWithinMagnitude(feature: ModelFeature, row: ReadonlyMap<string, Cell>): boolean {
  if (!['sum', 'mean', 'variance', 'stddev'].includes(feature.agg)) return true;
  const value = evaluate(feature.of as Expression, row);
  if (value === null || value === 0) return true;
  const magnitude = Math.abs(value as number);
  if (feature.agg === 'sum' || feature.agg === 'mean') return magnitude <= SUM_MAX;
  return magnitude >= SQUARE_MIN && magnitude <= SQUARE_MAX;
}

export function decode(view: ModelView, record: OracleRecord): Decoded {
  try {
    return decodeUnguarded(view, record);
  } catch (thrown) {
    if (thrown instanceof Unevaluable) return REJECTED;
    throw thrown;
  }
}

function decodeUnguarded(view: ModelView, record: OracleRecord): Decoded {
  const { source } = view;
  const row = readRow(source, fieldsUsed(view), record.json);
  if (row === null) return REJECTED;
  const tsMs = row.get(source.event_time) as number;
  if (tsMs > record.appendedMs + durationMs(source.max_ahead ?? '5m')) return REJECTED;
  for (const feature of view.features) {
    if (feature.where !== undefined) evaluate(feature.where, row);
    for (const input of inputsOf(feature)) evaluate(input, row);
    if (!isWithinMagnitude(feature, row)) return REJECTED;
  }
  if (view.where !== undefined && evaluate(view.where, row) !== true) return { kind: 'filtered' };
  const keys = view.keys.map((key) => row.get(key.column) as Cell);
  if (keys.includes(null)) return { kind: 'null_key' };
  const id = source.event_id === undefined ? null : (row.get(source.event_id) ?? null);
  const { partition, offset } = record;
  return { kind: 'event', event: { keys, tsMs, partition, offset, eventId: id === null ? null : String(id), row } };
}
