/** What aggregations say about the types they take: shared sentences, so that every refusal says what to do. */
import { type FieldType, formatType, type ScalarKind, type ValueType } from '../core/value.ts';

export interface TypeProblem {
  readonly problem: string;
}

const DOUBLE_TYPE: ValueType = { kind: 'double' };
const INT_TYPE: ValueType = { kind: 'int' };

export const DOUBLE: FieldType = { type: DOUBLE_TYPE, nullable: false };
export const NULLABLE_DOUBLE: FieldType = { type: DOUBLE_TYPE, nullable: true };
export const INT: FieldType = { type: INT_TYPE, nullable: false };
export const NULLABLE_INT: FieldType = { type: INT_TYPE, nullable: true };

export function nullable(type: ValueType): FieldType {
  return { type, nullable: true };
}

/** `type[]`, whose elements are never null: aggregations skip nulls. */
export function arrayOf(type: ValueType): FieldType {
  return { type: { kind: 'array', element: type, elementNullable: false, length: null }, nullable: false };
}

/** Null if `input` is an `int` or a `double`, else what is wrong with it. */
export function requireNumber(aggregation: string, input: FieldType | null): TypeProblem | null {
  if (input === null) return { problem: `${aggregation} needs \`of\`: an int or double expression` };
  const { type } = input;
  if (type.kind === 'int' || type.kind === 'double') return null;
  const refusal = `${aggregation} takes int or double, not ${formatType(type)}`;
  if (type.kind === 'int64') {
    return { problem: `${refusal}: int64 is never turned into a double unasked; write CAST(… AS double)` };
  }
  if (type.kind === 'bool') {
    return { problem: `${refusal}; to count what is true, use count with \`where\`, or CASE WHEN … THEN 1 ELSE 0 END` };
  }
  if (type.kind === 'string') return { problem: `${refusal}; if it holds numbers, write CAST(… AS double)` };
  return { problem: refusal };
}

/** Null if `input` is one of `kinds`, else what is wrong with it. `advice` follows a semicolon. */
export function requireKind(
  aggregation: string,
  input: FieldType | null,
  kinds: readonly ScalarKind[],
  advice: (type: ValueType) => string | null = () => null,
): TypeProblem | null {
  const listed = `${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1) as string}`;
  if (input === null) return { problem: `${aggregation} needs \`of\`: an expression of type ${listed}` };
  if ((kinds as readonly string[]).includes(input.type.kind)) return null;
  const said = advice(input.type);
  return {
    problem: `${aggregation} takes ${listed}, not ${formatType(input.type)}${said === null ? '' : `; ${said}`}`,
  };
}

/** Null if `of` was given, else what is missing. */
export function requireInput(aggregation: string, input: FieldType | null): TypeProblem | null {
  return input === null ? { problem: `${aggregation} needs \`of\`: the expression whose values it keeps` } : null;
}
