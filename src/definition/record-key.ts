/**
 * The record key of a source: which fields, and how its bytes are written. A key field need not be declared under
 * `fields`: it is then a `string?` at the top of the row.
 */
import { nearestName } from '../core/suggest.ts';
import { formatType } from '../core/value.ts';
import { child, isMapping, items, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { KeyEncodingName, SourceDefinition, SourceField } from './definition.ts';

const KEY_KINDS: readonly string[] = ['string', 'bool', 'int', 'int64', 'timestamp'];
const INT64BE_KINDS: readonly string[] = ['int', 'int64', 'timestamp'];
const SEPARATOR = '|';
/** Shorter names differ by a letter too easily for one to be taken for a slip. */
const SLIP_LENGTH_MIN = 4;

export interface RecordKey {
  readonly key: SourceDefinition['key'];
  /** Key fields that were not declared. */
  readonly implied: readonly SourceField[];
}

/** `rowPath` leads to the row in a record: empty without an envelope. */
export function readRecordKey(
  source: Cursor,
  fields: readonly SourceField[],
  broken: ReadonlySet<string>,
  rowPath: readonly string[],
): RecordKey {
  const at = child(source, 'key');
  const names = at && isMapping(at.value) ? child(at, 'fields') : at;
  const encoding = ((at && textAt(at, 'encoding')) as KeyEncodingName | null | undefined) ?? 'string';
  const separator = (at && textAt(at, 'separator')) ?? SEPARATOR;
  const encodingCursor = at && isMapping(at.value) ? child(at, 'encoding') : undefined;
  const implied: SourceField[] = [];
  const chosen: string[] = [];
  for (const name of items(names)) {
    const field = String(name.value);
    if (chosen.includes(field)) {
      report(name, 'duplicate_name', 'the key names the field twice', { found: field, suggestion: 'removing one' });
      continue;
    }
    chosen.push(field);
    if (broken.has(field)) continue;
    const declared = fields.find((candidate) => candidate.name === field);
    if (declared !== undefined) checkKeyField(name, declared, encoding);
    else if (!reportSlip(name, field, fields)) implied.push(impliedField(name, field, encoding, rowPath));
  }
  if (encodingCursor && encoding === 'int64be' && chosen.length > 1) {
    report(encodingCursor, 'bad_value', 'int64be is the encoding of one field', { found: `${chosen.length} fields` });
  }
  const key = { fields: chosen, encoding, separator };
  if (encoding !== 'json' || rowPath.length === 0) return { key, implied };
  return { key: { ...key, members: membersOf(chosen, [...fields, ...implied]) }, implied };
}

/** What an envelope's key object calls the fields: as the row does. */
function membersOf(names: readonly string[], fields: readonly SourceField[]): readonly string[] {
  return names.map((name) => fields.find((field) => field.name === name)?.path.at(-1) ?? name);
}

function impliedField(
  cursor: Cursor,
  name: string,
  encoding: KeyEncodingName,
  rowPath: readonly string[],
): SourceField {
  const field: SourceField = { name, type: { kind: 'string' }, nullable: true, path: [...rowPath, name] };
  if (encoding === 'int64be') {
    report(cursor, 'type_mismatch', `${name} must be declared under fields`, { expected: 'int, int64 or timestamp' });
  }
  return field;
}

function reportSlip(cursor: Cursor, name: string, fields: readonly SourceField[]): boolean {
  const names = fields.map((field) => field.name);
  const meant = name.length < SLIP_LENGTH_MIN ? null : nearestName(name, names);
  if (meant === null) return false;
  report(cursor, 'unknown_reference', 'the key names no field of the source', {
    expected: `one of ${names.join(', ')}`,
    found: name,
    suggestion: `${meant}, or declaring ${name} under fields`,
  });
  return true;
}

function checkKeyField(cursor: Cursor, field: SourceField, encoding: KeyEncodingName): void {
  const kinds = encoding === 'int64be' ? INT64BE_KINDS : KEY_KINDS;
  if (kinds.includes(field.type.kind)) return;
  report(cursor, 'type_mismatch', `${field.name} cannot be part of a key written as ${encoding}`, {
    expected: kinds.join(', '),
    found: formatType(field.type, field.nullable),
  });
}
