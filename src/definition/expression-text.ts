/** Expressions inside definitions: compiled over named columns, their problems placed in the file they stand in. */
import { formatType } from '../core/value.ts';
import type { FieldType } from '../core/value.ts';
import { compileExpression } from '../expression/compile.ts';
import { parseExpression } from '../expression/parse.ts';
import type { CompiledExpression, ScopeColumn } from '../expression/expression.ts';
import { report, reportInText } from './cursor.ts';
import type { Cursor } from './cursor.ts';

/** What an expression may name. */
export interface Columns {
  readonly scope: ReadonlyMap<string, ScopeColumn>;
  /** Names that exist but have no usable type, for a reason reported elsewhere: expressions over them are passed over. */
  readonly broken: ReadonlySet<string>;
  /** False when even the names are not all known; then an unknown name is passed over too. */
  readonly complete: boolean;
}

/** Null after reporting what is wrong, or silently when the expression rests on something broken. */
export function compileText(cursor: Cursor, columns: Columns): CompiledExpression | null {
  if (typeof cursor.value !== 'string') return null;
  const result = compileExpression(cursor.value, columns.scope);
  if (result.ok) return result.expression;
  if (restsOnBroken(cursor.value, columns)) return null;
  for (const { start, message, expected, found, suggestion } of result.problems) {
    reportInText(cursor, start, 'bad_expression', message, { expected, found, suggestion });
  }
  return null;
}

/** Whether what is wrong may be no more than a consequence; what is not even SQL is wrong by itself. */
function restsOnBroken(text: string, columns: Columns): boolean {
  if (!parseExpression(text).ok) return false;
  const names = namesIn(text);
  return names.some((name) => columns.broken.has(name) || (!columns.complete && !columns.scope.has(name)));
}

/** A condition: the expression must be boolean. */
export function compileCondition(cursor: Cursor, columns: Columns): CompiledExpression | null {
  const expression = compileText(cursor, columns);
  if (expression === null || expression.result.type.kind === 'bool') return expression;
  report(cursor, 'type_mismatch', 'a condition must be true or false', {
    expected: 'bool',
    found: formatType(expression.result.type, expression.result.nullable),
  });
  return null;
}

/** An expression that is one column: what an unmapped entity key compiles to. */
export function columnExpression(name: string, slot: number, result: FieldType): CompiledExpression {
  return { text: name, canonical: name, result, columns: [name], evaluate: (row) => row[slot] ?? null };
}

/**
 * Names that a text might use as columns: identifiers outside string literals that no `(` follows. May contain
 * keywords; never misses a column. Used to order expressions and to trace problems, not to decide what is valid.
 */
export function namesIn(text: string): readonly string[] {
  const names = new Set<string>();
  for (const match of text.matchAll(/'(?:[^']|'')*'|"((?:[^"]|"")*)"|([A-Za-z_][A-Za-z0-9_$]*)(\s*\()?/g)) {
    const [, quoted, bare, call] = match;
    if (quoted !== undefined) names.add(quoted.replaceAll('""', '"'));
    if (bare === undefined || call !== undefined) continue;
    names.add(bare);
    names.add(bare.toLowerCase());
  }
  return [...names];
}
