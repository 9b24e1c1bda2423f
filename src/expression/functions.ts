/** The one table of functions: pure, of their arguments alone. */
import type { Value } from '../core/value.ts';
import { localClock } from './calendar.ts';
import type { Evaluator } from './expression.ts';
import type { FunctionRule } from './function-rule.ts';
import { NUMBER_FUNCTIONS } from './functions-number.ts';
import { PLACE_FUNCTIONS } from './functions-place.ts';
import { TEXT_FUNCTIONS } from './functions-text.ts';
import { TIME_FUNCTIONS } from './functions-time.ts';
import { anyNullable, CheckFault, describe, kindOf, type Typed, typed } from './typed.ts';

export const FUNCTIONS: ReadonlyMap<string, FunctionRule> = new Map(
  [...NUMBER_FUNCTIONS, ...TEXT_FUNCTIONS, ...TIME_FUNCTIONS, ...PLACE_FUNCTIONS].map((rule) => [rule.name, rule]),
);

/** `round(number[, whole constant])`. */
export function signatureOf({ name, parameters, optional, variadic }: FunctionRule): string {
  const required = parameters.slice(0, parameters.length - optional).join(', ');
  const extra = parameters.slice(parameters.length - optional).map((parameter) => `[, ${parameter}]`);
  return `${name}(${required}${extra.join('')}${variadic ? ', …' : ''})`;
}

/** A checked call of a function of the table. */
export function call(rule: FunctionRule, args: readonly Typed[], start: number): Typed {
  const least = rule.parameters.length - rule.optional;
  if (args.length < least || (args.length > rule.parameters.length && !rule.variadic)) {
    throw new CheckFault(start, `${rule.name} is called with ${args.length} arguments`, {
      expected: signatureOf(rule),
    });
  }
  for (const [index, arg] of args.entries()) checkArgument(rule, index, arg);
  const apply = rule.compile(args) as (...values: readonly Value[]) => Value;
  const nullable = !rule.takesNulls && anyNullable(args);
  return typed(rule.result(args), nullable, start, closureOf(rule, args, apply));
}

/** Every argument is evaluated before any null among them decides. */
function closureOf(
  rule: FunctionRule,
  args: readonly Typed[],
  apply: (...values: readonly Value[]) => Value,
): Evaluator {
  const evaluators = args.map((arg) => arg.evaluate);
  const [first, second] = evaluators as [Evaluator, Evaluator];
  if (evaluators.length === 1 && !rule.takesNulls) {
    return (row) => {
      const value = first(row);
      return value === null ? null : apply(value);
    };
  }
  if (evaluators.length === 2 && !rule.takesNulls) {
    return (row) => {
      const one = first(row);
      const other = second(row);
      return one === null || other === null ? null : apply(one, other);
    };
  }
  return (row) => {
    const values = evaluators.map((evaluate) => evaluate(row));
    return !rule.takesNulls && values.includes(null) ? null : apply(...values);
  };
}

function checkArgument(rule: FunctionRule, index: number, arg: Typed): void {
  const expected = rule.parameters[Math.min(index, rule.parameters.length - 1)];
  const kind = kindOf(arg);
  let fits = kind === 'null' || kind === expected;
  if (expected === 'number') fits ||= kind === 'int' || kind === 'double';
  else if (expected === 'whole constant') fits = kind === 'int' && arg.constant !== undefined;
  else if (expected === 'zone') fits = typeof arg.constant === 'string' && localClock(arg.constant) !== null;
  if (fits) return;
  const wide = expected === 'number' || expected === 'int' ? kind === 'int64' : false;
  throw new CheckFault(arg.start, `argument ${index + 1} of ${rule.name} does not fit`, {
    expected: expected === 'zone' ? "a time zone such as 'America/New_York'" : (expected ?? ''),
    found: expected === 'zone' && typeof arg.constant === 'string' ? `'${arg.constant}'` : describe(arg),
    ...(wide ? { suggestion: expected === 'int' ? 'CAST it AS int' : 'CAST it AS double' } : {}),
    ...(expected === 'string' && kind !== 'other' ? { suggestion: 'CAST it AS string' } : {}),
  });
}
