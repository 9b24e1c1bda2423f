/** What the compiler of SQL expressions promises (see compile.ts). */
import type { FieldType, Value } from '../core/value.ts';

/** The columns an expression may name: the value of a column is `row[slot]`. */
export interface ScopeColumn extends FieldType {
  readonly slot: number;
}
export type Scope = ReadonlyMap<string, ScopeColumn>;

/** Evaluates over a row laid out as the scope says. Throws `EvaluationError` where DESIGN says `ERROR`. */
export type Evaluator = (row: readonly Value[]) => Value;

export interface CompiledExpression {
  /** The text as written. */
  readonly text: string;
  /** The same expression in canonical form (case, white space and parentheses normalised): what fingerprints hash. */
  readonly canonical: string;
  readonly result: FieldType;
  /** Names of the columns used, sorted, each once. */
  readonly columns: readonly string[];
  readonly evaluate: Evaluator;
}

/** One thing wrong with an expression. `start` is an index into its text (0 when unknown). */
export interface ExpressionProblem {
  readonly start: number;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
  readonly suggestion?: string;
}

export type CompileResult =
  | { readonly ok: true; readonly expression: CompiledExpression }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };
