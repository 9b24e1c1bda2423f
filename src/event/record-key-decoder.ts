/**
 * The bytes of a record's key → its fields: which row a deletion is about, which has no other place to say so. The inverse of
 * `encodeRecordKey`: either the very values that were written, or a `Fault`, never others.
 */
import { assert } from '../core/assert.ts';
import type { Value } from '../core/value.ts';
import type { RecordKeyDefinition, SourceDefinition, SourceField } from '../definition/definition.ts';
import { compileConverter, describe, Fault } from './convert.ts';
import { compileFieldReader } from './field.ts';
import { RECORD_BYTES_MAX } from './parse-record.ts';
import type { SchemaTable } from './schemas.ts';

/**
 * Values aligned with the fields of the key; null where the key says so. `before` is the deleted row, for records without a
 * key, or null.
 */
export type KeyDecoder = (key: Uint8Array | null, before: object | null) => readonly Value[] | Fault;

// A byte order mark is a character of the key like any other.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const DECIMAL = /^-?(?:0|[1-9][0-9]{0,15})$/;
const INT64_BYTES = 8;

/** `schemas`: of a source whose keys need them, which are prepared. */
export function compileKeyDecoder(source: SourceDefinition, schemas: SchemaTable | null = null): KeyDecoder {
  const { key } = source;
  const fields = key.fields.map((name) => {
    const field = source.fields.find((candidate) => candidate.name === name);
    assert(field !== undefined, 'a key is made of fields');
    return field;
  });
  const converters = fields.map(({ type }) => compileConverter(type));
  const beforeReaders = fields.map((field) => compileFieldReader({ ...field, path: field.path.slice(-1) }));

  function convert(parts: readonly unknown[]): readonly Value[] | Fault {
    const values: Value[] = [];
    for (const [index, convertOne] of converters.entries()) {
      const json = parts[index] ?? null;
      const value = json === null ? null : convertOne(json);
      if (value instanceof Fault) return unreadable(`${key.fields[index] as string}: ${value.message}`);
      values.push(value);
    }
    return values;
  }

  function readBefore(before: object): readonly Value[] | Fault {
    const values: Value[] = [];
    for (const [index, read] of beforeReaders.entries()) {
      const value = read(before);
      if (value instanceof Fault) return unreadable(`before: ${key.fields[index] as string}: ${value.message}`);
      values.push(value);
    }
    return values;
  }

  return (bytes, before) => {
    if (bytes === null) return before === null ? unreadable('the record has no key') : readBefore(before);
    if (bytes.length > RECORD_BYTES_MAX) return new Fault('record_too_large', `a key of ${bytes.length} bytes`);
    const parts = partsOf(key, fields, schemas, bytes);
    return parts instanceof Fault ? parts : convert(parts);
  };
}

function unreadable(message: string): Fault {
  return new Fault('unreadable_key', message);
}

/** The fields as JSON would hold them. */
function partsOf(
  key: RecordKeyDefinition,
  fields: readonly SourceField[],
  schemas: SchemaTable | null,
  bytes: Uint8Array,
): readonly unknown[] | Fault {
  switch (key.encoding) {
    case 'string':
      return textParts(key, fields, bytes);
    case 'json':
      return jsonParts(key, bytes);
    case 'int64be':
      return int64Part(fields[0] as SourceField, bytes);
    case 'avro':
      assert(schemas !== null, 'a source with keys in Avro has their schemas');
      return avroParts(fields, schemas.read(bytes));
  }
}

function textOf(bytes: Uint8Array): string | Fault {
  try {
    return UTF8.decode(bytes);
  } catch {
    return unreadable('the key is not UTF-8');
  }
}

function textParts(
  { separator }: RecordKeyDefinition,
  fields: readonly SourceField[],
  bytes: Uint8Array,
): readonly unknown[] | Fault {
  const text = textOf(bytes);
  if (text instanceof Fault) return text;
  const texts = fields.length === 1 ? [text] : text.split(separator);
  if (texts.length !== fields.length || (fields.length > 1 && occurrences(text, separator) !== fields.length - 1)) {
    const found = occurrences(text, separator);
    const message = `${fields.length} fields have ${fields.length - 1} separators ${JSON.stringify(separator)} between them, found ${found}`;
    return unreadable(`${message}; encoding: json keeps values apart that hold it`);
  }
  return texts.map((part, index) => jsonOfText(fields[index] as SourceField, part));
}

/** Overlapping ones, too: with `||` between them, `a|` and `b` are written as `a` and `|b` are. */
function occurrences(text: string, separator: string): number {
  let count = 0;
  for (let at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, at + 1)) count += 1;
  return count;
}

/** What is none of the type stays a text, which its converter refuses. */
function jsonOfText({ type }: SourceField, text: string): unknown {
  switch (type.kind) {
    case 'bool':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'int':
    case 'timestamp':
      return DECIMAL.test(text) ? Number(text) : text;
    default:
      return text;
  }
}

function jsonParts({ fields, members }: RecordKeyDefinition, bytes: Uint8Array): readonly unknown[] | Fault {
  const text = textOf(bytes);
  if (text instanceof Fault) return text;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return unreadable('the key is not JSON');
  }
  if (members !== undefined) return objectParts(members, json);
  if (fields.length === 1) return [json];
  if (Array.isArray(json) && json.length === fields.length) return json;
  const found = Array.isArray(json) ? `an array of ${json.length}` : describe(json);
  return unreadable(`expected a JSON array of ${fields.length}, found ${found}`);
}

/** Plain, or as the JSON converter writes it with schemas: `{ schema, payload }`. */
function objectParts(members: readonly string[], json: unknown): readonly unknown[] | Fault {
  const bare = membersOf(members, json);
  if (bare !== null) return bare;
  const isWrapped = typeof json === 'object' && json !== null && Object.hasOwn(json, 'payload');
  const wrapped = isWrapped ? membersOf(members, (json as { readonly payload: unknown }).payload) : null;
  return wrapped ?? unreadable(`expected a JSON object with ${members.join(', ')}, found ${describe(json)}`);
}

/** Null: it is no object that has them all. */
function membersOf(members: readonly string[], json: unknown): readonly unknown[] | null {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
  if (!members.every((name) => Object.hasOwn(json, name))) return null;
  return members.map((name) => (json as Readonly<Record<string, unknown>>)[name]);
}

/** A record with the fields, as the row calls them; or the value of the one field there is. */
function avroParts(fields: readonly SourceField[], value: unknown): readonly unknown[] | Fault {
  if (value instanceof Fault) return unreadable(value.message);
  const names = fields.map(({ path }) => path.at(-1) as string);
  const members = membersOf(names, value);
  if (members !== null) return members;
  const isObject = typeof value === 'object' && value !== null;
  if (fields.length === 1 && !isObject) return [value];
  return unreadable(`expected a record with ${names.join(', ')}, found ${describe(value)}`);
}

function int64Part({ type }: SourceField, bytes: Uint8Array): readonly unknown[] | Fault {
  if (bytes.length !== INT64_BYTES) return unreadable(`expected 8 bytes, found ${bytes.length}`);
  const value = new DataView(bytes.buffer, bytes.byteOffset, INT64_BYTES).getBigInt64(0);
  return [type.kind === 'int64' ? value.toString() : Number(value)];
}
