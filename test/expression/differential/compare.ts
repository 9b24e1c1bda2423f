/** One expression evaluated by the program, in the form in which DuckDB's outcomes come, and the comparison. */
import { compileExpression } from '../../../src/expression/compile.ts';
import { EvaluationError } from '../../../src/expression/evaluation-error.ts';
import type { Scope } from '../../../src/expression/expression.ts';
import { ERROR, type Outcome } from './duckdb.ts';
import type { Kind } from './piece.ts';
import type { Cell, Column } from './rows.ts';

export interface Table {
  readonly scope: Scope;
  readonly rows: readonly (readonly Cell[])[];
}

export function tableOf(columns: readonly Column[]): Table {
  const count = columns[0]?.values.length ?? 0;
  return {
    scope: new Map(columns.map(({ name, kind, nullable }, slot) => [name, { slot, type: { kind }, nullable }])),
    rows: Array.from({ length: count }, (_, row) => columns.map(({ values }) => values[row] ?? null)),
  };
}

export interface Evaluated {
  readonly kind: Kind;
  readonly nullable: boolean;
  readonly canonical: string;
  readonly outcomes: readonly Outcome[];
}

/** What the program makes of a text over every row, or its problems as a text. */
export function evaluateOurs(text: string, { scope, rows }: Table): Evaluated | string {
  const compiled = compileExpression(text, scope);
  if (!compiled.ok) return JSON.stringify(compiled.problems);
  const { evaluate, result, canonical } = compiled.expression;
  const outcomes = rows.map((row): Outcome => {
    try {
      return evaluate(row) as Cell;
    } catch (error) {
      if (error instanceof EvaluationError) return ERROR;
      throw error;
    }
  });
  return { kind: result.type.kind as Kind, nullable: result.nullable, canonical, outcomes };
}

/** Equal; to twelve digits where the engines round differently. */
function agree(ours: Outcome, theirs: Outcome, approximate: boolean): boolean {
  if (ours === theirs) return true;
  if (!approximate || typeof ours !== 'number' || typeof theirs !== 'number') return false;
  return Math.abs(ours - theirs) <= 1e-12 * Math.abs(theirs);
}

/** The first row where they differ, described; null where none does. */
export function difference(
  ours: readonly Outcome[],
  theirs: readonly Outcome[],
  columns: readonly Column[],
  approximate = false,
): string | null {
  const row = ours.findIndex((outcome, index) => !agree(outcome, theirs[index] as Outcome, approximate));
  if (row < 0) return ours.length === theirs.length ? null : 'another number of rows';
  const values = columns.map(({ name, values }) => `${name} = ${String(values[row])}`).join(', ');
  return `${String(ours[row])} here, ${String(theirs[row])} there, where ${values}`;
}
