/**
 * Events in JSON, written by a registered Avro schema: the way back from avro-reader.ts. What the schema asks for and the event
 * lacks takes the schema's default, or null where that is allowed; what the schema does not know is left out.
 */
import avsc from 'avsc';
import type { Type, types } from 'avsc';
import { assert } from '../core/assert.ts';
import { logicalWriter } from './avro-logical.ts';
import { describe, Fault, wrongType } from './convert.ts';

export type AvroWriter = (json: unknown) => Uint8Array | Fault;

/** JSON → what avsc takes of the type; timestamps are milliseconds, and integers may be bigints. */
export type FromJson = (json: unknown) => unknown;

const INT_MAX = 2 ** 31;
const INT64_MAX = 2n ** 63n;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `type` is parsed with `AVRO_SCHEMA_OPTIONS`. */
export function compileAvroWriter(type: Type): AvroWriter {
  const fromJson = compileType(type, new Map());
  return (json) => {
    const value = fromJson(json);
    return value instanceof Fault ? value : type.toBuffer(value);
  };
}

/** `known`: of named types, which may hold themselves. */
function compileType(type: Type, known: Map<Type, FromJson>): FromJson {
  const begun = known.get(type);
  if (begun !== undefined) return begun;
  let compiled: FromJson | null = null;
  known.set(type, (json) => {
    assert(compiled !== null, 'nothing is written while compiling');
    return compiled(json);
  });
  compiled = compileNew(type, known);
  return compiled;
}

function compileNew(type: Type, known: Map<Type, FromJson>): FromJson {
  switch (type.typeName) {
    case 'null':
      return (json) => (json === null ? null : wrongType('null', json));
    case 'boolean':
      return (json) => (typeof json === 'boolean' ? json : wrongType('boolean', json));
    case 'int':
      return toInt;
    case 'abstract:long':
    case 'long':
      return toLong;
    case 'float':
    case 'double':
      return (json) => (typeof json === 'number' ? json : wrongType(type.typeName, json));
    case 'string':
      return (json) => (typeof json === 'string' ? json : wrongType('string', json));
    case 'bytes':
      return (json) => toBytes(json, null);
    case 'fixed':
      return (json) => toBytes(json, (type as types.FixedType).size);
    case 'enum':
      return (json) => toSymbol(json, (type as types.EnumType).symbols);
    case 'array':
      return arrayFrom(compileType((type as types.ArrayType).itemsType, known));
    case 'map':
      return mapFrom(compileType((type as types.MapType).valuesType as Type, known));
    case 'union:wrapped':
      return unionFrom(type as types.WrappedUnionType, known);
    case 'record':
    case 'error':
      return recordFrom((type as types.RecordType).fields, known);
    default:
      assert(type instanceof avsc.types.LogicalType, `a type of Avro, not ${type.typeName}`);
      return logicalWriter(type) ?? compileType(type.underlyingType, known);
  }
}

function toInt(json: unknown): number | Fault {
  if (typeof json !== 'number' || !Number.isInteger(json)) return wrongType('int', json);
  return json >= -INT_MAX && json < INT_MAX ? json : new Fault('out_of_range', 'beyond the 32 bits of an int');
}

function toLong(json: unknown): bigint | Fault {
  const isDigits = typeof json === 'string' && /^-?\d{1,19}$/.test(json);
  if (typeof json !== 'bigint' && !Number.isSafeInteger(json) && !isDigits) return wrongType('long', json);
  const value = BigInt(json as bigint | number | string);
  return value >= -INT64_MAX && value < INT64_MAX ? value : new Fault('out_of_range', 'beyond the 64 bits of a long');
}

function toBytes(json: unknown, size: number | null): Buffer | Fault {
  if (typeof json !== 'string' || !BASE64.test(json)) return wrongType('bytes in base64', json);
  const bytes = Buffer.from(json, 'base64');
  if (size === null || bytes.length === size) return bytes;
  return new Fault('wrong_length', `expected ${size} bytes, found ${bytes.length}`);
}

function toSymbol(json: unknown, symbols: readonly string[]): string | Fault {
  if (typeof json === 'string' && symbols.includes(json)) return json;
  return new Fault('wrong_type', `expected one of ${symbols.join(', ')}, found ${describe(json)}`);
}

function arrayFrom(itemFrom: FromJson): FromJson {
  return (json) => {
    if (!Array.isArray(json)) return wrongType('array', json);
    const items: unknown[] = [];
    for (const [index, item] of json.entries()) {
      const value = itemFrom(item);
      if (value instanceof Fault) return new Fault(value.code, `element ${index}: ${value.message}`);
      items.push(value);
    }
    return items;
  };
}

function mapFrom(valueFrom: FromJson): FromJson {
  return (json) => {
    if (!isObject(json)) return wrongType('map', json);
    const members: [string, unknown][] = [];
    for (const [name, member] of Object.entries(json)) {
      const value = valueFrom(member);
      if (value instanceof Fault) return new Fault(value.code, `${name}: ${value.message}`);
      members.push([name, value]);
    }
    return Object.fromEntries(members);
  };
}

/** The first branch that takes the value; where none does, what the last of them says. */
function unionFrom({ types: branches }: types.WrappedUnionType, known: Map<Type, FromJson>): FromJson {
  const writers = branches.map((branch) => ({ name: branch.branchName ?? '', from: compileType(branch, known) }));
  return (json) => {
    let fault: unknown = new Fault('wrong_type', 'a union without branches');
    for (const { name, from } of writers) {
      const value = from(json);
      if (!(value instanceof Fault)) return value === null ? null : { [name]: value };
      fault = value;
    }
    return fault;
  };
}

function recordFrom(fields: readonly types.Field[], known: Map<Type, FromJson>): FromJson {
  const writers = fields.map((field) => ({ field, from: compileType(field.type, known) }));
  return (json) => {
    if (!isObject(json)) return wrongType('record', json);
    const record: Record<string, unknown> = {};
    for (const { field, from } of writers) {
      const name = [field.name, ...field.aliases].find((each) => Object.hasOwn(json, each));
      const standard: unknown = name === undefined ? field.defaultValue() : undefined;
      const value = standard ?? from(name === undefined ? null : json[name]);
      if (value instanceof Fault) return new Fault(value.code, `${field.name}: ${value.message}`);
      record[field.name] = value;
    }
    return record;
  };
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
