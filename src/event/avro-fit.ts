/** Whether what a registered Avro schema holds can be read as what a source declares: said before any record shows it. */
import avsc from 'avsc';
import type { Type, types } from 'avsc';
import type { ScalarKind, ValueType } from '../core/value.ts';
import { formatType } from '../core/value.ts';
import type { SourceField } from '../definition/definition.ts';

export interface Misfit {
  readonly message: string;
  /** Every record written by the schema is rejected where the field is used, and not only some. */
  readonly breaks: boolean;
}

const INTEGERS = ['int', 'long', 'abstract:long', 'logical:date'];
const TIMES = [
  'timestamp-millis',
  'timestamp-micros',
  'timestamp-nanos',
  'local-timestamp-millis',
  'local-timestamp-micros',
  'local-timestamp-nanos',
].map((name) => `logical:${name}`);
/** What each type can be read from; a text may be a time or an int64, or not. */
const READABLE: Readonly<Record<ScalarKind, readonly string[]>> = {
  string: ['string', 'enum', 'bytes', 'fixed', 'logical:uuid'],
  bool: ['boolean'],
  int: [...INTEGERS, ...TIMES],
  int64: [...INTEGERS, ...TIMES, 'string'],
  double: [...INTEGERS, ...TIMES, 'float', 'double', 'logical:decimal'],
  timestamp: [...INTEGERS, ...TIMES, 'string'],
};

/** Null: it fits. `type` is of the record's value. */
export function misfitOf(type: Type, { path, type: declared, nullable }: SourceField): Misfit | null {
  let branches: readonly Type[] = branchesOf(type);
  let mayBeNull = branches.some(isNull);
  for (const name of path) {
    branches = branches.flatMap((branch) => memberOf(branch, name)).flatMap(branchesOf);
    mayBeNull ||= branches.some(isNull);
  }
  const held = branches.filter((branch) => !isNull(branch));
  const said = [...new Set(held.map(nameOf))].join(' or ');
  if (held.length === 0) {
    return nullable ? null : { message: `the schema has no ${path.join('.')}, and null is not allowed`, breaks: true };
  }
  const fitting = held.filter((branch) => isReadable(branch, declared));
  const wanted = formatType(declared, nullable);
  if (fitting.length === 0) return { message: `the schema has ${said}, and ${wanted} is declared`, breaks: true };
  if (fitting.length < held.length)
    return { message: `the schema has ${said}, and ${wanted} is declared`, breaks: false };
  if (nullable || !mayBeNull) return null;
  return { message: `the schema allows null, and ${wanted} is declared`, breaks: false };
}

function isNull({ typeName }: Type): boolean {
  return typeName === 'null';
}

function branchesOf(type: Type): readonly Type[] {
  return type.typeName === 'union:wrapped' ? (type as types.WrappedUnionType).types : [type];
}

function memberOf(type: Type, name: string): readonly Type[] {
  if (type.typeName === 'map') return [(type as types.MapType).valuesType as Type];
  if (type.typeName !== 'record') return [];
  const { fields } = type as types.RecordType;
  const field = fields.find((each) => each.name === name) ?? fields.find(({ aliases }) => aliases.includes(name));
  return field === undefined ? [] : [field.type];
}

function isReadable(type: Type, declared: ValueType): boolean {
  if (declared.kind === 'array') {
    const items = type.typeName === 'array' ? branchesOf((type as types.ArrayType).itemsType) : [];
    return items.some((item) => isReadable(item, declared.element));
  }
  return declared.kind !== 'struct' && READABLE[declared.kind].includes(type.typeName);
}

function nameOf(type: Type): string {
  const { typeName } = type;
  if (type instanceof avsc.types.LogicalType) return typeName.slice('logical:'.length);
  return typeName === 'abstract:long' ? 'long' : typeName;
}
