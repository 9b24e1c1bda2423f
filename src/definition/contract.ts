/**
 * A source's fields, key and event time are its contract: what its records are held to, and what views can rely on. What a
 * change of definitions does to it, and to whom. Whatever only adds, or takes more records than before, breaks nothing.
 */
import { formatType } from '../core/value.ts';
import type { FieldType, ValueType } from '../core/value.ts';
import type { Definitions, RecordKeyDefinition, SourceDefinition, SourceField } from './definition.ts';

export type ContractChangeKind =
  | 'source_removed'
  | 'topic_changed'
  | 'format_changed'
  | 'mode_changed'
  | 'envelope_changed'
  | 'key_changed'
  | 'partitioner_changed'
  | 'event_time_changed'
  | 'event_id_changed'
  | 'field_removed'
  | 'field_added'
  | 'type_narrowed'
  | 'type_changed'
  | 'type_widened'
  | 'path_changed'
  | 'derived_changed';

export interface ContractChange {
  readonly source: string;
  /** The key of the source's definition that says it now, or said it: `key`, `fields`. */
  readonly at: string;
  /** The field or derived column; null: the source as a whole. */
  readonly field: string | null;
  readonly kind: ContractChangeKind;
  /** As it reads in definitions; null: there was, or is, none. */
  readonly from: string | null;
  readonly to: string | null;
  readonly breaks: boolean;
  /** Views that are not what they were, with what becomes of them. */
  readonly views: readonly ViewEffect[];
  /** Services of the new definitions that read one of these views. */
  readonly services: readonly string[];
}

export interface ViewEffect {
  readonly view: string;
  /** `rebuilt`: its state is built anew beside the old one. `gone`: no definition has it any more. */
  readonly effect: 'rebuilt' | 'gone';
}

type Difference = Pick<ContractChange, 'at' | 'field' | 'kind' | 'from' | 'to' | 'breaks'>;

/** Sources that are new break nothing, and are no change. */
export function compareContracts(before: Definitions, after: Definitions): readonly ContractChange[] {
  return [...before.sources.values()].flatMap((source) => {
    const now = after.sources.get(source.name);
    const differences = now === undefined ? [removed(source)] : compareSources(source, now);
    return differences.map((difference) => {
      const views = effectsOf(source.name, difference.field, before, after);
      return { source: source.name, ...difference, views, services: servicesOf(after, views) };
    });
  });
}

function removed({ name }: SourceDefinition): Difference {
  return { at: 'name', field: null, kind: 'source_removed', from: name, to: null, breaks: true };
}

function compareSources(before: SourceDefinition, after: SourceDefinition): readonly Difference[] {
  const whole = (at: string, kind: ContractChangeKind, from: string | null, to: string | null): Difference[] =>
    from === to ? [] : [{ at, field: null, kind, from, to, breaks: true }];
  return [
    ...whole('topic', 'topic_changed', before.topic, after.topic),
    ...whole('format', 'format_changed', before.format, after.format),
    ...whole('mode', 'mode_changed', before.mode, after.mode),
    ...whole('envelope', 'envelope_changed', before.envelope, after.envelope),
    ...whole('key', 'key_changed', describeKey(before.key), describeKey(after.key)),
    ...whole('partitioner', 'partitioner_changed', before.partitioner, after.partitioner),
    ...whole('event_time', 'event_time_changed', before.eventTime, after.eventTime),
    ...whole('event_id', 'event_id_changed', before.eventId, after.eventId),
    ...before.fields.flatMap((field) => compareFields(field, named(after.fields, field.name))),
    ...after.fields.filter(({ name }) => named(before.fields, name) === undefined).map(added),
    ...(before.derived.flatMap((column) => {
      const now = named(after.derived, column.name)?.expression.canonical ?? null;
      const was = column.expression.canonical;
      if (now === was) return [];
      return [{ at: 'derive', field: column.name, kind: 'derived_changed', from: was, to: now, breaks: now === null }];
    }) as Difference[]),
  ];
}

function named<T extends { readonly name: string }>(columns: readonly T[], name: string): T | undefined {
  return columns.find((column) => column.name === name);
}

function added({ name, type, nullable }: SourceField): Difference {
  return { at: 'fields', field: name, kind: 'field_added', from: null, to: formatType(type, nullable), breaks: false };
}

function compareFields(before: SourceField, after: SourceField | undefined): readonly Difference[] {
  const { name } = before;
  const from = formatType(before.type, before.nullable);
  if (after === undefined) {
    return [{ at: 'fields', field: name, kind: 'field_removed', from, to: null, breaks: true }];
  }
  const differences: Difference[] = [];
  const to = formatType(after.type, after.nullable);
  if (from !== to) {
    const kind = takesAll(before, after) ? 'type_widened' : takesAll(after, before) ? 'type_narrowed' : 'type_changed';
    differences.push({ at: 'fields', field: name, kind, from, to, breaks: kind !== 'type_widened' });
  }
  const [path, pathNow] = [before.path.join('.'), after.path.join('.')];
  if (path !== pathNow) {
    differences.push({ at: 'fields', field: name, kind: 'path_changed', from: path, to: pathNow, breaks: true });
  }
  return differences;
}

/** Whether every value of the first type is one of the second, and means the same there. */
function takesAll(narrow: FieldType, wide: FieldType): boolean {
  return (wide.nullable || !narrow.nullable) && holdsAll(narrow.type, wide.type);
}

function holdsAll(narrow: ValueType, wide: ValueType): boolean {
  if (narrow.kind === 'array' && wide.kind === 'array') {
    return (
      (wide.length === null || wide.length === narrow.length) &&
      takesAll(
        { type: narrow.element, nullable: narrow.elementNullable },
        { type: wide.element, nullable: wide.elementNullable },
      )
    );
  }
  if (narrow.kind === wide.kind) return true;
  return narrow.kind === 'int' && (wide.kind === 'int64' || wide.kind === 'double');
}

function describeKey({ fields, encoding, separator }: RecordKeyDefinition): string | null {
  if (fields.length === 0) return null;
  const apart = encoding === 'string' && fields.length > 1 ? ` with ${JSON.stringify(separator)} between them` : '';
  return `${fields.join(', ')} as ${encoding}${apart}`;
}

/** Of the views of the source, those that use the field (all of them, without one) and are not what they were. */
function effectsOf(
  source: string,
  field: string | null,
  before: Definitions,
  after: Definitions,
): readonly ViewEffect[] {
  return [...before.views.values()].flatMap((view): ViewEffect[] => {
    if (view.source.name !== source || (field !== null && !view.usedColumns.includes(field))) return [];
    const now = after.views.get(view.id);
    if (now === undefined) return [{ view: view.id, effect: 'gone' }];
    return now.stateFingerprint === view.stateFingerprint ? [] : [{ view: view.id, effect: 'rebuilt' }];
  });
}

function servicesOf({ services }: Definitions, effects: readonly ViewEffect[]): readonly string[] {
  const views = new Set(effects.map(({ view }) => view));
  return [...services.values()]
    .filter(({ appearances }) => appearances.some(({ view }) => views.has(view.id)))
    .map(({ id }) => id);
}
