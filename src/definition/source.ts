/** Sources: fields, key, event time, derived columns. A source with problems still tells views what it can. */
import { formatType } from '../core/value.ts';
import { nearestName } from '../core/suggest.ts';
import type { FieldType } from '../core/value.ts';
import type { ScopeColumn } from '../expression/expression.ts';
import { child, entries, isMapping, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { readCatalogTexts } from './catalog-texts.ts';
import type {
  DerivedColumn,
  Partitioner,
  SourceClock,
  SourceDefinition,
  SourceField,
  SourceFormat,
} from './definition.ts';
import { durationAt } from './duration.ts';
import { compileText, namesIn } from './expression-text.ts';
import type { Columns } from './expression-text.ts';
import { readRecordKey } from './record-key.ts';
import { checkKeyOfRows, checkUpsert, readMode } from './source-mode.ts';
import { readType } from './type-text.ts';

const MAX_DISORDER_MS = 0;
const MAX_AHEAD_MS = 300_000;
const IDLE_AFTER_MS = 60_000;
const STALE_AFTER_MS = 60_000;
const EXPIRY_SLACK_MS = 7 * 86_400_000;

/** A source as views check against it. `definition` counts only when no file has a problem. */
export interface SourceDraft {
  readonly definition: SourceDefinition;
  readonly columns: Columns;
}

export function readSource(cursor: Cursor): SourceDraft {
  const name = textAt(cursor, 'name') ?? '';
  const { mode, envelope, rowPath } = readMode(cursor);
  const declared = readFields(cursor, rowPath);
  const { key, implied } = readRecordKey(cursor, declared.fields, declared.broken, rowPath);
  const fields = [...declared.fields, ...implied];
  if (mode === 'upsert') checkUpsert(cursor);
  if (envelope !== null) checkKeyOfRows(cursor, key, fields, rowPath);
  const { derived, broken } = readDerived(cursor, fields, declared.broken);
  const slots = new Map([...fields, ...derived].map((column, slot) => [column.name, slot]));
  const definition: SourceDefinition = {
    name,
    topic: textAt(cursor, 'topic') ?? name,
    format: (textAt(cursor, 'format') as SourceFormat | null) ?? 'json',
    mode,
    envelope,
    key,
    partitioner: (textAt(cursor, 'partitioner') as Partitioner | null) ?? 'murmur2',
    eventTime: readEventField(cursor, 'event_time', fields, declared.broken) ?? '',
    eventId: readEventField(cursor, 'event_id', fields, declared.broken),
    clock: (textAt(cursor, 'clock') as SourceClock | null) ?? 'wall',
    maxDisorderMs: durationAt(cursor, 'max_disorder', MAX_DISORDER_MS),
    maxAheadMs: durationAt(cursor, 'max_ahead', MAX_AHEAD_MS),
    idleAfterMs: durationAt(cursor, 'idle_after', IDLE_AFTER_MS, 1),
    staleAfterMs: durationAt(cursor, 'stale_after', STALE_AFTER_MS, 1),
    expirySlackMs: durationAt(cursor, 'expiry_slack', EXPIRY_SLACK_MS, 60_000),
    historyComplete: textAt(cursor, 'history') === 'complete',
    archive: textAt(cursor, 'archive'),
    fields,
    derived,
    slots,
    ...readCatalogTexts(cursor),
  };
  return { definition, columns: columnsOf(fields, derived, broken, child(cursor, 'fields') !== null) };
}

interface Fields {
  readonly fields: readonly SourceField[];
  readonly broken: ReadonlySet<string>;
}

/** `rowPath` leads to the row that a field is in unless it has a path of its own. */
function readFields(cursor: Cursor, rowPath: readonly string[]): Fields {
  const at = child(cursor, 'fields');
  const fields: SourceField[] = [];
  for (const [name, field] of entries(at)) {
    const type = readType(field);
    const path = isMapping(field.value) ? textAt(field, 'path') : null;
    if (type !== null) fields.push({ name, ...type, path: path?.split('.') ?? [...rowPath, name] });
  }
  return { fields, broken: missingNames(at?.value, fields) };
}

/** Keys of a mapping that did not become columns. */
function missingNames(mapping: unknown, columns: readonly { readonly name: string }[]): ReadonlySet<string> {
  const names = isMapping(mapping) ? Object.keys(mapping) : [];
  return new Set(names.filter((name) => !columns.some((column) => column.name === name)));
}

/** Derived columns in written order; each sees the fields and the ones before it. */
function readDerived(
  cursor: Cursor,
  fields: readonly SourceField[],
  brokenFields: ReadonlySet<string>,
): { readonly derived: readonly DerivedColumn[]; readonly broken: ReadonlySet<string> } {
  const at = child(cursor, 'derive');
  const derived: DerivedColumn[] = [];
  const names = isMapping(at?.value) ? Object.keys(at.value) : [];
  const complete = child(cursor, 'fields') !== null;
  const broken = new Set(brokenFields);
  for (const [name, text] of entries(at)) {
    if (fields.some((field) => field.name === name)) {
      report(text, 'duplicate_name', `${name} is a field already`, { suggestion: 'another name' }, 'key');
      continue;
    }
    const later = new Set(names.slice(names.indexOf(name)));
    const expression = compileText(text, columnsOf(fields, derived, new Set([...broken, ...later]), complete));
    if (expression === null) {
      broken.add(name);
      reportLaterColumn(text, name, later);
    } else derived.push({ name, ...expression.result, expression });
  }
  return { derived, broken: new Set([...broken, ...missingNames(at?.value, [...fields, ...derived])]) };
}

/** A derived column that uses itself or a later one would be undefined; says so better than "unknown column". */
function reportLaterColumn(text: Cursor, name: string, later: ReadonlySet<string>): void {
  const used = namesIn(String(text.value)).find((candidate) => later.has(candidate));
  if (used === undefined) return;
  const message = used === name ? `${name} uses itself` : `${name} uses ${used}, which is derived after it`;
  report(text, 'bad_expression', message, { suggestion: used === name ? null : `moving ${used} before ${name}` });
}

function columnsOf(
  fields: readonly SourceField[],
  derived: readonly DerivedColumn[],
  broken: ReadonlySet<string>,
  complete: boolean,
): Columns {
  const columns = [...fields, ...derived].map(({ name, type, nullable }, slot): readonly [string, ScopeColumn] => [
    name,
    { type, nullable, slot },
  ]);
  return { scope: new Map(columns), broken, complete };
}

const EVENT_ID_KINDS: readonly string[] = ['string', 'int', 'int64'];

/** The field named by `event_time` or `event_id`; null where absent or after a report. */
function readEventField(
  cursor: Cursor,
  key: 'event_time' | 'event_id',
  fields: readonly SourceField[],
  broken: ReadonlySet<string>,
): string | null {
  const at = child(cursor, key);
  if (!at || typeof at.value !== 'string' || broken.has(at.value)) return null;
  const field = fields.find((candidate) => candidate.name === at.value);
  const names = fields.map((candidate) => candidate.name);
  if (field === undefined) {
    if (child(cursor, 'fields') === null) return null;
    report(at, 'unknown_reference', `${key} names no field of the source`, {
      expected: `one of ${names.join(', ')}`,
      found: at.value,
      suggestion: nearestName(at.value, names),
    });
    return null;
  }
  const wanted = wantedType(key, field);
  if (wanted === null) return field.name;
  report(at, 'type_mismatch', `${key} cannot be ${field.name}`, {
    expected: wanted,
    found: formatType(field.type, field.nullable),
  });
  return null;
}

/** What the field's type should be, or null if it will do. */
function wantedType(key: 'event_time' | 'event_id', field: FieldType): string | null {
  if (key === 'event_time') {
    return field.type.kind === 'timestamp' && !field.nullable ? null : 'timestamp, not nullable';
  }
  return EVENT_ID_KINDS.includes(field.type.kind) ? null : 'string, int or int64';
}
