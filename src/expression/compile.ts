/**
 * The SQL expression subset: text → checked, typed closure. One walk over the syntax tree checks and compiles each
 * node; a node that fails is reported and its siblings are still walked, so that every problem is told at once.
 */
import { assertNever } from '../core/assert.ts';
import { nearestName } from '../core/suggest.ts';
import { arithmetic, sign } from './arithmetic.ts';
import { canonicalOf } from './canonical.ts';
import { cast } from './cast.ts';
import { comparison, distinct } from './comparison.ts';
import { caseWhen, coalesce, extremum, isBetween, isIn, nullIf } from './conditional.ts';
import type { CompileResult, ExpressionProblem, Scope } from './expression.ts';
import { FUNCTIONS, call } from './functions.ts';
import { concatenation } from './functions-text.ts';
import { columnOf, constantOf, numberOf } from './literal.ts';
import { isTest, junction, not } from './logic.ts';
import { parseExpression } from './parse.ts';
import type { Tree } from './tree.ts';
import { CheckFault, type Typed } from './typed.ts';

interface Walk {
  readonly scope: Scope;
  readonly problems: ExpressionProblem[];
  readonly columns: Set<string>;
}

/** Compiles `text` over the columns of `scope`; see `docs/expressions.md` for the language. Never throws. */
export function compileExpression(text: string, scope: Scope): CompileResult {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { ok: false, problems: [withColumnHint(parsed.problem, scope)] };
  const walk: Walk = { scope, problems: [], columns: new Set() };
  const root = compileNode(parsed.tree, walk);
  if (root?.type === null && walk.problems.length === 0) {
    const suggestion = 'CAST(NULL AS double) gives it a type';
    walk.problems.push({ start: 0, message: 'the expression is always NULL', suggestion });
  }
  if (root === null || root.type === null) {
    return { ok: false, problems: walk.problems.toSorted((one, other) => one.start - other.start) };
  }
  return {
    ok: true,
    expression: {
      text,
      canonical: canonicalOf(parsed.tree),
      result: { type: root.type, nullable: root.nullable },
      columns: [...walk.columns].toSorted(),
      evaluate: root.evaluate,
    },
  };
}

/** A column may be named like a reserved word; then it needs quotes. */
function withColumnHint(problem: ExpressionProblem, scope: Scope): ExpressionProblem {
  const word = /^"(.*)"$/.exec(problem.found ?? '')?.[1];
  return word !== undefined && scope.has(word)
    ? { ...problem, suggestion: `"${word}", if the column is meant` }
    : problem;
}

/** Null after reporting what is wrong. */
function compileNode(tree: Tree, walk: Walk): Typed | null {
  try {
    return dispatch(tree, walk);
  } catch (error) {
    if (!(error instanceof CheckFault)) throw error;
    walk.problems.push({ start: error.start, message: error.message, ...error.details });
    return null;
  }
}

/** All of them compiled, or null; every one is looked at either way. */
function compileAll(trees: readonly Tree[], walk: Walk): readonly Typed[] | null {
  const all = trees.map((tree) => compileNode(tree, walk));
  return all.every((each) => each !== null) ? all : null;
}

function dispatch(tree: Tree, walk: Walk): Typed | null {
  const { start } = tree;
  switch (tree.kind) {
    case 'number':
      return numberOf(tree.digits, start);
    case 'constant':
      return constantOf(tree.value, start);
    case 'column': {
      const column = columnOf(tree.name, walk.scope, start);
      walk.columns.add(tree.name);
      return column;
    }
    case 'sign':
    case 'not':
    case 'test':
    case 'cast': {
      const operand = compileNode(tree.operand, walk);
      return operand === null ? null : unary(tree, operand);
    }
    case 'binary': {
      const [left, right] = compileAll([tree.left, tree.right], walk) ?? [];
      return left === undefined || right === undefined ? null : binary(tree.operator, left, right, start);
    }
    case 'junction': {
      const operands = compileAll(tree.operands, walk);
      return operands === null ? null : junction(tree.operator, operands, start);
    }
    case 'in': {
      const [operand, ...members] = compileAll([tree.operand, ...tree.members], walk) ?? [];
      return operand === undefined ? null : isIn(operand, members, tree.negated, start);
    }
    case 'between': {
      const parts = compileAll([tree.operand, tree.low, tree.high], walk);
      return parts === null ? null : isBetween(parts, tree.negated, start);
    }
    case 'case':
      return compileCase(tree, walk);
    case 'call':
      return compileCall(tree, walk);
    case 'foreign':
      walk.problems.push(tree.problem);
      compileAll(tree.operands, walk);
      return null;
    default:
      return assertNever(tree);
  }
}

function unary(tree: Extract<Tree, { kind: 'sign' | 'not' | 'test' | 'cast' }>, operand: Typed): Typed {
  switch (tree.kind) {
    case 'sign':
      return sign(tree.operator, operand, tree.start);
    case 'not':
      return not(operand, tree.start);
    case 'test':
      return isTest(tree.test, tree.negated, operand, tree.start);
    case 'cast':
      return cast(operand, tree.typeName, tree.start);
    default:
      return assertNever(tree);
  }
}

function binary(
  operator: Extract<Tree, { kind: 'binary' }>['operator'],
  left: Typed,
  right: Typed,
  start: number,
): Typed {
  switch (operator) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(operator, left, right, start);
    case '||':
      return concatenation(left, right, start);
    case 'IS DISTINCT FROM':
    case 'IS NOT DISTINCT FROM':
      return distinct(operator, left, right, start);
    default:
      return comparison(operator, left, right, start);
  }
}

function compileCase(tree: Extract<Tree, { kind: 'case' }>, walk: Walk): Typed | null {
  const subject = tree.subject === null ? null : compileNode(tree.subject, walk);
  const branches = tree.branches.map(({ when, then }) => compileAll([when, then], walk));
  const otherwise = tree.otherwise === null ? null : compileNode(tree.otherwise, walk);
  if ((tree.subject !== null && subject === null) || (tree.otherwise !== null && otherwise === null)) return null;
  const whole = branches.flatMap((branch) => {
    const [when, then] = branch ?? [];
    return when === undefined || then === undefined ? [] : [{ when, then }];
  });
  return whole.length < branches.length ? null : caseWhen(subject, whole, otherwise, tree.start);
}

/** Calls in form that evaluate as they choose; their rules of types are no list of parameters. */
const SPECIAL_FORMS: ReadonlyMap<string, (args: readonly Typed[], start: number) => Typed> = new Map([
  ['coalesce', coalesce],
  ['least', (args: readonly Typed[], start: number) => extremum('least', args, start)],
  ['greatest', (args: readonly Typed[], start: number) => extremum('greatest', args, start)],
  ['nullif', nullIf],
]);

function compileCall(tree: Extract<Tree, { kind: 'call' }>, walk: Walk): Typed | null {
  const { name, start } = tree;
  const make = SPECIAL_FORMS.get(name);
  const rule = FUNCTIONS.get(name);
  if (make === undefined && rule === undefined) walk.problems.push(unknownFunction(name, start));
  const args = compileAll(tree.args, walk);
  if (args === null) return null;
  if (rule !== undefined) return call(rule, args, start);
  return make === undefined ? null : make(args, start);
}

/** Names of other dialects or of what is excluded, and what to write instead. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['log', 'ln or log10'],
  ['char_length', 'length'],
  ['strlen', 'length'],
  ['strpos', 'contains'],
  ['position', 'contains'],
  ['now', 'as_of (in a service)'],
  ['random', 'nothing: expressions are deterministic'],
  ['regexp_matches', 'starts_with, ends_with or contains'],
  ['count', 'a feature with agg: count'],
  ['sum', 'a feature with agg: sum'],
  ['avg', 'a feature with agg: mean'],
  ['min', 'least, or a feature with agg: min'],
  ['max', 'greatest, or a feature with agg: max'],
]);

function unknownFunction(name: string, start: number): ExpressionProblem {
  const suggestion = INSTEAD.get(name) ?? nearestName(name, [...FUNCTIONS.keys(), ...SPECIAL_FORMS.keys()]);
  const message = `there is no function ${name}`;
  return suggestion === null ? { start, message, found: name } : { start, message, found: name, suggestion };
}
