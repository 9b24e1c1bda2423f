/**
 * The SQL expression subset: text → checked, typed closure. One walk over the syntax tree checks and compiles each
 * node; a node that fails is reported and its siblings are still walked, so that every problem is told at once.
 */
import type { Expr, ExprBinary, ExprCall, ExprUnary } from 'pgsql-ast-parser';
import { nearestName } from '../core/suggest.ts';
import { cast } from './cast.ts';
import { type Branch, caseWhen, coalesce, extremum, isBetween, isIn, nullIf } from './conditional.ts';
import type { CompileResult, ExpressionProblem, Scope } from './expression.ts';
import { FUNCTIONS, call } from './functions.ts';
import { arithmetic, comparison, concatenation, division, isTest, junction, negation, not } from './operators.ts';
import { DEPTH_MAX, NODES_MAX, parseExpression, sourceOf, startOf } from './parse.ts';
import { BOOL, CheckFault, DOUBLE, INT, INT64, STRING, type Typed, typed } from './typed.ts';

const INT64_LIMIT = 2n ** 63n;
/** Names of other dialects or of what is excluded, and what to write instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  pow: 'power',
  ceiling: 'ceil',
  log: 'ln or log10',
  substr: 'substring',
  char_length: 'length',
  strpos: 'contains',
  ifnull: 'coalesce',
  mod: 'the operator %',
  now: 'as_of (in a service)',
  random: 'nothing: expressions are deterministic',
};

interface Walk {
  readonly text: string;
  readonly scope: Scope;
  readonly problems: ExpressionProblem[];
  readonly columns: Set<string>;
  nodes: number;
  depth: number;
}

/** Compiles `text` over the columns of `scope`; see `docs/expressions.md` for the language. */
export function compileExpression(text: string, scope: Scope): CompileResult {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { ok: false, problems: [parsed.problem] };
  const walk: Walk = { text, scope, problems: [], columns: new Set(), nodes: 0, depth: 0 };
  const root = compileNode(parsed.tree, walk);
  if (root === null || walk.problems.length > 0) return { ok: false, problems: walk.problems };
  if (root.type === null) {
    return {
      ok: false,
      problems: [
        { start: 0, message: 'the expression is always NULL', suggestion: 'CAST(NULL AS double) gives it a type' },
      ],
    };
  }
  return {
    ok: true,
    expression: {
      text,
      canonical: root.canonical,
      result: { type: root.type, nullable: root.nullable },
      columns: [...walk.columns].toSorted(),
      evaluate: root.evaluate,
    },
  };
}

/** Null after reporting what is wrong. */
function compileNode(node: Expr, walk: Walk): Typed | null {
  walk.nodes += 1;
  walk.depth += 1;
  try {
    if (walk.nodes === NODES_MAX + 1)
      throw new CheckFault(startOf(node), 'the expression is too large', { expected: `at most ${NODES_MAX} parts` });
    if (walk.nodes > NODES_MAX) return null;
    if (walk.depth > DEPTH_MAX)
      throw new CheckFault(startOf(node), 'the expression nests too deeply', {
        expected: `at most ${DEPTH_MAX} levels`,
      });
    return dispatch(node, walk);
  } catch (error) {
    if (!(error instanceof CheckFault)) throw error;
    walk.problems.push({ start: error.start, message: error.message, ...error.details });
    return null;
  } finally {
    walk.depth -= 1;
  }
}

function dispatch(node: Expr, walk: Walk): Typed | null {
  const start = startOf(node);
  switch (node.type) {
    case 'ref':
      return column(node, walk);
    case 'integer':
      return integer(sourceOf(node, walk.text), start);
    case 'numeric':
      return literal(Number(sourceOf(node, walk.text)), DOUBLE, start);
    case 'string':
      return literal(node.value, STRING, start);
    case 'boolean':
      return literal(node.value, BOOL, start);
    case 'null':
      return { type: null, nullable: true, canonical: 'NULL', evaluate: () => null, constant: undefined, start };
    case 'unary':
      return unary(node, walk);
    case 'binary':
      return binary(node, walk);
    case 'ternary': {
      const [value, low, high] = compileAll([node.value, node.lo, node.hi], walk) ?? [];
      return value && low && high ? isBetween(value, low, high, node.op === 'NOT BETWEEN', start) : null;
    }
    case 'case':
      return caseExpression(node, walk);
    case 'cast': {
      const operand = compileNode(node.operand, walk);
      const to = node.to as { name?: string; kind?: string };
      if (to.name === undefined) throw new CheckFault(start, 'casts go to scalar types only');
      return operand === null ? null : cast(operand, to.name, start);
    }
    case 'call':
      return functionCall(node, walk);
    case 'substring': {
      const parts = [node.value, node.from ?? { type: 'integer', value: 1 }, ...(node.for ? [node.for] : [])];
      const args = compileAll(parts, walk);
      return args === null ? null : call(FUNCTIONS.get('substring') as never, args, start);
    }
    default:
      throw new CheckFault(start, 'this is not part of the expression language', {
        found: sourceOf(node, walk.text).slice(0, 40),
      });
  }
}

/** All of them compiled, or null; every one is looked at either way. */
function compileAll(nodes: readonly Expr[], walk: Walk): Typed[] | null {
  const all = nodes.map((node) => compileNode(node, walk));
  return all.every((each) => each !== null) ? all : null;
}

function column(node: Extract<Expr, { type: 'ref' }>, walk: Walk): Typed {
  const start = startOf(node);
  const written = sourceOf(node, walk.text);
  // Bare names keep the case they were written in: the parser would fold it.
  const name = written.startsWith('"') || written === '' ? node.name : written;
  const found = walk.scope.get(name);
  if (node.table !== undefined || found === undefined) {
    const near = nearestName(name, walk.scope.keys());
    throw new CheckFault(
      start,
      `there is no column ${name}`,
      near === null ? { found: name } : { found: name, suggestion: near },
    );
  }
  walk.columns.add(name);
  const { slot } = found;
  const canonical = /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
  return typed({ type: found.type, nullable: found.nullable }, start, canonical, (row) => row[slot] ?? null);
}

function literal(value: string | number | bigint | boolean, type: Exclude<Typed['type'], null>, start: number): Typed {
  if (type === DOUBLE && !Number.isFinite(value))
    throw new CheckFault(start, 'the number is beyond the range of double');
  const held = value === 0 ? 0 : value;
  const canonical =
    typeof value === 'string'
      ? `'${value.replaceAll("'", "''")}'`
      : `${type.kind === 'double' ? 'd' : ''}${String(held).toUpperCase()}`;
  return { type, nullable: false, canonical, evaluate: () => held, constant: held, start };
}

function integer(digits: string, start: number): Typed {
  const value = BigInt(digits.trim() === '' ? '1' : digits);
  if (value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER))
    return literal(Number(value), INT, start);
  if (value >= -INT64_LIMIT && value < INT64_LIMIT) return literal(value, INT64, start);
  throw new CheckFault(start, 'the number is beyond the range of int64', {
    suggestion: 'write it with a decimal point to make it a double',
  });
}

function unary(node: ExprUnary, walk: Walk): Typed | null {
  const start = startOf(node);
  const operand = compileNode(node.operand, walk);
  if (operand === null) return null;
  if (node.op === 'NOT') return not(operand, start);
  if (node.op === '+' && operand.constant !== undefined) return operand;
  if (node.op === '-') {
    const { constant, type } = operand;
    // A negative literal is a literal, so that a default or a digit count can be one.
    if ((typeof constant === 'number' || typeof constant === 'bigint') && type !== null)
      return literal(-constant, type, start);
    return negation(operand, start);
  }
  const test = /^IS (NOT )?(NULL|TRUE|FALSE)$/.exec(node.op);
  if (test === null) throw new CheckFault(start, `the operator ${node.op} is not part of the expression language`);
  return isTest(test[2] as 'NULL' | 'TRUE' | 'FALSE', test[1] !== undefined, operand, start);
}

function binary(node: ExprBinary, walk: Walk): Typed | null {
  const start = startOf(node);
  const left = compileNode(node.left, walk);
  if (node.op === 'IN' || node.op === 'NOT IN') {
    const members = node.right.type === 'list' ? compileAll(node.right.expressions, walk) : null;
    if (node.right.type !== 'list') throw new CheckFault(startOf(node.right), `${node.op} takes a list in parentheses`);
    return left === null || members === null ? null : isIn(left, members, node.op === 'NOT IN', start);
  }
  const right = compileNode(node.right, walk);
  if (left === null || right === null) return null;
  switch (node.op) {
    case '+':
    case '-':
    case '*':
    case '%':
      return arithmetic(node.op, left, right, start);
    case '/':
      return division(left, right, start);
    case '=':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparison(node.op, left, right, start);
    case 'AND':
    case 'OR':
      return junction(node.op, left, right, start);
    case '||':
      return concatenation(left, right, start);
    case 'LIKE':
    case 'ILIKE':
    case 'NOT LIKE':
    case 'NOT ILIKE':
      throw new CheckFault(start, 'patterns are not part of the expression language', {
        suggestion: 'starts_with, ends_with or contains',
      });
    default:
      throw new CheckFault(start, `the operator ${node.op} is not part of the expression language`);
  }
}

function caseExpression(node: Extract<Expr, { type: 'case' }>, walk: Walk): Typed | null {
  const start = startOf(node);
  const subject = node.value ? compileNode(node.value, walk) : null;
  const branches: Branch[] = [];
  for (const each of node.whens) {
    const [when, then] = compileAll([each.when, each.value], walk) ?? [];
    if (!when || !then || (node.value && subject === null)) continue;
    branches.push({ when: subject === null ? when : comparison('=', subject, when, when.start), then });
  }
  const otherwise = node.else ? compileNode(node.else, walk) : null;
  if (branches.length !== node.whens.length || (node.else && otherwise === null)) return null;
  return caseWhen(branches, otherwise, start);
}

function functionCall(node: ExprCall, walk: Walk): Typed | null {
  const start = startOf(node);
  const { name } = node.function;
  if (node.distinct || node.filter || node.over || node.orderBy || node.withinGroup) {
    throw new CheckFault(start, 'aggregates and windows are not part of the expression language', {
      suggestion: 'declare a feature with agg and windows',
    });
  }
  const special = SPECIAL_FORMS.get(name);
  const rule = FUNCTIONS.get(name);
  if (special === undefined && rule === undefined) throw unknownFunction(name, start);
  const args = compileAll(node.args, walk);
  if (args === null) return null;
  if (rule !== undefined) return call(rule, args, start);
  const { least, most, make } = special as SpecialForm;
  if (args.length < least || args.length > most) {
    throw new CheckFault(start, `${name} is called with ${args.length} arguments`, {
      expected: least === most ? `${least}` : `at least ${least}`,
    });
  }
  return make(args, start);
}

function unknownFunction(name: string, start: number): CheckFault {
  const instead = INSTEAD[name] ?? nearestName(name, [...FUNCTIONS.keys(), ...SPECIAL_FORMS.keys()]);
  return new CheckFault(
    start,
    `there is no function ${name}`,
    instead === null ? { found: name } : { found: name, suggestion: instead },
  );
}

interface SpecialForm {
  readonly least: number;
  readonly most: number;
  readonly make: (args: readonly Typed[], start: number) => Typed;
}

const SPECIAL_FORMS: ReadonlyMap<string, SpecialForm> = new Map([
  ['coalesce', { least: 1, most: NODES_MAX, make: coalesce }],
  ['least', { least: 1, most: NODES_MAX, make: (args, start) => extremum('least', args, start) }],
  ['greatest', { least: 1, most: NODES_MAX, make: (args, start) => extremum('greatest', args, start) }],
  ['nullif', { least: 2, most: 2, make: (args, start) => nullIf(args[0] as Typed, args[1] as Typed, start) }],
] satisfies [string, SpecialForm][]);
