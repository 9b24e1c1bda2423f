/**
 * JSON values into values of declared types (DESIGN section 3, "Types"). A type is compiled once into a function that
 * never throws and coerces nothing: what is not of the type is a `Fault`, as a value.
 */
import { assert } from '../core/assert.ts';
import { parseTimestampMs, TIMESTAMP_MS_MAX } from '../core/time.ts';
import type { ArrayType, ScalarKind, Value, ValueType } from '../core/value.ts';
import { formatType } from '../core/value.ts';
import type { RejectionCode } from './rejection.ts';

/** Why a JSON value is not of a type. A class only so that telling it from values is one `instanceof`. */
export class Fault {
  readonly code: RejectionCode;
  /** Without the field's name: `expected double, found a string`. */
  readonly message: string;

  constructor(code: RejectionCode, message: string) {
    this.code = code;
    this.message = message;
  }
}

/** `json` is what `JSON.parse` gave, and not null; or a bigint, of 64 bits, where Avro holds an integer beyond ±(2^53−1). */
export type Converter = (json: unknown) => Value | Fault;

const INT64_TEXT = /^-?(?:0|[1-9][0-9]{0,18})$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

export function compileConverter(type: ValueType): Converter {
  assert(type.kind !== 'struct', 'a source field is a scalar or an array');
  return type.kind === 'array' ? arrayConverter(type) : SCALAR_CONVERTERS[type.kind];
}

const SCALAR_CONVERTERS: Readonly<Record<ScalarKind, Converter>> = {
  string: toText,
  bool: (json) => (typeof json === 'boolean' ? json : wrongType('bool', json)),
  int: toInt,
  int64: toInt64,
  double: toDouble,
  timestamp: toTimestamp,
};

function toText(json: unknown): string | Fault {
  if (typeof json !== 'string') return wrongType('string', json);
  return isWellFormed(json) ? json : new Fault('invalid_string', 'half of a surrogate pair');
}

/** Of a short text a loop tells sooner than the call does. */
const SHORT_LENGTH_MAX = 32;
const SURROGATE_MIN = 0xd800;

function isWellFormed(text: string): boolean {
  const { length } = text;
  if (length > SHORT_LENGTH_MAX) return text.isWellFormed();
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) >= SURROGATE_MIN) return text.isWellFormed();
  }
  return true;
}

function toInt(json: unknown): number | Fault {
  if (typeof json === 'bigint') return new Fault('out_of_range', 'beyond ±(2^53−1); declare int64');
  if (typeof json !== 'number') return wrongType('int', json);
  if (!Number.isInteger(json) && Number.isFinite(json)) {
    return new Fault('wrong_type', 'expected int, found a number with a fraction');
  }
  if (!Number.isSafeInteger(json))
    return new Fault('out_of_range', 'beyond ±(2^53−1); declare int64 and send a string');
  return json === 0 ? 0 : json;
}

function toInt64(json: unknown): bigint | Fault {
  if (typeof json === 'bigint') return json;
  if (typeof json === 'number') {
    if (Number.isSafeInteger(json)) return BigInt(json);
    if (!Number.isInteger(json)) return new Fault('wrong_type', 'expected int64, found a number that is no integer');
    return new Fault('out_of_range', 'beyond ±(2^53−1) an int64 must be a string');
  }
  if (typeof json !== 'string') return wrongType('int64', json);
  if (!INT64_TEXT.test(json)) return new Fault('wrong_type', 'expected int64 as decimal digits, found another string');
  const value = BigInt(json);
  return value >= INT64_MIN && value <= INT64_MAX ? value : new Fault('out_of_range', 'beyond 64 bits');
}

function toDouble(json: unknown): number | Fault {
  if (typeof json === 'bigint') return Number(json);
  if (typeof json !== 'number') return wrongType('double', json);
  if (!Number.isFinite(json)) return new Fault('out_of_range', 'beyond what a double can hold');
  return json === 0 ? 0 : json;
}

function toTimestamp(json: unknown): number | Fault {
  if (typeof json === 'bigint') return new Fault('out_of_range', 'beyond the range of timestamps');
  if (typeof json === 'number') {
    if (!Number.isInteger(json)) {
      return new Fault('wrong_type', 'expected a timestamp in whole milliseconds, found another number');
    }
    if (Math.abs(json) > TIMESTAMP_MS_MAX) return new Fault('out_of_range', 'beyond the range of timestamps');
    return json === 0 ? 0 : json;
  }
  if (typeof json !== 'string') return wrongType('timestamp', json);
  const ms = parseTimestampMs(json);
  if (ms !== null) return ms === 0 ? 0 : ms;
  return new Fault('wrong_type', 'expected RFC 3339 with an offset, or integer milliseconds; found another string');
}

function arrayConverter(type: ArrayType): Converter {
  const convert = compileConverter(type.element);
  return (json) => {
    if (!Array.isArray(json)) return wrongType(formatType(type), json);
    const items = json as readonly unknown[];
    if (type.length !== null && items.length !== type.length) {
      return new Fault('wrong_length', `expected ${type.length} elements, found ${items.length}`);
    }
    const values: Value[] = [];
    for (const [index, item] of items.entries()) {
      if (item === null) {
        if (!type.elementNullable) return new Fault('wrong_type', `element ${index} is null`);
        values.push(null);
        continue;
      }
      const value = convert(item);
      if (value instanceof Fault) return new Fault(value.code, `element ${index}: ${value.message}`);
      values.push(value);
    }
    return Object.freeze(values);
  };
}

export function wrongType(expected: string, json: unknown): Fault {
  return new Fault('wrong_type', `expected ${expected}, found ${describe(json)}`);
}

/** What a JSON value is, without what it holds: messages travel to places that must not see data. */
export function describe(json: unknown): string {
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'an array';
  return typeof json === 'object' ? 'an object' : `a ${typeof json}`;
}
