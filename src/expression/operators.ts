/** Arithmetic, comparison and three-valued logic: each maker checks its operands' types and answers a closure made for them. */
import { compareText } from '../core/text.ts';
import { formatType, type Value } from '../core/value.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { Evaluator } from './expression.ts';
import { BOOL, CheckFault, DOUBLE, INT, INT64, type Typed, isNumeric, kindOf, typed, widened } from './typed.ts';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A double that may be served: finite, and never −0. */
export function finite(value: number): number {
  if (value === 0) return 0;
  if (!Number.isFinite(value)) throw new EvaluationError('the result is not a finite number');
  return value;
}

export function safeInt(value: number): number {
  if (!Number.isSafeInteger(value)) throw new EvaluationError('the result is beyond ±(2^53−1), the range of int');
  return value === 0 ? 0 : value;
}

export function inInt64(value: bigint): bigint {
  if (value < INT64_MIN || value > INT64_MAX) throw new EvaluationError('the result is beyond the range of int64');
  return value;
}

/** A closure that is null when either operand is. */
function strict(left: Evaluator, right: Evaluator, apply: (left: never, right: never) => Value): Evaluator {
  const call = apply as (left: Value, right: Value) => Value;
  return (row) => {
    const one = left(row);
    if (one === null) return null;
    const other = right(row);
    return other === null ? null : call(one, other);
  };
}

function describe(part: Typed): string {
  return part.type === null ? 'NULL' : formatType(part.type, part.nullable);
}

function bothNumeric(operator: string, left: Typed, right: Typed): void {
  for (const part of [left, right]) {
    const kind = kindOf(part);
    if (!isNumeric(kind) && kind !== 'null') {
      throw new CheckFault(part.start, `${operator} takes numbers`, {
        expected: 'int, int64 or double',
        found: describe(part),
      });
    }
  }
  const kinds = [kindOf(left), kindOf(right)];
  if (kinds.includes('int64') && kinds.includes('double')) {
    throw new CheckFault(left.start, `${operator} would mix int64 with double and lose digits`, {
      suggestion: 'CAST the int64 AS double, if its digits do not matter',
    });
  }
}

const INT_OPERATIONS: Readonly<Record<string, (left: number, right: number) => Value>> = {
  '+': (left, right) => safeInt(left + right),
  '-': (left, right) => safeInt(left - right),
  '*': (left, right) => safeInt(left * right),
  '%': (left, right) => (right === 0 ? null : safeInt(left % right)),
};
const DOUBLE_OPERATIONS: Readonly<Record<string, (left: number, right: number) => Value>> = {
  '+': (left, right) => finite(left + right),
  '-': (left, right) => finite(left - right),
  '*': (left, right) => finite(left * right),
  '%': (left, right) => (right === 0 ? null : finite(left % right)),
};
const INT64_OPERATIONS: Readonly<Record<string, (left: bigint, right: bigint) => Value>> = {
  '+': (left, right) => inInt64(left + right),
  '-': (left, right) => inInt64(left - right),
  '*': (left, right) => inInt64(left * right),
  '%': (left, right) => (right === 0n ? null : left % right),
};

/** `+ - * %`. int with int is int, int64 with int or int64 is int64, all else double; out of range is an error. */
export function arithmetic(operator: '+' | '-' | '*' | '%', left: Typed, right: Typed, start: number): Typed {
  const canonical = `(${left.canonical} ${operator} ${right.canonical})`;
  if (operator === '-' && kindOf(left) === 'timestamp' && kindOf(right) === 'timestamp') {
    const result = { type: INT, nullable: left.nullable || right.nullable };
    return typed(
      result,
      start,
      canonical,
      strict(left.evaluate, right.evaluate, (one: number, other: number) => safeInt(one - other)),
    );
  }
  bothNumeric(operator, left, right);
  const kinds = [kindOf(left), kindOf(right)];
  const nullable = left.nullable || right.nullable || operator === '%';
  if (kinds.includes('int64')) {
    const apply = INT64_OPERATIONS[operator] as (left: bigint, right: bigint) => Value;
    return typed(
      { type: INT64, nullable },
      start,
      canonical,
      strict(widened(left, INT64), widened(right, INT64), apply),
    );
  }
  const type = kinds.includes('double') ? DOUBLE : INT;
  const apply = (type === INT ? INT_OPERATIONS : DOUBLE_OPERATIONS)[operator] as (left: number, right: number) => Value;
  return typed({ type, nullable }, start, canonical, strict(left.evaluate, right.evaluate, apply));
}

/** `/`: always double; by zero is null. */
export function division(left: Typed, right: Typed, start: number): Typed {
  bothNumeric('/', left, right);
  const wide = [left, right].find((part) => kindOf(part) === 'int64');
  if (wide !== undefined) {
    throw new CheckFault(wide.start, '/ gives a double and would lose digits of an int64', {
      suggestion: 'CAST the int64 AS double',
    });
  }
  const evaluate = strict(left.evaluate, right.evaluate, (one: number, other: number) =>
    other === 0 ? null : finite(one / other),
  );
  return typed({ type: DOUBLE, nullable: true }, start, `(${left.canonical} / ${right.canonical})`, evaluate);
}

export function negation(operand: Typed, start: number): Typed {
  const kind = kindOf(operand);
  const { evaluate, nullable } = operand;
  if (!isNumeric(kind)) throw new CheckFault(start, '- takes a number', { found: describe(operand) });
  const negate: Evaluator =
    kind === 'int64'
      ? (row) => {
          const value = evaluate(row);
          return value === null ? null : inInt64(-(value as bigint));
        }
      : (row) => {
          const value = evaluate(row);
          return value === null ? null : 0 - (value as number);
        };
  return typed(
    { type: operand.type as NonNullable<Typed['type']>, nullable },
    start,
    `(- ${operand.canonical})`,
    negate,
  );
}

/** Orders two values of comparable types: negative, zero, positive. Mixed number and bigint compare exactly. */
export type Comparator = (left: never, right: never) => number;

function compareNumbers(left: number | bigint, right: number | bigint): number {
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

function compareBooleans(left: boolean, right: boolean): number {
  return Number(left) - Number(right);
}

/** How two operands compare, or a fault: numbers of any kind with each other, everything else with its own type. */
export function comparatorOf(left: Typed, right: Typed, start: number): (left: Value, right: Value) => number {
  const one = kindOf(left) === 'null' ? kindOf(right) : kindOf(left);
  const other = kindOf(right) === 'null' ? one : kindOf(right);
  const mixed = isNumeric(one) && isNumeric(other);
  if (one === 'other' || other === 'other' || (one !== other && !mixed)) {
    const hint = [one, other].includes('timestamp') && [one, other].includes('string');
    throw new CheckFault(
      start,
      `${describe(left)} and ${describe(right)} cannot be compared`,
      hint ? { suggestion: 'CAST the string AS timestamp' } : {},
    );
  }
  let comparator: Comparator = compareNumbers;
  if (one === 'string') comparator = compareText;
  else if (one === 'bool') comparator = compareBooleans;
  return comparator as (left: Value, right: Value) => number;
}

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};
/** For two numbers, or timestamps: without the detour over an order. */
const NUMBER_COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '=': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

export function comparison(
  operator: '=' | '!=' | '<' | '<=' | '>' | '>=',
  left: Typed,
  right: Typed,
  start: number,
): Typed {
  const comparator = comparatorOf(left, right, start);
  const kinds = [kindOf(left), kindOf(right)];
  const plain = kinds.every((kind) => kind === 'int' || kind === 'double' || kind === 'timestamp');
  const test = COMPARISONS[operator] as (order: number) => boolean;
  const apply = plain ? NUMBER_COMPARISONS[operator] : (one: Value, other: Value) => test(comparator(one, other));
  const evaluate = strict(left.evaluate, right.evaluate, apply as (left: never, right: never) => Value);
  return typed(
    { type: BOOL, nullable: left.nullable || right.nullable },
    start,
    `(${left.canonical} ${operator} ${right.canonical})`,
    evaluate,
  );
}

function mustBeBool(operator: string, part: Typed): void {
  const kind = kindOf(part);
  if (kind !== 'bool' && kind !== 'null') {
    throw new CheckFault(part.start, `${operator} takes conditions`, { expected: 'bool', found: describe(part) });
  }
}

/** AND and OR: the deciding operand decides even beside null. */
export function junction(operator: 'AND' | 'OR', left: Typed, right: Typed, start: number): Typed {
  mustBeBool(operator, left);
  mustBeBool(operator, right);
  const deciding = operator === 'OR';
  const [first, second] = [left.evaluate, right.evaluate];
  const evaluate: Evaluator = (row) => {
    const one = first(row);
    if (one === deciding) return deciding;
    const other = second(row);
    if (other === deciding) return deciding;
    return one === null || other === null ? null : !deciding;
  };
  return typed(
    { type: BOOL, nullable: left.nullable || right.nullable },
    start,
    `(${left.canonical} ${operator} ${right.canonical})`,
    evaluate,
  );
}

export function not(operand: Typed, start: number): Typed {
  mustBeBool('NOT', operand);
  const { evaluate, nullable } = operand;
  const negate: Evaluator = (row) => {
    const value = evaluate(row);
    return value === null ? null : value !== true;
  };
  return typed({ type: BOOL, nullable }, start, `(NOT ${operand.canonical})`, negate);
}

/** `IS [NOT] NULL|TRUE|FALSE`: never null itself. */
export function isTest(test: 'NULL' | 'TRUE' | 'FALSE', negated: boolean, operand: Typed, start: number): Typed {
  if (test !== 'NULL') mustBeBool(`IS ${test}`, operand);
  const wanted = test === 'NULL' ? null : test === 'TRUE';
  const { evaluate } = operand;
  const check: Evaluator = (row) => (evaluate(row) === wanted) !== negated;
  return typed(
    { type: BOOL, nullable: false },
    start,
    `(${operand.canonical} IS ${negated ? 'NOT ' : ''}${test})`,
    check,
  );
}

export function concatenation(left: Typed, right: Typed, start: number): Typed {
  for (const part of [left, right]) {
    const kind = kindOf(part);
    if (kind !== 'string' && kind !== 'null') {
      throw new CheckFault(part.start, '|| takes strings', {
        expected: 'string',
        found: describe(part),
        suggestion: 'CAST it AS string',
      });
    }
  }
  const evaluate = strict(left.evaluate, right.evaluate, (one: string, other: string) => one + other);
  return typed(
    { type: { kind: 'string' }, nullable: left.nullable || right.nullable },
    start,
    `(${left.canonical} || ${right.canonical})`,
    evaluate,
  );
}
