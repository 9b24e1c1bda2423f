/** The one table of functions: pure, of their arguments alone. */
import type { Value } from '../core/value.ts';
import type { FunctionRule } from './function-rule.ts';
import { NUMBER_FUNCTIONS } from './functions-number.ts';
import { PLACE_FUNCTIONS } from './functions-place.ts';
import { TEXT_FUNCTIONS } from './functions-text.ts';
import { TIME_FUNCTIONS } from './functions-time.ts';
import type { Evaluator } from './expression.ts';
import { CheckFault, type Typed, kindOf, typed } from './typed.ts';
import { formatType } from '../core/value.ts';
import { localClock } from './calendar.ts';

export const FUNCTIONS: ReadonlyMap<string, FunctionRule> = new Map(
  [...NUMBER_FUNCTIONS, ...TEXT_FUNCTIONS, ...TIME_FUNCTIONS, ...PLACE_FUNCTIONS].map((rule) => [rule.name, rule]),
);

/** `round(number[, whole constant])`. */
export function signatureOf({ name, parameters, optional, variadic }: FunctionRule): string {
  const required = parameters.slice(0, parameters.length - optional).join(', ');
  const extra = parameters
    .slice(parameters.length - optional)
    .map((parameter, index) => `[${required === '' && index === 0 ? '' : ', '}${parameter}]`)
    .join('');
  return `${name}(${required}${extra}${variadic ? ', …' : ''})`;
}

/** A checked call; `name` is in the table. */
export function call(rule: FunctionRule, args: readonly Typed[], start: number): Typed {
  const least = rule.parameters.length - rule.optional;
  if (args.length < least || (args.length > rule.parameters.length && !rule.variadic)) {
    throw new CheckFault(start, `${rule.name} is called with ${args.length} arguments`, {
      expected: signatureOf(rule),
    });
  }
  for (const [index, arg] of args.entries()) checkArgument(rule, index, arg);
  const apply = rule.compile(args);
  const nullable = rule.nullable || (!rule.skipsNulls && args.some((arg) => arg.nullable));
  const canonical = `${rule.name}(${args.map((arg) => arg.canonical).join(', ')})`;
  return typed({ type: rule.result(args), nullable }, start, canonical, caller(rule, args, apply));
}

function caller(rule: FunctionRule, args: readonly Typed[], apply: (values: readonly Value[]) => Value): Evaluator {
  const evaluators = args.map((arg) => arg.evaluate);
  const { skipsNulls } = rule;
  return (row) => {
    const values: Value[] = [];
    for (const each of evaluators) {
      const value = each(row);
      if (value === null && !skipsNulls) return null;
      values.push(value);
    }
    return apply(values);
  };
}

function checkArgument(rule: FunctionRule, index: number, arg: Typed): void {
  const expected = rule.parameters[Math.min(index, rule.parameters.length - 1)];
  const kind = kindOf(arg);
  let fits = kind === 'null';
  if (expected === 'number') fits ||= kind === 'int' || kind === 'double';
  else if (expected === 'whole constant') fits = kind === 'int' && arg.constant !== undefined;
  else if (expected === 'zone') fits = typeof arg.constant === 'string' && localClock(arg.constant) !== null;
  else fits ||= kind === expected;
  if (fits) return;
  throw new CheckFault(arg.start, `argument ${index + 1} of ${rule.name} does not fit`, {
    expected: expected === 'zone' ? "a time zone such as 'America/New_York'" : (expected ?? ''),
    found: arg.type === null ? 'NULL' : formatType(arg.type, arg.nullable),
    ...(expected === 'number' && kind === 'int64' ? { suggestion: 'CAST it AS double' } : {}),
  });
}
