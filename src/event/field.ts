/**
 * One declared field, read from a parsed record: own properties only, along its path, converted to its type. Absent
 * and null are the same.
 */
import type { Value } from '../core/value.ts';
import type { SourceField } from '../definition/definition.ts';
import { type Converter, compileConverter, Fault, wrongType } from './convert.ts';

/** `record` is a parsed JSON object. */
export type FieldReader = (record: object) => Value | Fault;

export function compileFieldReader(field: SourceField): FieldReader {
  const convert = compileConverter(field.type);
  const { path, nullable } = field;
  const [first] = path;
  if (first !== undefined && path.length === 1) return (record) => finish(ownValue(record, first), convert, nullable);
  return (record) => {
    const json = valueAt(record, path);
    return json instanceof Fault ? json : finish(json, convert, nullable);
  };
}

/** The same of a value that was looked up already; null: it is absent, or null. */
export function compileCellReader({ type, nullable }: SourceField): (json: unknown) => Value | Fault {
  const convert = compileConverter(type);
  return (json) => finish(json, convert, nullable);
}

function finish(json: unknown, convert: Converter, nullable: boolean): Value | Fault {
  if (json !== null) return convert(json);
  return nullable ? null : new Fault('null_field', 'null or absent, and not nullable');
}

/** Never looks at prototypes: a field may be called `__proto__` or `constructor`. */
function ownValue(record: object, name: string): unknown {
  if (!Object.hasOwn(record, name)) return null;
  return (record as Readonly<Record<string, unknown>>)[name];
}

function valueAt(record: object, path: readonly string[]): unknown {
  let json: unknown = record;
  for (const name of path) {
    if (json === null) return null;
    if (typeof json !== 'object' || Array.isArray(json)) return wrongType(`an object that holds ${name}`, json);
    json = ownValue(json, name);
  }
  return json;
}
