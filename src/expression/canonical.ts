/**
 * The one way to write an expression: what fingerprints hash. White space, comments, redundant parentheses, letter case
 * of keywords and spellings of literals, operators, functions and types leave no trace; everything else does.
 */
import { assertNever } from '../core/assert.ts';
import { scalarKindOf } from './cast.ts';
import type { Tree } from './tree.ts';

/** Parses to the same tree again, unless a column is named like a reserved word. */
export function canonicalOf(tree: Tree): string {
  switch (tree.kind) {
    case 'number':
      return canonicalNumber(tree.digits);
    case 'constant':
      if (typeof tree.value === 'string') return `'${tree.value.replaceAll("'", "''")}'`;
      return String(tree.value).toUpperCase();
    case 'column':
      return /^[a-z_][a-z0-9_]*$/.test(tree.name) ? tree.name : `"${tree.name.replaceAll('"', '""')}"`;
    case 'sign':
      return tree.operator === '+' ? canonicalOf(tree.operand) : `- ${operandOf(tree.operand)}`;
    case 'not':
      return `NOT ${operandOf(tree.operand)}`;
    case 'junction':
      return tree.operands.map(operandOf).join(` ${tree.operator} `);
    case 'binary':
      return `${operandOf(tree.left)} ${tree.operator} ${operandOf(tree.right)}`;
    case 'test':
      return `${operandOf(tree.operand)} IS ${negation(tree.negated)}${tree.test}`;
    case 'in':
      return `${operandOf(tree.operand)} ${negation(tree.negated)}IN (${tree.members.map(canonicalOf).join(', ')})`;
    case 'between':
      return `${operandOf(tree.operand)} ${negation(tree.negated)}BETWEEN ${operandOf(tree.low)} AND ${operandOf(tree.high)}`;
    case 'case':
      return canonicalCase(tree);
    case 'cast':
      return `CAST(${canonicalOf(tree.operand)} AS ${scalarKindOf(tree.typeName) ?? tree.typeName})`;
    case 'call':
      return `${tree.name}(${tree.args.map(canonicalOf).join(', ')})`;
    case 'foreign':
      return tree.problem.message;
    default:
      return assertNever(tree);
  }
}

/** In parentheses unless nothing could come between its parts. */
function operandOf(tree: Tree): string {
  const text = canonicalOf(tree);
  switch (tree.kind) {
    case 'sign':
      return tree.operator === '+' ? operandOf(tree.operand) : `(${text})`;
    case 'not':
    case 'junction':
    case 'binary':
    case 'test':
    case 'in':
    case 'between':
      return `(${text})`;
    default:
      return text;
  }
}

function negation(negated: boolean): string {
  return negated ? 'NOT ' : '';
}

/** Digits of a whole number; the shortest digits of a double, always with a point or an exponent. */
function canonicalNumber(digits: string): string {
  if (!/[.eE]/.test(digits)) return String(BigInt(digits));
  const value = Number(digits);
  const text = String(value === 0 ? 0 : value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function canonicalCase({ subject, branches, otherwise }: Extract<Tree, { kind: 'case' }>): string {
  const head = subject === null ? 'CASE' : `CASE ${operandOf(subject)}`;
  const arms = branches.map(({ when, then }) => ` WHEN ${canonicalOf(when)} THEN ${canonicalOf(then)}`).join('');
  const tail = otherwise === null ? '' : ` ELSE ${canonicalOf(otherwise)}`;
  return `${head}${arms}${tail} END`;
}
