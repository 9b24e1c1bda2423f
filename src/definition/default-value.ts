/** A feature's `default`: checked against the feature's type and brought into the form that type has in memory. */
import { parseTimestampMs, TIMESTAMP_MS_MAX } from '../core/time.ts';
import { formatType } from '../core/value.ts';
import type { FieldType, ScalarKind, StructValue, Value, ValueType } from '../core/value.ts';
import { isMapping, report } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { describeFound } from './problem.ts';

/** Not a value of the type. */
const MISMATCH: unique symbol = Symbol('mismatch');
type Checked = Value | typeof MISMATCH;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

export interface TypedDefault {
  readonly value: Value;
  /** The feature's type with the default: an `int` feature with a fractional default serves doubles. */
  readonly type: FieldType;
}

/** Null after reporting that the default is not of the feature's type. */
export function readDefault(cursor: Cursor, type: FieldType): TypedDefault | null {
  if (cursor.value === null) return { value: null, type };
  const value = checkedValue(cursor.value, type.type);
  if (value !== MISMATCH) return { value, type: { type: type.type, nullable: false } };
  if (type.type.kind === 'int') {
    const fractional = checkedValue(cursor.value, { kind: 'double' });
    if (fractional !== MISMATCH) return { value: fractional, type: { type: { kind: 'double' }, nullable: false } };
  }
  report(cursor, 'type_mismatch', "the default is not of the feature's type", {
    expected: formatType(type.type),
    found: describeFound(cursor.value),
    suggestion: type.type.kind === 'int64' && typeof cursor.value === 'number' ? 'an integer in quotes' : null,
  });
  return null;
}

function checkedValue(value: unknown, type: ValueType): Checked {
  if (type.kind === 'array') return checkedArray(value, type.element, type.elementNullable, type.length);
  if (type.kind === 'struct') return checkedStruct(value, type.fields);
  return checkedScalar(value, type.kind);
}

function checkedScalar(value: unknown, kind: ScalarKind): Checked {
  switch (kind) {
    case 'string':
      return typeof value === 'string' ? value : MISMATCH;
    case 'bool':
      return typeof value === 'boolean' ? value : MISMATCH;
    case 'int':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value + 0 : MISMATCH;
    case 'double':
      return typeof value === 'number' && Number.isFinite(value) ? value + 0 : MISMATCH;
    case 'int64':
      return checkedInt64(value);
    case 'timestamp':
      return checkedTimestamp(value);
  }
}

function checkedInt64(value: unknown): Checked {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : MISMATCH;
  if (typeof value !== 'string' || !/^-?(0|[1-9]\d{0,18})$/.test(value)) return MISMATCH;
  const integer = BigInt(value);
  return integer >= INT64_MIN && integer <= INT64_MAX ? integer : MISMATCH;
}

function checkedTimestamp(value: unknown): Checked {
  if (typeof value === 'string') return parseTimestampMs(value) ?? MISMATCH;
  const inRange = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= TIMESTAMP_MS_MAX;
  return inRange ? value + 0 : MISMATCH;
}

function checkedArray(value: unknown, element: ValueType, elementNullable: boolean, length: number | null): Checked {
  if (!Array.isArray(value) || (length !== null && value.length !== length)) return MISMATCH;
  const checked = value.map((item: unknown) => {
    if (item === null) return elementNullable ? null : MISMATCH;
    return checkedValue(item, element);
  });
  return checked.every((item) => item !== MISMATCH) ? Object.freeze(checked) : MISMATCH;
}

function checkedStruct(
  value: unknown,
  fields: readonly { readonly name: string; readonly type: ValueType; readonly nullable: boolean }[],
): Checked {
  if (!isMapping(value) || Object.keys(value).some((key) => !fields.some((field) => field.name === key)))
    return MISMATCH;
  const members: [string, Value][] = [];
  for (const field of fields) {
    const given = Object.hasOwn(value, field.name) ? value[field.name] : null;
    const checked = given === null ? (field.nullable ? null : MISMATCH) : checkedValue(given, field.type);
    if (checked === MISMATCH) return MISMATCH;
    members.push([field.name, checked]);
  }
  return Object.freeze(Object.fromEntries(members)) as StructValue;
}
