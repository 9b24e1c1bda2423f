/**
 * PostgreSQL's parse tree → ours. What the language does not have becomes a `foreign` node that says what it is, so that
 * the rest of the expression is still looked at.
 */
import type { A_Const, A_Expr, CaseExpr, ColumnRef, FuncCall, Node, TypeCast } from 'libpg-query';
import type { ExpressionProblem } from './expression.ts';
import { foreignOf, foreignOperator, identifierAt, locationOf, namesOf } from './foreign.ts';
import { callOf } from './spellings.ts';
import type { BinaryOperator, Tree } from './tree.ts';

/** Nesting of operators and calls. Parentheses alone do not nest: the tree does not have them. */
export const DEPTH_MAX = 64;
/** Literals, columns, operators and calls of one expression. */
export const NODES_MAX = 512;

export class BoundFault extends Error {
  readonly problem: ExpressionProblem;

  constructor(problem: ExpressionProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

interface Translation {
  readonly text: string;
  /** From a location of the library to an index into the text. */
  readonly placeOf: (location: number) => number;
  nodes: number;
  depth: number;
}

/** Throws `BoundFault`. */
export function translate(root: Node, text: string, placeOf: (location: number) => number): Tree {
  return translateNode(root, { text, placeOf, nodes: 0, depth: 0 });
}

function translateNode(node: Node, context: Translation): Tree {
  const start = context.placeOf(locationOf(node));
  context.nodes += 1;
  context.depth += 1;
  if (context.nodes > NODES_MAX) {
    throw new BoundFault({ start, message: 'the expression is too large', expected: `at most ${NODES_MAX} parts` });
  }
  if (context.depth > DEPTH_MAX) {
    throw new BoundFault({
      start,
      message: 'the expression nests too deeply',
      expected: `at most ${DEPTH_MAX} levels`,
    });
  }
  const tree = dispatch(node, start, context);
  context.depth -= 1;
  return tree;
}

function all(nodes: readonly (Node | undefined)[] | undefined, context: Translation): Tree[] {
  return (nodes ?? []).flatMap((node) => (node === undefined ? [] : [translateNode(node, context)]));
}

function dispatch(node: Node, start: number, context: Translation): Tree {
  if ('A_Const' in node) return constant(node.A_Const, start, context);
  if ('ColumnRef' in node) return column(node.ColumnRef, start, context);
  if ('A_Expr' in node) return operation(node.A_Expr, start, context);
  if ('FuncCall' in node) return call(node.FuncCall, start, context);
  if ('TypeCast' in node) return cast(node.TypeCast, start, context);
  if ('CaseExpr' in node) return caseOf(node.CaseExpr, start, context);
  if ('BoolExpr' in node) {
    const operands = all(node.BoolExpr.args, context);
    const [only] = operands;
    if (node.BoolExpr.boolop === 'NOT_EXPR' && only !== undefined) return { kind: 'not', operand: only, start };
    const operator = node.BoolExpr.boolop === 'AND_EXPR' ? 'AND' : 'OR';
    // `a AND (b AND c)` is `a AND b AND c`: the same operands, looked at in the same order.
    const flat = operands.flatMap((operand) =>
      operand.kind === 'junction' && operand.operator === operator ? operand.operands : [operand],
    );
    return { kind: 'junction', operator, operands: flat, start };
  }
  if ('NullTest' in node) {
    const [operand] = all([node.NullTest.arg], context) as [Tree];
    return { kind: 'test', test: 'NULL', negated: node.NullTest.nulltesttype === 'IS_NOT_NULL', operand, start };
  }
  if ('BooleanTest' in node) {
    const operands = all([node.BooleanTest.arg], context) as [Tree];
    const test = /^IS_(NOT_)?(TRUE|FALSE)$/.exec(node.BooleanTest.booltesttype ?? '');
    if (test === null) return foreignOf('IS UNKNOWN', start, operands, 'IS NULL');
    return { kind: 'test', test: test[2] as 'TRUE', negated: test[1] !== undefined, operand: operands[0], start };
  }
  if ('CoalesceExpr' in node) {
    return { kind: 'call', name: 'coalesce', args: all(node.CoalesceExpr.args, context), start };
  }
  if ('MinMaxExpr' in node) {
    const name = node.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest';
    return { kind: 'call', name, args: all(node.MinMaxExpr.args, context), start };
  }
  return foreignNode(node, start, context);
}

function constant(node: A_Const, start: number, context: Translation): Tree {
  if (node.isnull === true) return { kind: 'constant', value: null, start };
  if (node.boolval !== undefined) return { kind: 'constant', value: node.boolval.boolval === true, start };
  const written = context.text.slice(start);
  if (node.sval !== undefined) {
    if (!written.startsWith("'")) return foreignOf('a string with a prefix or in dollar signs', start, [], "'text'");
    return { kind: 'constant', value: node.sval.sval ?? '', start };
  }
  if (node.ival === undefined && node.fval === undefined) return foreignOf('a bit string', start, []);
  const digits = node.fval?.fval ?? String(node.ival?.ival ?? 0);
  // A sign before the digits belongs to the literal, white space and comments between them included.
  const unsigned = /[0-9.][\w.]*/.exec(written)?.[0] ?? '';
  if (/^0[xob]|_/i.test(unsigned)) return foreignOf(`the number ${unsigned}`, start, [], 'decimal digits');
  return { kind: 'number', digits, start };
}

function column(node: ColumnRef, start: number, context: Translation): Tree {
  const name = node.fields?.length === 1 ? identifierAt(context.text, start) : null;
  if (name !== null) return { kind: 'column', name, start };
  return foreignOf('a qualified name', start, [], 'the name of a column, alone');
}

/** A sign before a literal is part of it, as the library has it wherever nothing but parentheses is between them. */
function signOf(operator: '-' | '+', operand: Tree, start: number): Tree {
  if (operand.kind !== 'number') return { kind: 'sign', operator, operand, start };
  if (operator === '+') return operand;
  const { digits } = operand;
  return { kind: 'number', digits: digits.startsWith('-') ? digits.slice(1) : `-${digits}`, start };
}

const OPERATORS: ReadonlyMap<string, BinaryOperator> = new Map(
  (['+', '-', '*', '/', '%', '||', '=', '<>', '<', '<=', '>', '>='] as const).map((name) => [name, name]),
);

function operation(node: A_Expr, start: number, context: Translation): Tree {
  const names = namesOf(node.name);
  const right = node.rexpr !== undefined && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [node.rexpr];
  if (node.kind === 'AEXPR_LIKE' || node.kind === 'AEXPR_ILIKE' || node.kind === 'AEXPR_SIMILAR') {
    const what = node.kind === 'AEXPR_SIMILAR' ? 'SIMILAR TO' : node.kind.slice('AEXPR_'.length);
    return foreignOf(`the pattern operator ${what}`, start, [], 'starts_with, ends_with or contains');
  }
  const operands = all([node.lexpr, ...right], context);
  const [first, second, third] = operands;
  const operator = names.length === 1 ? (names[0] as string) : '';
  if (node.kind === 'AEXPR_OP' && first !== undefined) {
    const known = OPERATORS.get(operator);
    if (second === undefined && (operator === '-' || operator === '+')) {
      return signOf(operator, first, start);
    }
    if (second !== undefined && known !== undefined) {
      return { kind: 'binary', operator: known, left: first, right: second, start };
    }
  }
  if (first === undefined || second === undefined) return foreignOperator(names, start, operands);
  switch (node.kind) {
    case 'AEXPR_DISTINCT':
      return { kind: 'binary', operator: 'IS DISTINCT FROM', left: first, right: second, start };
    case 'AEXPR_NOT_DISTINCT':
      return { kind: 'binary', operator: 'IS NOT DISTINCT FROM', left: first, right: second, start };
    case 'AEXPR_NULLIF':
      return { kind: 'call', name: 'nullif', args: operands, start };
    case 'AEXPR_IN':
      return { kind: 'in', negated: operator === '<>', operand: first, members: operands.slice(1), start };
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
      return {
        kind: 'between',
        negated: node.kind === 'AEXPR_NOT_BETWEEN',
        operand: first,
        low: second,
        high: third ?? second,
        start,
      };
    default:
      return foreignOperator(names, start, operands);
  }
}

/** Names of SQL's own syntax for functions (`trim(BOTH ' ' FROM x)`), by the name that the library gives them. */
const SYNTAX_NAMES: ReadonlyMap<string, string> = new Map([
  ['btrim', 'trim'],
  ['ltrim', 'ltrim'],
  ['rtrim', 'rtrim'],
  ['substring', 'substring'],
]);

function call(node: FuncCall, start: number, context: Translation): Tree {
  const args = all(node.args, context);
  const [first, second, ...more] = namesOf(node.funcname);
  if (node.agg_star || node.agg_distinct || node.agg_filter || node.agg_order || node.agg_within_group || node.over) {
    return foreignOf('an aggregate or window call', start, args, 'a feature with agg and windows');
  }
  if (node.func_variadic) return foreignOf('VARIADIC', start, args);
  if (node.funcformat === 'COERCE_SQL_SYNTAX') {
    const name = SYNTAX_NAMES.get(second ?? '');
    if (name !== undefined) return { kind: 'call', name, args, start };
    return foreignOf(`the syntax of ${second === 'timezone' ? 'AT TIME ZONE' : second}`, start, args);
  }
  if (second !== undefined || more.length > 0) return foreignOf('a qualified function name', start, args);
  return callOf(first as string, args, start);
}

function cast(node: TypeCast, start: number, context: Translation): Tree {
  const operands = all([node.arg], context) as [Tree];
  const { names, arrayBounds, typmods, setof: set, pct_type: ofColumn } = node.typeName ?? {};
  const [first, second, ...more] = namesOf(names);
  const place = context.placeOf(node.typeName?.location ?? 0);
  if (
    arrayBounds ||
    typmods ||
    set ||
    ofColumn ||
    more.length > 0 ||
    (second !== undefined && first !== 'pg_catalog')
  ) {
    return foreignOf('a type with brackets or parentheses', place, operands, 'a scalar type such as double');
  }
  return { kind: 'cast', operand: operands[0], typeName: second ?? (first as string), start };
}

function caseOf(node: CaseExpr, start: number, context: Translation): Tree {
  const subject = node.arg === undefined ? null : translateNode(node.arg, context);
  const branches = (node.args ?? []).flatMap((each) => {
    const [when, then] = 'CaseWhen' in each ? all([each.CaseWhen.expr, each.CaseWhen.result], context) : [];
    return when === undefined || then === undefined ? [] : [{ when, then }];
  });
  const otherwise = node.defresult === undefined ? null : translateNode(node.defresult, context);
  return { kind: 'case', subject, branches, otherwise, start };
}

function foreignNode(node: Node, start: number, context: Translation): Tree {
  if ('SubLink' in node) return foreignOf('a subquery', start, []);
  if ('SQLValueFunction' in node) {
    const word = identifierAt(context.text, start) ?? '';
    return foreignOf(`the value ${word}`, start, [], `as_of for the time; "${word}" for a column of that name`);
  }
  if ('ParamRef' in node) return foreignOf('a parameter', start, []);
  if ('A_ArrayExpr' in node || 'A_Indirection' in node) return foreignOf('an array or a member of one', start, []);
  if ('RowExpr' in node) return foreignOf('a list outside IN', start, []);
  if ('CollateClause' in node) return foreignOf('COLLATE', start, all([node.CollateClause.arg], context));
  if ('NamedArgExpr' in node) return foreignOf('a named argument', start, all([node.NamedArgExpr.arg], context));
  return foreignOf('this construct', start, []);
}
