/** Compiling and evaluating one expression over named values: what the tests of single rules share. */
import { EvaluationError } from '../../src/expression/evaluation-error.ts';
import { compileExpression } from '../../src/expression/compile.ts';
import type { CompiledExpression, ExpressionProblem, Scope } from '../../src/expression/expression.ts';
import type { ScalarKind, Value } from '../../src/core/value.ts';

/** Every type, nullable: `i`, `j` int; `w`, `v` int64; `x`, `y` double; `s`, `t` string; `p`, `q` bool; `at`, `since`. */
const KINDS: Readonly<Record<string, ScalarKind>> = {
  i: 'int',
  j: 'int',
  w: 'int64',
  v: 'int64',
  x: 'double',
  y: 'double',
  s: 'string',
  t: 'string',
  p: 'bool',
  q: 'bool',
  at: 'timestamp',
  since: 'timestamp',
};
const NAMES = Object.keys(KINDS);
export const SCOPE: Scope = new Map(
  NAMES.map((name, slot) => [name, { slot, type: { kind: KINDS[name] as ScalarKind }, nullable: true }] as const),
);

export type Given = Readonly<Record<string, Value>>;

export function compiled(text: string, scope: Scope = SCOPE): CompiledExpression {
  const result = compileExpression(text, scope);
  if (!result.ok) throw new Error(`${text}: ${result.problems.map(({ message }) => message).join('; ')}`);
  return result.expression;
}

/** Columns that are not given are null. */
export function evaluated(text: string, given: Given = {}): Value {
  return compiled(text).evaluate(NAMES.map((name) => given[name] ?? null));
}

export function fails(text: string, given: Given = {}): boolean {
  const expression = compiled(text);
  try {
    expression.evaluate(NAMES.map((name) => given[name] ?? null));
    return false;
  } catch (error) {
    if (error instanceof EvaluationError) return true;
    throw error;
  }
}

/** Type of the result, `?` if it may be null. */
export function typeOf(text: string): string {
  const { type, nullable } = compiled(text).result;
  return `${type.kind}${nullable ? '?' : ''}`;
}

export function problemsOf(text: string, scope: Scope = SCOPE): readonly ExpressionProblem[] {
  const result = compileExpression(text, scope);
  return result.ok ? [] : result.problems;
}
