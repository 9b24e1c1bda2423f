/** Literals and columns: where evaluation starts. */
import { nearestName } from '../core/suggest.ts';
import type { Value, ValueType } from '../core/value.ts';
import type { Scope } from './expression.ts';
import { INT64_MAX, INT64_MIN } from './range.ts';
import { BOOL, CheckFault, DOUBLE, INT, INT64, STRING, type Typed, typed } from './typed.ts';

function literal(value: Exclude<Value, null>, type: ValueType, start: number): Typed {
  return typed(type, false, start, () => value, value);
}

export function constantOf(value: string | boolean | null, start: number): Typed {
  if (value === null) return typed(null, true, start, () => null);
  return literal(value, typeof value === 'string' ? STRING : BOOL, start);
}

/** With a point or an exponent a double; else an int, or an int64 where it is beyond ±(2^53−1). */
export function numberOf(digits: string, start: number): Typed {
  if (/[.eE]/.test(digits)) {
    const value = Number(digits);
    if (!Number.isFinite(value)) throw new CheckFault(start, 'the number is beyond the range of double');
    return literal(value === 0 ? 0 : value, DOUBLE, start);
  }
  const value = BigInt(digits);
  const near = Number(value);
  if (Number.isSafeInteger(near)) return literal(near, INT, start);
  if (value >= INT64_MIN && value <= INT64_MAX) return literal(value, INT64, start);
  throw new CheckFault(start, 'the number is beyond the range of int64', {
    suggestion: 'write it with a decimal point to make it a double',
  });
}

export function columnOf(name: string, scope: Scope, start: number): Typed {
  const found = scope.get(name);
  if (found !== undefined) {
    const { slot, type, nullable } = found;
    return typed(type, nullable, start, (row) => row[slot] ?? null);
  }
  const near = nearestName(name, scope.keys());
  throw new CheckFault(
    start,
    `there is no column ${name}`,
    near === null ? { found: name } : { found: name, suggestion: near },
  );
}
