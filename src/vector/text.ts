/**
 * Values into JSON text, the same that `JSON.stringify` makes of what `render.ts` gives. A type is compiled once into a
 * function. Numbers are finite and no number is −0 (core/value.ts), so that their text is `String`'s.
 */
import { formatTimestamp } from '../core/time.ts';
import type { StructValue, Value, ValueType } from '../core/value.ts';

export type Writer = (value: Value) => string;

/** Of types whose values, null included, `JSON.stringify` writes as they are: of many at once it is faster. */
export const WRITE_NATIVE: Writer = (value) => `${value as boolean | number | null}`;

export function compileWriter(type: ValueType): Writer {
  if (type.kind === 'bool' || type.kind === 'int' || type.kind === 'double') return WRITE_NATIVE;
  const write = compileNonNull(type);
  return (value) => (value === null ? 'null' : write(value));
}

function compileNonNull(type: ValueType): Writer {
  switch (type.kind) {
    case 'bool':
    case 'int':
    case 'double':
      return WRITE_NATIVE;
    case 'string':
      return (value) => JSON.stringify(value);
    case 'int64':
      return (value) => `"${value as bigint}"`;
    case 'timestamp':
      return (value) => timestampText(value as number);
    case 'array':
      return arrayWriter(compileWriter(type.element));
    case 'struct':
      return structWriter(
        type.fields.map((field) => [`${JSON.stringify(field.name)}:`, field.name, compileWriter(field.type)]),
      );
  }
}

function arrayWriter(element: Writer): Writer {
  return (value) => {
    let text = '';
    for (const each of value as readonly Value[]) text += text === '' ? element(each) : `,${element(each)}`;
    return `[${text}]`;
  };
}

function structWriter(members: readonly (readonly [label: string, name: string, write: Writer])[]): Writer {
  return (value) => {
    const struct = value as StructValue;
    let text = '';
    for (const [label, name, write] of members) {
      text += `${text === '' ? '' : ','}${label}${write(struct[name] ?? null)}`;
    }
    return `{${text}}`;
  };
}

/** `"2013-01-31T17:00:00.000Z"`, or `null`. */
export function timestampText(ms: number | null): string {
  return ms === null ? 'null' : `"${formatTimestamp(ms)}"`;
}

/** Whether texts of a type are ASCII, whatever the value. */
export function isAsciiType(type: ValueType): boolean {
  switch (type.kind) {
    case 'bool':
    case 'int':
    case 'double':
    case 'int64':
    case 'timestamp':
      return true;
    case 'string':
      return false;
    case 'array':
      return isAsciiType(type.element);
    case 'struct':
      return type.fields.every((field) => isAsciiType(field.type));
  }
}
