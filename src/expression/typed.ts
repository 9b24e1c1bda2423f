/**
 * A checked expression: its type, how to evaluate it, and its canonical text. The compiler builds these bottom up; each
 * is final when made, so there is no second pass over a tree.
 */
import type { FieldType, ScalarKind, Value, ValueType } from '../core/value.ts';
import type { Evaluator } from './expression.ts';

export interface Typed {
  /** Null: the bare literal NULL, which takes the type of what it stands beside. */
  readonly type: ValueType | null;
  readonly nullable: boolean;
  readonly canonical: string;
  readonly evaluate: Evaluator;
  /** Set for literals, so that functions can demand a constant. */
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

/** The scalar kind, `null` for NULL, or 'other' for arrays and structs, which no operator takes. */
export function kindOf(typed: Typed): ScalarKind | 'null' | 'other' {
  if (typed.type === null) return 'null';
  return typed.type.kind === 'array' || typed.type.kind === 'struct' ? 'other' : typed.type.kind;
}

export function isNumeric(kind: string): kind is 'int' | 'int64' | 'double' {
  return kind === 'int' || kind === 'int64' || kind === 'double';
}

/**
 * The one type that all of these can be read as, or null if there is none: equal types, NULL with anything, int with
 * int64 or double. int64 and double have none, because one of them would lose digits.
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
  if (one.kind === other.kind) return JSON.stringify(one) === JSON.stringify(other) ? one : undefined;
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

export function typed(
  result: FieldType | { readonly type: null; readonly nullable: true },
  start: number,
  canonical: string,
  evaluate: Evaluator,
): Typed {
  return { type: result.type, nullable: result.nullable, start, canonical, evaluate, constant: undefined };
}
