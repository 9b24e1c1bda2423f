/**
 * Text → syntax tree, by PostgreSQL's own parser (libpg-query, as WebAssembly), whose grammar DuckDB's descends from.
 * The text is bounded before it is parsed, and the tree while it is translated.
 */
import { type Node, SqlError, loadModule, parseSync, scanSync } from 'libpg-query';
import type { ExpressionProblem } from './expression.ts';
import { BoundFault, translate } from './translate.ts';
import type { Tree } from './tree.ts';

/** Characters of one expression. */
export const TEXT_MAX = 4_096;

export type ParseResult =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly problem: ExpressionProblem };

await loadModule();

const PREFIX = 'SELECT (';
/** What the statement made of a lone expression has, besides its one column. */
const PLAIN_KEYS = new Set(['targetList', 'limitOption', 'op']);

/** Never throws. Of several syntax errors the first is told; what is wrong with what parses, the compiler tells in full. */
export function parseExpression(text: string): ParseResult {
  const unfit = textProblem(text);
  if (unfit !== null) return { ok: false, problem: unfit };
  const placeOf = placesIn(text);
  try {
    // The line break keeps a trailing `--` comment from swallowing the parenthesis.
    const { stmts = [] } = parseSync(`${PREFIX}${text}\n)`);
    const expression = stmts.length === 1 ? expressionOf(stmts[0]?.stmt) : null;
    if (expression === null) return { ok: false, problem: { start: 0, message: 'this is not one expression' } };
    const closing = closingProblem(text, placeOf);
    if (closing !== null) return { ok: false, problem: closing };
    return { ok: true, tree: translate(expression, text, (byte) => placeOf(byte - PREFIX.length)) };
  } catch (error) {
    if (error instanceof BoundFault) return { ok: false, problem: error.problem };
    if (error instanceof SqlError) return { ok: false, problem: firstProblem(text, error, placeOf) };
    throw error;
  }
}

function expressionOf(statement: Node | undefined): Node | null {
  if (statement === undefined || !('SelectStmt' in statement)) return null;
  const select = statement.SelectStmt;
  const [target] = select.targetList ?? [];
  if (select.targetList?.length !== 1 || target === undefined || !('ResTarget' in target)) return null;
  if (Object.keys(select).some((key) => !PLAIN_KEYS.has(key)) || target.ResTarget.name !== undefined) return null;
  return target.ResTarget.val ?? null;
}

/** From byte offsets in the text's UTF-8 form, in which the library counts, to indexes. */
function placesIn(text: string): (byte: number) => number {
  const indexes: number[] = [];
  for (let index = 0; index < text.length; ) {
    const point = text.codePointAt(index) as number;
    const bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (let count = 0; count < bytes; count++) indexes.push(index);
    index += point < 0x10000 ? 1 : 2;
  }
  return (byte) => (byte < 0 ? 0 : (indexes[byte] ?? text.length));
}

function textProblem(text: string): ExpressionProblem | null {
  if (text.trim() === '') return { start: 0, message: 'the expression is empty' };
  if (text.length > TEXT_MAX) {
    return {
      start: TEXT_MAX,
      message: 'the expression is too long',
      expected: `at most ${TEXT_MAX} characters`,
      found: `${text.length}`,
    };
  }
  // The library reads up to the zero byte.
  const zero = text.indexOf('\0');
  if (zero >= 0) return { start: zero, message: 'the expression contains a zero character' };
  return text.isWellFormed() ? null : { start: 0, message: 'the expression contains half of a surrogate pair' };
}

/** `a) + (b` parses between the parentheses that this file puts around it, but is no expression. */
function closingProblem(text: string, placeOf: (byte: number) => number): ExpressionProblem | null {
  let depth = 0;
  for (const token of scanSync(text).tokens) {
    if (token.text === '(') depth += 1;
    else if (token.text === ')') depth -= 1;
    if (depth < 0) return { start: placeOf(token.start), message: 'this parenthesis closes nothing' };
  }
  return null;
}

/** Where the library finds fault with the parenthesis that this file puts at the end, one of the text's is too many. */
function firstProblem(text: string, error: SqlError, placeOf: (byte: number) => number): ExpressionProblem {
  const syntax = syntaxProblem(text, error);
  const atEnd = syntax.start === text.length && error.message.startsWith('syntax error');
  // All of the text has been read as tokens then, so that it can be scanned.
  return (atEnd ? closingProblem(text, placeOf) : null) ?? syntax;
}

function syntaxProblem(text: string, error: SqlError): ExpressionProblem {
  // The library counts code points of the statement here.
  const points = Math.max(0, (error.sqlDetails?.cursorPosition ?? 0) - PREFIX.length);
  const start = Array.from(text).slice(0, points).join('').length;
  if (!error.message.startsWith('syntax error')) {
    return { start, message: error.message.replace(/ at or near [^]*$/, '') };
  }
  const token = /^\s*([\w$]+|[^])/u.exec(text.slice(start))?.[1];
  const found = token === undefined || text.slice(start).trim() === '' ? 'the end of the expression' : `"${token}"`;
  return { start, message: 'the expression cannot be read', expected: 'a SQL expression', found };
}
