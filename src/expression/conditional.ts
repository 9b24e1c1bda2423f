/** CASE, COALESCE, NULLIF, IN, BETWEEN, LEAST and GREATEST: what chooses between values instead of computing one. */
import type { Value, ValueType } from '../core/value.ts';
import { type Comparator, comparatorOf } from './comparison.ts';
import type { Evaluator } from './expression.ts';
import { checkCondition } from './logic.ts';
import { anyNullable, BOOL, CheckFault, commonType, describe, kindOf, type Typed, typed, widened } from './typed.ts';

export interface Branch {
  readonly when: Typed;
  readonly then: Typed;
}

function unified(parts: readonly Typed[], what: string, start: number): ValueType | null {
  const type = commonType(parts);
  if (type !== undefined) return type;
  throw new CheckFault(start, `${what} needs values of one type`, {
    found: parts.map(describe).join(', '),
    suggestion: 'CAST them to one type',
  });
}

/** Branches in order, until one holds; only the outcome chosen is evaluated. A subject is evaluated once. */
export function caseWhen(
  subject: Typed | null,
  branches: readonly Branch[],
  otherwise: Typed | null,
  start: number,
): Typed {
  const holds = subject === null ? searched(branches) : matching(subject, branches);
  const outcomes = [...branches.map((branch) => branch.then), ...(otherwise === null ? [] : [otherwise])];
  const type = unified(outcomes, 'CASE', start);
  const thens = branches.map((branch) => widened(branch.then, type));
  const last = otherwise === null ? null : widened(otherwise, type);
  return typed(type, otherwise === null || anyNullable(outcomes), start, (row) => {
    const index = holds(row);
    if (index >= 0) return (thens[index] as Evaluator)(row);
    return last === null ? null : last(row);
  });
}

/** The index of the first branch that holds, or −1. */
type Choice = (row: readonly Value[]) => number;

function searched(branches: readonly Branch[]): Choice {
  for (const { when } of branches) checkCondition('WHEN', when);
  const whens = branches.map((branch) => branch.when.evaluate);
  return (row) => {
    for (let index = 0; index < whens.length; index++) {
      if ((whens[index] as Evaluator)(row) === true) return index;
    }
    return -1;
  };
}

function matching(subject: Typed, branches: readonly Branch[]): Choice {
  const comparators = branches.map(({ when }) => comparatorOf(subject, when, when.start));
  const whens = branches.map((branch) => branch.when.evaluate);
  return (row) => {
    const wanted = subject.evaluate(row);
    for (let index = 0; index < whens.length; index++) {
      const value = (whens[index] as Evaluator)(row);
      if (wanted !== null && value !== null && (comparators[index] as Comparator)(wanted, value) === 0) return index;
    }
    return -1;
  };
}

/** The first that is not null; those after it are not evaluated. */
export function coalesce(parts: readonly Typed[], start: number): Typed {
  const type = unified(parts, 'COALESCE', start);
  const evaluators = parts.map((part) => widened(part, type));
  const nullable = parts.every((part) => part.nullable);
  return typed(type, nullable, start, (row) => {
    for (const evaluate of evaluators) {
      const value = evaluate(row);
      if (value !== null) return value;
    }
    return null;
  });
}

/** Null where both are equal, else the first. */
export function nullIf([left, right]: readonly Typed[], start: number): Typed {
  const [one, other] = [left as Typed, right as Typed];
  const comparator = comparatorOf(one, other, start);
  return typed(one.type, true, start, (row) => {
    const value = one.evaluate(row);
    const unwanted = other.evaluate(row);
    return value !== null && unwanted !== null && comparator(value, unwanted) === 0 ? null : value;
  });
}

/** `operand [NOT] IN (members)`: null where no member is equal and a member, or the operand, is null. */
export function isIn(operand: Typed, members: readonly Typed[], negated: boolean, start: number): Typed {
  const comparators = members.map((member) => comparatorOf(operand, member, member.start));
  const nullable = anyNullable([operand, ...members]);
  const listed = constantsOf(operand, members);
  const { evaluate } = operand;
  if (listed !== null) {
    return typed(BOOL, nullable, start, (row) => {
      const value = evaluate(row);
      return value === null ? null : listed.has(value) !== negated;
    });
  }
  const evaluators = members.map((member) => member.evaluate);
  return typed(BOOL, nullable, start, (row) => {
    const wanted = evaluate(row);
    let sawNull = wanted === null;
    for (let index = 0; index < evaluators.length; index++) {
      const member = (evaluators[index] as Evaluator)(row);
      if (member === null) sawNull = true;
      else if (wanted !== null && (comparators[index] as Comparator)(wanted, member) === 0) return !negated;
    }
    return sawNull ? null : negated;
  });
}

/** All members, where they are constants and held in memory as the operand's values are. */
function constantsOf(operand: Typed, members: readonly Typed[]): ReadonlySet<Value> | null {
  const wide = kindOf(operand) === 'int64';
  const values = new Set<Value>();
  for (const { constant } of members) {
    if (constant === undefined || constant === null || (typeof constant === 'bigint') !== wide) return null;
    values.add(constant);
  }
  return values;
}

/** `operand >= low AND operand <= high`, with all three always evaluated, each once. */
export function isBetween([operand, low, high]: readonly Typed[], negated: boolean, start: number): Typed {
  const [value, least, most] = [operand as Typed, low as Typed, high as Typed];
  const fromLow = comparatorOf(value, least, least.start);
  const toHigh = comparatorOf(value, most, most.start);
  return typed(BOOL, anyNullable([value, least, most]), start, (row) => {
    const middle = value.evaluate(row);
    const bottom = least.evaluate(row);
    const top = most.evaluate(row);
    if (middle === null) return null;
    const above = bottom === null ? null : fromLow(middle, bottom) >= 0;
    const below = top === null ? null : toHigh(middle, top) <= 0;
    if (above === false || below === false) return negated;
    return above === null || below === null ? null : !negated;
  });
}

/** LEAST and GREATEST skip nulls; null only when all are. */
export function extremum(name: 'least' | 'greatest', parts: readonly Typed[], start: number): Typed {
  const type = unified(parts, name.toUpperCase(), start);
  const ordered = parts.find((part) => part.type !== null) ?? parts[0];
  const comparator = ordered === undefined ? () => 0 : comparatorOf(ordered, ordered, start);
  const evaluators = parts.map((part) => widened(part, type));
  const sign = name === 'least' ? -1 : 1;
  const nullable = parts.every((part) => part.nullable);
  return typed(type, nullable, start, (row) => {
    let best: Value = null;
    for (const evaluate of evaluators) {
      const value = evaluate(row);
      if (value !== null && (best === null || comparator(value, best) * sign > 0)) best = value;
    }
    return best;
  });
}
