/**
 * Values into JSON text for Feast's SDK, which infers a type from each value: a double is written with its point, an int64 as
 * digits. What it cannot infer a type from (a list within a list, or with a null in it) is JSON in a string, as Feast
 * sends its type `Json`; an empty list, which it fails on, is null.
 */
import type { StructType, Value, ValueType } from '../core/value.ts';
import { type Writer, compileWriter } from './text.ts';

export function compileFeastWriter(type: ValueType): Writer {
  switch (type.kind) {
    case 'double':
      return (value) => (value === null ? 'null' : doubleText(value as number));
    case 'int64':
      return (value) => `${value as bigint | null}`;
    case 'string':
    case 'bool':
    case 'int':
    case 'timestamp':
      return compileWriter(type);
    case 'struct':
      return isFlat(type) ? structWriter(type) : jsonWriter(type);
    case 'array': {
      const { element, elementNullable } = type;
      const isPlain = element.kind === 'struct' ? isFlat(element) : element.kind !== 'array';
      return isPlain && !elementNullable ? listWriter(compileFeastWriter(element)) : jsonWriter(type);
    }
  }
}

/** As Python prints a float that is whole: `12.0`. One with an exponent is a float anyway. */
function doubleText(value: number): string {
  const text = `${value}`;
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

function isFlat({ fields }: StructType): boolean {
  return fields.every(({ type }) => type.kind !== 'array' && type.kind !== 'struct');
}

function structWriter({ fields }: StructType): Writer {
  const members = fields.map(({ name, type }) => ({
    name,
    label: `${JSON.stringify(name)}:`,
    write: compileFeastWriter(type),
  }));
  return (value) => {
    if (value === null) return 'null';
    const struct = value as Readonly<Record<string, Value>>;
    return `{${members.map(({ name, label, write }) => label + write(struct[name] ?? null)).join(',')}}`;
  };
}

function listWriter(write: Writer): Writer {
  return (value) => {
    const items = value as readonly Value[] | null;
    return items === null || items.length === 0 ? 'null' : `[${items.map(write).join(',')}]`;
  };
}

function jsonWriter(type: ValueType): Writer {
  const write = compileWriter(type);
  return (value) => (value === null ? 'null' : JSON.stringify(write(value)));
}
