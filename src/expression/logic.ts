/** AND, OR, NOT and IS tests, in SQL's three-valued logic. */
import type { Evaluator } from './expression.ts';
import { anyNullable, BOOL, CheckFault, describe, kindOf, type Typed, typed } from './typed.ts';

export function checkCondition(what: string, part: Typed): void {
  const kind = kindOf(part);
  if (kind === 'bool' || kind === 'null') return;
  throw new CheckFault(part.start, `${what} takes conditions`, { expected: 'bool', found: describe(part) });
}

/** From left to right until an operand decides (false for AND, true for OR), even after a null; the rest is not evaluated. */
export function junction(operator: 'AND' | 'OR', operands: readonly Typed[], start: number): Typed {
  for (const operand of operands) checkCondition(operator, operand);
  const deciding = operator === 'OR';
  const evaluators = operands.map((operand) => operand.evaluate);
  const [first, second] = evaluators as [Evaluator, Evaluator];
  const ofTwo: Evaluator = (row) => {
    const one = first(row);
    if (one === deciding) return deciding;
    const other = second(row);
    if (other === deciding) return deciding;
    return one === null || other === null ? null : !deciding;
  };
  const ofMany: Evaluator = (row) => {
    let sawNull = false;
    for (const evaluate of evaluators) {
      const value = evaluate(row);
      if (value === deciding) return deciding;
      if (value === null) sawNull = true;
    }
    return sawNull ? null : !deciding;
  };
  return typed(BOOL, anyNullable(operands), start, operands.length === 2 ? ofTwo : ofMany);
}

export function not(operand: Typed, start: number): Typed {
  checkCondition('NOT', operand);
  const { evaluate, nullable } = operand;
  return typed(BOOL, nullable, start, (row) => {
    const value = evaluate(row);
    return value === null ? null : value !== true;
  });
}

/** `IS [NOT] NULL|TRUE|FALSE`: never null itself. */
export function isTest(test: 'NULL' | 'TRUE' | 'FALSE', negated: boolean, operand: Typed, start: number): Typed {
  if (test !== 'NULL') checkCondition(`IS ${test}`, operand);
  const wanted = test === 'NULL' ? null : test === 'TRUE';
  const { evaluate } = operand;
  return typed(BOOL, false, start, (row) => (evaluate(row) === wanted) !== negated);
}
