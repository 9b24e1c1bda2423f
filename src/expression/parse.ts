/** Text → syntax tree, by pgsql-ast-parser (PostgreSQL's expression grammar); bounded before and after. */
import { type Expr, parse } from 'pgsql-ast-parser';
import type { ExpressionProblem } from './expression.ts';

/** Characters of one expression. */
export const TEXT_MAX = 4_096;
/** Nesting of parentheses, calls and operators. */
export const DEPTH_MAX = 64;
/** Literals, columns, operators and calls of one expression. */
export const NODES_MAX = 512;

const PREFIX = 'SELECT (';

export type ParseResult =
  | { readonly ok: true; readonly tree: Expr }
  | { readonly ok: false; readonly problem: ExpressionProblem };

export function parseExpression(text: string): ParseResult {
  const bounded = boundsProblem(text);
  if (bounded !== null) return { ok: false, problem: bounded };
  try {
    // The line break keeps a trailing `--` comment from swallowing the parenthesis.
    const statements = parse(`${PREFIX}${text}\n)`, { locationTracking: true });
    const statement = statements[0];
    const column = statement?.type === 'select' && statement.columns?.length === 1 ? statement.columns[0] : undefined;
    if (statements.length !== 1 || column === undefined || Object.keys(statement ?? {}).some(isClause)) {
      return failed(0, 'not one expression');
    }
    return { ok: true, tree: column.expr };
  } catch (error) {
    return syntaxProblem(text, error);
  }
}

/** Where a node stands in the expression's own text. */
export function startOf(node: { readonly _location?: { readonly start: number } }): number {
  return Math.max(0, (node._location?.start ?? PREFIX.length) - PREFIX.length);
}

/** The text a node was parsed from. */
export function sourceOf(
  node: { readonly _location?: { readonly start: number; readonly end: number } },
  text: string,
): string {
  return text.slice(startOf(node), Math.max(0, (node._location?.end ?? PREFIX.length) - PREFIX.length));
}

function isClause(key: string): boolean {
  return key !== 'type' && key !== 'columns' && key !== '_location';
}

function boundsProblem(text: string): ExpressionProblem | null {
  if (text.trim() === '') return { start: 0, message: 'the expression is empty' };
  if (text.length > TEXT_MAX) {
    return {
      start: TEXT_MAX,
      message: 'the expression is too long',
      expected: `at most ${TEXT_MAX} characters`,
      found: `${text.length}`,
    };
  }
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(' || text[at] === '[') depth += 1;
    else if (text[at] === ')' || text[at] === ']') depth -= 1;
    if (depth > DEPTH_MAX)
      return { start: at, message: 'parentheses nest too deeply', expected: `at most ${DEPTH_MAX} levels` };
  }
  return null;
}

function failed(start: number, message: string): ParseResult {
  return { ok: false, problem: { start, message } };
}

function syntaxProblem(text: string, error: unknown): ParseResult {
  const token = (error as { token?: { value?: string; offset?: number } }).token;
  const message = error instanceof Error ? error.message : String(error);
  const exponent = /(?:\d|\.)[eE][+-]?\d/.exec(text);
  if (exponent !== null) {
    return {
      ok: false,
      problem: {
        start: exponent.index,
        message: 'numbers with an exponent are not part of the language',
        suggestion: "write all digits, or CAST('1e10' AS double)",
      },
    };
  }
  const offset = token?.offset ?? offsetIn(message);
  const start = Math.min(text.length, Math.max(0, offset - PREFIX.length));
  const found =
    start >= text.length ? 'the end of the expression' : `"${token?.value ?? text.slice(start, start + 10)}"`;
  return {
    ok: false,
    problem: { start, message: 'the expression cannot be read', expected: 'a SQL expression', found },
  };
}

/** The library reports lines and columns in its message; expressions here are rarely more than a line. */
function offsetIn(message: string): number {
  const match = /line 1 col (\d+)/.exec(message);
  return match === null ? Number.MAX_SAFE_INTEGER : Number(match[1]) - 1;
}
