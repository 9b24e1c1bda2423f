/**
 * A data frame's columns, as Feast's SDK sends them, as events of a source. Times without an offset are UTC and whole numbers are
 * seconds, as the SDK writes them; `event_timestamp` is the source's event time, whatever that is called here.
 */
import { nearestName } from '../../../core/suggest.ts';
import type { SourceDefinition, SourceField } from '../../../definition/definition.ts';
import type { ValueType } from '../../../core/value.ts';
import { type ProblemItem, RequestError, item, pointerStep, shorten } from '../../problem.ts';
import { type Columns, rowCountOf } from './columns.ts';
import { plainInteger } from './exact-integers.ts';

/** Columns that the SDK adds, under these names only. */
const EVENT_TIMESTAMP = 'event_timestamp';
const CREATED = 'created';
const WITHOUT_OFFSET = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?$/;
const MS_PER_SECOND = 1_000;

interface Column {
  readonly values: readonly unknown[];
  readonly field: SourceField;
}

/** Throws with every column that the source does not have. */
export function eventsOf(df: Columns, source: SourceDefinition): readonly object[] {
  const count = rowCountOf(df, '/df');
  const columns = columnsOf(df, source);
  return Array.from({ length: count }, (_, row) => {
    // A row in an envelope is one that is new.
    const event: Record<string, unknown> = source.envelope === null ? {} : { op: 'c' };
    for (const { values, field } of columns) place(event, field.path, read(values[row], field.type));
    return event;
  });
}

function columnsOf(df: Columns, source: SourceDefinition): readonly Column[] {
  const fields = new Map(source.fields.map((field) => [field.name, field]));
  const eventTime = fields.get(source.eventTime) as SourceField;
  const problems: ProblemItem[] = [];
  const columns = Object.entries(df).flatMap(([name, values]): readonly Column[] => {
    const field = fields.get(name);
    if (field !== undefined) return [{ values, field }];
    if (name === CREATED) return [];
    if (name === EVENT_TIMESTAMP) return Object.hasOwn(df, eventTime.name) ? [] : [{ values, field: eventTime }];
    const message = `the source ${source.name} has no field ${JSON.stringify(shorten(name))}; it has ${[...fields.keys()].join(', ')}`;
    const near = name.length > 80 ? null : nearestName(name, fields.keys());
    problems.push(item('unknown_field', `/df/${pointerStep(name)}`, message, near));
    return [];
  });
  if (problems.length > 0) throw new RequestError(400, problems);
  return columns;
}

function read(json: unknown, type: ValueType): unknown {
  if (type.kind === 'array') return Array.isArray(json) ? json.map((element) => read(element, type.element)) : json;
  const plain = plainInteger(json, type);
  if (type.kind !== 'timestamp') return plain;
  if (typeof plain === 'number') return plain * MS_PER_SECOND;
  return typeof plain === 'string' && WITHOUT_OFFSET.test(plain) ? `${plain}Z` : plain;
}

function place(event: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = event;
  for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string, unknown>;
  at[path.at(-1) as string] = value;
}
