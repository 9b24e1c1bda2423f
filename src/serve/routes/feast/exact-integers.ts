/**
 * Integers as Feast's SDK writes them: an int64 as digits, also where a double cannot hold it. Such a one is read as a bigint,
 * and becomes what the type of its column takes.
 */
import type { ValueType } from '../../../core/value.ts';

/** Fewer digits are safe. */
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

/** `value` is the body, parsed and found sound. */
export function withExactIntegers(body: string, value: unknown): unknown {
  if (!LONG_NUMBER.test(body)) return value;
  return JSON.parse(body, (_name, member: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof member !== 'number' || Number.isSafeInteger(member)) return member;
    const source = context?.source ?? '';
    return INTEGER.test(source) ? BigInt(source) : member;
  });
}

/** As requests and events elsewhere hold it. */
export function plainInteger(json: unknown, type: ValueType | undefined): unknown {
  if (typeof json !== 'bigint') return json;
  return type?.kind === 'int64' ? String(json) : Number(json);
}
