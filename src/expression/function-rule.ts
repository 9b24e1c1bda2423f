/** What the table of functions says of each function. */
import type { Value, ValueType } from '../core/value.ts';
import type { Typed } from './typed.ts';

/**
 * `number`: int or double. `zone`: a literal IANA time zone. `whole constant`: an integer literal. Everything else is
 * the type of that name.
 */
export type ParameterKind = 'number' | 'int' | 'string' | 'timestamp' | 'zone' | 'whole constant';

/** Called with the arguments' values, in order. */
export type Apply = (...values: never[]) => Value;

export interface FunctionRule {
  readonly name: string;
  readonly parameters: readonly ParameterKind[];
  /** How many of them, from the end, may be left out. */
  readonly optional: number;
  /** The last parameter may be repeated. */
  readonly variadic: boolean;
  /** For the documentation, where it depends on the arguments. */
  readonly resultText: string;
  readonly result: (args: readonly Typed[]) => ValueType;
  /** Null arguments are given as null instead of making the result null. */
  readonly takesNulls: boolean;
  /** What to call; constants may be looked at, and refused by `CheckFault`, once here. */
  readonly compile: (args: readonly Typed[]) => Apply;
  /** One sentence for the documentation. */
  readonly about: string;
}

/** A rule with the usual answers, which `more` overrides. */
export function rule(
  name: string,
  parameters: readonly ParameterKind[],
  result: ValueType,
  apply: Apply,
  about: string,
  more: Partial<FunctionRule> = {},
): FunctionRule {
  return {
    name,
    parameters,
    optional: 0,
    variadic: false,
    resultText: result.kind,
    result: () => result,
    takesNulls: false,
    compile: () => apply,
    about,
    ...more,
  };
}
