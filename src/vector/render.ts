/**
 * Values into what JSON carries (core/value.ts): an int64 becomes a string, a timestamp `.sssZ`. A type is compiled
 * once into a function; types that need no change share `unchanged`, so that rendering them costs a call.
 */
import { formatTimestamp } from '../core/time.ts';
import type { StructValue, Value, ValueType } from '../core/value.ts';

/** What `JSON.stringify` writes without loss: no bigint, no −0, no number that is not finite. */
export type Json = null | string | boolean | number | readonly Json[] | { readonly [name: string]: Json };

export type Renderer = (value: Value) => Json;

const unchanged: Renderer = (value) => value as Json;

export function compileRenderer(type: ValueType): Renderer {
  switch (type.kind) {
    case 'string':
    case 'bool':
    case 'int':
    case 'double':
      return unchanged;
    case 'int64':
      return (value) => (value === null ? null : (value as bigint).toString());
    case 'timestamp':
      return (value) => (value === null ? null : formatTimestamp(value as number));
    case 'array':
      return arrayRenderer(compileRenderer(type.element));
    case 'struct':
      return structRenderer(type.fields.map(({ name, type: member }) => [name, compileRenderer(member)]));
  }
}

function arrayRenderer(element: Renderer): Renderer {
  if (element === unchanged) return unchanged;
  return (value) => (value === null ? null : (value as readonly Value[]).map(element));
}

function structRenderer(members: readonly (readonly [string, Renderer])[]): Renderer {
  return (value) => {
    if (value === null) return null;
    const struct = value as StructValue;
    return Object.fromEntries(members.map(([name, render]) => [name, render(struct[name] ?? null)]));
  };
}
