/** `= <> < <= > >=` and IS [NOT] DISTINCT FROM. Numbers of any type compare by their exact values. */
import { compareText } from '../core/text.ts';
import type { Value } from '../core/value.ts';
import type { Evaluator } from './expression.ts';
import type { ComparisonOperator, DistinctOperator } from './tree.ts';
import { anyNullable, BOOL, CheckFault, describe, isNumeric, kindOf, type Typed, typed } from './typed.ts';

/** Negative, zero or positive; neither value is null. */
export type Comparator = (left: Value, right: Value) => number;

/** JavaScript compares a number with a bigint exactly: neither is rounded to the other's type. */
function compareNumbers(left: Value, right: Value): number {
  if ((left as number) < (right as number)) return -1;
  return (left as number) > (right as number) ? 1 : 0;
}

function compareBooleans(left: Value, right: Value): number {
  return Number(left) - Number(right);
}

/** How two operands compare, or a fault: numbers of any type with each other, everything else with its own type. */
export function comparatorOf(left: Typed, right: Typed, start: number): Comparator {
  const one = kindOf(left) === 'null' ? kindOf(right) : kindOf(left);
  const other = kindOf(right) === 'null' ? one : kindOf(right);
  const mixed = isNumeric(one) && isNumeric(other);
  if (one === 'other' || other === 'other' || (one !== other && !mixed)) {
    throw new CheckFault(start, `${describe(left)} and ${describe(right)} cannot be compared`, hintFor([one, other]));
  }
  if (one === 'string') return compareText as Comparator;
  return one === 'bool' ? compareBooleans : compareNumbers;
}

function hintFor(kinds: readonly string[]): { readonly suggestion?: string } {
  if (!kinds.includes('string')) return {};
  if (kinds.includes('timestamp')) return { suggestion: 'CAST the string AS timestamp' };
  return kinds.some((kind) => ['int', 'int64', 'double', 'bool'].includes(kind))
    ? { suggestion: 'write a number without quotes, or CAST one of them' }
    : {};
}

type Combine = (left: Evaluator, right: Evaluator) => Evaluator;

/** For operands that are both numbers in memory; each written out, as in arithmetic.ts. */
const NUMBER_COMPARISONS: Readonly<Record<ComparisonOperator, Combine>> = {
  '=': (left, right) => (row) => {
    const one = left(row);
    const other = right(row);
    return one === null || other === null ? null : one === other;
  },
  '<>': (left, right) => (row) => {
    const one = left(row);
    const other = right(row);
    return one === null || other === null ? null : one !== other;
  },
  '<': (left, right) => (row) => {
    const one = left(row);
    const other = right(row);
    return one === null || other === null ? null : (one as number) < (other as number);
  },
  '<=': (left, right) => (row) => {
    const one = left(row);
    const other = right(row);
    return one === null || other === null ? null : (one as number) <= (other as number);
  },
  '>': (left, right) => (row) => {
    const one = left(row);
    const other = right(row);
    return one === null || other === null ? null : (one as number) > (other as number);
  },
  '>=': (left, right) => (row) => {
    const one = left(row);
    const other = right(row);
    return one === null || other === null ? null : (one as number) >= (other as number);
  },
};

const ORDER_TESTS: Readonly<Record<ComparisonOperator, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** Types whose values are equal exactly when `===` says so, given both have the same. */
const IDENTICAL_WHEN_EQUAL = new Set(['string', 'bool', 'int64']);
const NUMBERS_IN_MEMORY = new Set(['int', 'double', 'timestamp']);

export function comparison(operator: ComparisonOperator, left: Typed, right: Typed, start: number): Typed {
  const comparator = comparatorOf(left, right, start);
  return typed(BOOL, anyNullable([left, right]), start, compareClosure(operator, left, right, comparator));
}

function compareClosure(operator: ComparisonOperator, left: Typed, right: Typed, comparator: Comparator): Evaluator {
  const kinds = [kindOf(left), kindOf(right)];
  const equality = operator === '=' || operator === '<>';
  const byIdentity = equality && kinds[0] === kinds[1] && IDENTICAL_WHEN_EQUAL.has(kinds[0] ?? '');
  if (byIdentity || kinds.every((kind) => NUMBERS_IN_MEMORY.has(kind))) {
    return NUMBER_COMPARISONS[operator](left.evaluate, right.evaluate);
  }
  const test = ORDER_TESTS[operator];
  const [first, second] = [left.evaluate, right.evaluate];
  return (row) => {
    const one = first(row);
    const other = second(row);
    return one === null || other === null ? null : test(comparator(one, other));
  };
}

/** Like `<>` and `=`, but null equals null and the result is never null. */
export function distinct(operator: DistinctOperator, left: Typed, right: Typed, start: number): Typed {
  const comparator = comparatorOf(left, right, start);
  const wanted = operator === 'IS DISTINCT FROM';
  const [first, second] = [left.evaluate, right.evaluate];
  return typed(BOOL, false, start, (row) => {
    const one = first(row);
    const other = second(row);
    const same = one === null || other === null ? one === other : comparator(one, other) === 0;
    return same !== wanted;
  });
}
