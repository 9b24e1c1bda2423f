/**
 * A writer's Avro schema, compiled into a function from bytes to what JSON would hold of the same event, so that all that
 * follows is one way: records and maps are objects, a union is the value alone, enums and UUIDs are strings, bytes are base64
 * (as Kafka Connect's JSON converter writes them), a decimal is the nearest double, dates and timestamps are milliseconds. A
 * record's field is found by its aliases, too. avsc parses the schema; its own reader believes counts, and so never ends on
 * some bytes.
 */
import avsc from 'avsc';
import type { Type, types } from 'avsc';
import { assert } from '../core/assert.ts';
import { AvroBytes, MalformedAvro } from './avro-bytes.ts';
import { logicalReader } from './avro-logical.ts';
import { Fault } from './convert.ts';
import { RECORD_BYTES_MAX } from './parse-record.ts';

/** From `from` on, to the end. Never throws on what a producer wrote. */
export type AvroReader = (bytes: Uint8Array, from: number) => unknown;

type Read = (bytes: AvroBytes) => unknown;

/** Of one array or map: more can only be items that take no bytes. */
const ITEMS_MAX = RECORD_BYTES_MAX;

/** `type` is parsed with `AVRO_SCHEMA_OPTIONS`. */
export function compileAvroReader(type: Type): AvroReader {
  const read = compileType(type, new Map());
  return (source, from) => {
    const bytes = new AvroBytes(source, from);
    try {
      const value = read(bytes);
      return bytes.isAtEnd() ? value : new Fault('malformed_avro', 'bytes are left over: another schema wrote them');
    } catch (error) {
      if (error instanceof MalformedAvro) return new Fault('malformed_avro', error.message);
      if (error instanceof RangeError) return new Fault('malformed_avro', 'nested too deeply');
      throw error;
    }
  };
}

/** `known`: of named types, which may hold themselves. */
function compileType(type: Type, known: Map<Type, Read>): Read {
  const begun = known.get(type);
  if (begun !== undefined) return begun;
  let compiled: Read | null = null;
  known.set(type, (bytes) => {
    assert(compiled !== null, 'nothing is read while compiling');
    return compiled(bytes);
  });
  compiled = compileNew(type, known);
  known.set(type, compiled);
  return compiled;
}

function compileNew(type: Type, known: Map<Type, Read>): Read {
  switch (type.typeName) {
    case 'null':
      return () => null;
    case 'boolean':
      return (bytes) => bytes.boolean();
    case 'int':
      return (bytes) => bytes.int();
    case 'abstract:long':
    case 'long':
      return (bytes) => bytes.long();
    case 'float':
      return (bytes) => bytes.float();
    case 'double':
      return (bytes) => bytes.double();
    case 'string':
      return (bytes) => bytes.string();
    case 'bytes':
      return (bytes) => bytes.bytes().toString('base64');
    case 'fixed': {
      const { size } = type as types.FixedType;
      return (bytes) => bytes.fixed(size).toString('base64');
    }
    case 'enum':
      return choiceReader((type as types.EnumType).symbols.map((symbol) => () => symbol));
    case 'array':
      return arrayReader(compileType((type as types.ArrayType).itemsType, known));
    case 'map':
      return mapReader(compileType((type as types.MapType).valuesType as Type, known));
    case 'union:wrapped':
      return choiceReader((type as types.WrappedUnionType).types.map((branch) => compileType(branch, known)));
    case 'record':
    case 'error':
      return recordReader((type as types.RecordType).fields, known);
    default:
      assert(type instanceof avsc.types.LogicalType, `a type of Avro, not ${type.typeName}`);
      return logicalReader(type) ?? compileType(type.underlyingType, known);
  }
}

/** Of a union's branches, or an enum's symbols. */
function choiceReader(choices: readonly Read[]): Read {
  return (bytes) => {
    const choice = choices[bytes.int()];
    if (choice === undefined) throw new MalformedAvro('a union or an enum has no such branch');
    return choice(bytes);
  };
}

function readBlocks(bytes: AvroBytes, readItem: () => void): void {
  let items = 0;
  for (let count = bytes.blockCount(); count > 0; count = bytes.blockCount()) {
    items += count;
    if (items > ITEMS_MAX) throw new MalformedAvro('an array or a map has more items than a record has bytes');
    for (let index = 0; index < count; index++) readItem();
  }
}

function arrayReader(readItem: Read): Read {
  return (bytes) => {
    const items: unknown[] = [];
    readBlocks(bytes, () => items.push(readItem(bytes)));
    return items;
  };
}

function mapReader(readValue: Read): Read {
  return (bytes) => {
    const members = bareObject();
    readBlocks(bytes, () => {
      const name = bytes.string();
      members[name] = readValue(bytes);
    });
    return members;
  };
}

function recordReader(fields: readonly types.Field[], known: Map<Type, Read>): Read {
  const names = new Set(fields.map(({ name }) => name));
  const readers = fields.map(({ name, type, aliases }) => ({
    name,
    // What one field is called, another was once called: it keeps its name.
    aliases: aliases.filter((alias) => !names.has(alias)),
    read: compileType(type, known),
  }));
  const create = names.has('__proto__') ? bareObject : (): Record<string, unknown> => ({});
  return (bytes) => {
    const record = create();
    for (const { name, aliases, read } of readers) {
      const value = read(bytes);
      record[name] = value;
      for (const alias of aliases) record[alias] = value;
    }
    return record;
  };
}

/** Members may have any name, `__proto__` as well. */
function bareObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}
