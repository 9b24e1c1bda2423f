/**
 * The columns of a view (its distinct `of`s), evaluated over a source's row and held to the bounds within which exact
 * arithmetic works (DESIGN section 3, "Numbers").
 */
import type { Value } from '../core/value.ts';
import type { Magnitude, ViewColumn } from '../definition/definition.ts';
import type { Evaluator } from '../expression/expression.ts';

/** May throw `EvaluationError`. */
export interface ColumnReader {
  /** For messages: the text of what is evaluated. */
  readonly label: string;
  readonly magnitude: Magnitude;
  read(row: readonly Value[]): Value;
}

const SUM_MAX = 2 ** 960;
const SQUARE_MAX = 2 ** 480;
const SQUARE_MIN = 2 ** -480;

export function compileColumn(column: ViewColumn): ColumnReader {
  const { magnitude, canonical: label, members } = column;
  const [first] = members;
  if (column.type.kind !== 'struct' && first !== undefined) {
    const { evaluate } = first.expression;
    return { label, magnitude, read: column.type.kind === 'double' ? withoutNegativeZero(evaluate) : evaluate };
  }
  const readers = members.map(({ name, expression }, index) => ({
    name,
    read: isDouble(column, index) ? withoutNegativeZero(expression.evaluate) : expression.evaluate,
  }));
  return {
    label,
    magnitude,
    read(row) {
      const struct: Record<string, Value> = {};
      for (const { name, read } of readers) struct[name] = read(row);
      return Object.freeze(struct);
    },
  };
}

function isDouble(column: ViewColumn, member: number): boolean {
  return column.type.kind === 'struct' && column.type.fields[member]?.type.kind === 'double';
}

function withoutNegativeZero(evaluate: Evaluator): Evaluator {
  return (row) => {
    const value = evaluate(row);
    return value === 0 ? 0 : value;
  };
}

/** Null, and what is not a number, is always within. */
export function isWithinMagnitude(value: Value, magnitude: Magnitude): boolean {
  if (magnitude === 'any' || typeof value !== 'number') return true;
  const size = Math.abs(value);
  if (magnitude === 'sum') return size <= SUM_MAX;
  return size === 0 || (size >= SQUARE_MIN && size <= SQUARE_MAX);
}

/** The bounds of a magnitude, for messages. */
export function formatMagnitude(magnitude: Magnitude): string {
  return magnitude === 'square' ? '0 or 2^-480 ≤ |x| ≤ 2^480' : '|x| ≤ 2^960';
}
