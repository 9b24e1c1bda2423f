/** CASE, COALESCE, NULLIF, IN, BETWEEN, LEAST and GREATEST: what chooses between values instead of computing one. */
import type { Value, ValueType } from '../core/value.ts';
import { formatType } from '../core/value.ts';
import type { Evaluator } from './expression.ts';
import { comparatorOf, comparison, junction, not } from './operators.ts';
import { BOOL, CheckFault, type Typed, commonType, kindOf, typed, widened } from './typed.ts';

export interface Branch {
  readonly when: Typed;
  readonly then: Typed;
}

function unified(parts: readonly Typed[], what: string, start: number): ValueType | null {
  const type = commonType(parts);
  if (type !== undefined) return type;
  const found = parts.map((part) => (part.type === null ? 'NULL' : formatType(part.type, part.nullable))).join(', ');
  throw new CheckFault(start, `${what} needs values of one type`, { found, suggestion: 'CAST them to one type' });
}

function result(
  type: ValueType | null,
  nullable: boolean,
  start: number,
  canonical: string,
  evaluate: Evaluator,
): Typed {
  return type === null
    ? typed({ type: null, nullable: true }, start, canonical, evaluate)
    : typed({ type, nullable }, start, canonical, evaluate);
}

/** A searched CASE; a simple one arrives with `value = …` already made into conditions. */
export function caseWhen(branches: readonly Branch[], otherwise: Typed | null, start: number): Typed {
  for (const { when } of branches) {
    if (kindOf(when) !== 'bool' && kindOf(when) !== 'null')
      throw new CheckFault(when.start, 'WHEN takes a condition', { expected: 'bool' });
  }
  const outcomes = [...branches.map((branch) => branch.then), ...(otherwise === null ? [] : [otherwise])];
  const type = unified(outcomes, 'CASE', start);
  const whens = branches.map((branch) => branch.when.evaluate);
  const thens = branches.map((branch) => widened(branch.then, type));
  const last = otherwise === null ? null : widened(otherwise, type);
  const evaluate: Evaluator = (row) => {
    for (let index = 0; index < whens.length; index++) {
      if ((whens[index] as Evaluator)(row) === true) return (thens[index] as Evaluator)(row);
    }
    return last === null ? null : last(row);
  };
  const arms = branches.map(({ when, then }) => `WHEN ${when.canonical} THEN ${then.canonical}`).join(' ');
  const tail = otherwise === null ? '' : ` ELSE ${otherwise.canonical}`;
  const nullable = otherwise === null || outcomes.some((outcome) => outcome.nullable);
  return result(type, nullable, start, `(CASE ${arms}${tail} END)`, evaluate);
}

export function coalesce(parts: readonly Typed[], start: number): Typed {
  const type = unified(parts, 'COALESCE', start);
  const evaluators = parts.map((part) => widened(part, type));
  const evaluate: Evaluator = (row) => {
    for (const each of evaluators) {
      const value = each(row);
      if (value !== null) return value;
    }
    return null;
  };
  const nullable = parts.every((part) => part.nullable);
  return result(type, nullable, start, `coalesce(${parts.map((part) => part.canonical).join(', ')})`, evaluate);
}

/** Null where both are equal, else the first. */
export function nullIf(left: Typed, right: Typed, start: number): Typed {
  const compare = comparatorOf(left, right, start);
  const evaluate: Evaluator = (row) => {
    const value = left.evaluate(row);
    if (value === null) return null;
    const other = right.evaluate(row);
    return other !== null && compare(value, other) === 0 ? null : value;
  };
  return result(left.type, true, start, `nullif(${left.canonical}, ${right.canonical})`, evaluate);
}

/** `value [NOT] IN (list)`: null where no member is equal and a member, or the value, is null. */
export function isIn(value: Typed, members: readonly Typed[], negated: boolean, start: number): Typed {
  const compares = members.map((member) => comparatorOf(value, member, member.start));
  const evaluators = members.map((member) => member.evaluate);
  const evaluate: Evaluator = (row) => {
    const wanted = value.evaluate(row);
    if (wanted === null) return null;
    let sawNull = false;
    for (let index = 0; index < evaluators.length; index++) {
      const member = (evaluators[index] as Evaluator)(row);
      if (member === null) sawNull = true;
      else if ((compares[index] as (left: Value, right: Value) => number)(wanted, member) === 0) return !negated;
    }
    return sawNull ? null : negated;
  };
  const nullable = value.nullable || members.some((member) => member.nullable);
  const list = members.map((member) => member.canonical).join(', ');
  return typed(
    { type: BOOL, nullable },
    start,
    `(${value.canonical} ${negated ? 'NOT IN' : 'IN'} (${list}))`,
    evaluate,
  );
}

/** `value BETWEEN low AND high` is `value >= low AND value <= high`. */
export function isBetween(value: Typed, low: Typed, high: Typed, negated: boolean, start: number): Typed {
  const within = junction(
    'AND',
    comparison('>=', value, low, low.start),
    comparison('<=', value, high, high.start),
    start,
  );
  return negated ? not(within, start) : within;
}

/** LEAST and GREATEST skip nulls; null only when all are. */
export function extremum(name: 'least' | 'greatest', parts: readonly Typed[], start: number): Typed {
  const type = unified(parts, name.toUpperCase(), start);
  const first = parts[0] as Typed;
  for (const part of parts) comparatorOf(part, first, part.start);
  const ordered = parts.find((part) => part.type !== null) ?? first;
  const compare = comparatorOf(ordered, ordered, start);
  const evaluators = parts.map((part) => widened(part, type));
  const sign = name === 'least' ? -1 : 1;
  const evaluate: Evaluator = (row) => {
    let best: Value = null;
    for (const each of evaluators) {
      const value = each(row);
      if (value !== null && (best === null || compare(value, best) * sign > 0)) best = value;
    }
    return best;
  };
  const nullable = parts.every((part) => part.nullable);
  return result(type, nullable, start, `${name}(${parts.map((part) => part.canonical).join(', ')})`, evaluate);
}
