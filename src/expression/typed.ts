/** A checked expression: its type and how to evaluate it. The compiler builds these bottom up; each is final when made. */
import { formatType, type ScalarKind, type Value, type ValueType } from '../core/value.ts';
import type { Evaluator } from './expression.ts';

export interface Typed {
  /** Null: the bare literal NULL, which takes the type of what it stands beside. */
  readonly type: ValueType | null;
  /** False only where no row can make it null. */
  readonly nullable: boolean;
  readonly evaluate: Evaluator;
  /** Set for literals and casts of them, so that functions can demand a constant and lists be looked up. */
  readonly constant: Value | undefined;
  /** Index into the text. */
  readonly start: number;
}

/** One thing wrong, thrown by checks of one node and collected by the walk. */
export class CheckFault extends Error {
  readonly start: number;
  readonly details: { readonly expected?: string; readonly found?: string; readonly suggestion?: string };

  constructor(start: number, message: string, details: CheckFault['details'] = {}) {
    super(message);
    this.start = start;
    this.details = details;
  }
}

export const BOOL: ValueType = { kind: 'bool' };
export const INT: ValueType = { kind: 'int' };
export const INT64: ValueType = { kind: 'int64' };
export const DOUBLE: ValueType = { kind: 'double' };
export const STRING: ValueType = { kind: 'string' };
export const TIMESTAMP: ValueType = { kind: 'timestamp' };

export type Kind = ScalarKind | 'null' | 'other';

/** The scalar kind, `null` for NULL, or `other` for arrays and structs, which only IS NULL, COALESCE and CASE take. */
export function kindOf({ type }: Typed): Kind {
  if (type === null) return 'null';
  return type.kind === 'array' || type.kind === 'struct' ? 'other' : type.kind;
}

export function isNumeric(kind: Kind): kind is 'int' | 'int64' | 'double' {
  return kind === 'int' || kind === 'int64' || kind === 'double';
}

/** For messages: `double?`. */
export function describe({ type, nullable }: Typed): string {
  return type === null ? 'NULL' : formatType(type, nullable);
}

/** `nullable` of what is null exactly when an operand is. */
export function anyNullable(parts: readonly Typed[]): boolean {
  return parts.some((part) => part.nullable);
}

/**
 * The one type that all of these can be read as: equal types, NULL with anything, int with int64 or double. `undefined`
 * if there is none, as for int64 with double, of which one would lose digits.
 */
export function commonType(parts: readonly Typed[]): ValueType | null | undefined {
  let common: ValueType | null = null;
  for (const { type } of parts) {
    if (type === null) continue;
    if (common === null) common = type;
    else {
      const wider = widerType(common, type);
      if (wider === undefined) return undefined;
      common = wider;
    }
  }
  return common;
}

function widerType(one: ValueType, other: ValueType): ValueType | undefined {
  if (formatType(one) === formatType(other)) return one;
  if (one.kind === 'int' && (other.kind === 'int64' || other.kind === 'double')) return other;
  if (other.kind === 'int' && (one.kind === 'int64' || one.kind === 'double')) return one;
  return undefined;
}

/** Evaluates `part` as `type`, which `commonType` allowed: only int to int64 changes the value's form. */
export function widened(part: Typed, type: ValueType | null): Evaluator {
  if (type?.kind !== 'int64' || part.type?.kind !== 'int') return part.evaluate;
  const { evaluate } = part;
  return (row) => {
    const value = evaluate(row);
    return value === null ? null : BigInt(value as number);
  };
}

/** With a type of null, the result is NULL whatever the row. */
export function typed(
  type: ValueType | null,
  nullable: boolean,
  start: number,
  evaluate: Evaluator,
  constant?: Value,
): Typed {
  return { type, nullable: nullable || type === null, start, evaluate, constant };
}
