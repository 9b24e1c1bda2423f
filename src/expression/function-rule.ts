/** What the table of functions says of each function. */
import type { Value, ValueType } from '../core/value.ts';
import type { Typed } from './typed.ts';

/**
 * `number`: int or double. `zone`: a literal IANA time zone. `whole constant`: an integer literal. Everything else is
 * the type of that name.
 */
export type ParameterKind = 'number' | 'int' | 'string' | 'timestamp' | 'zone' | 'whole constant';

export interface FunctionRule {
  readonly name: string;
  readonly parameters: readonly ParameterKind[];
  /** How many of them, from the end, may be left out. */
  readonly optional: number;
  /** The last parameter may be repeated. */
  readonly variadic: boolean;
  readonly result: (args: readonly Typed[]) => ValueType;
  /** True where the result can be null although no argument is. */
  readonly nullable: boolean;
  /** Null arguments are skipped (given as null) instead of making the result null. */
  readonly skipsNulls: boolean;
  /** Answers what to call with the arguments' values, in order; constants may be looked at once here. */
  readonly compile: (args: readonly Typed[]) => (values: readonly Value[]) => Value;
  /** One sentence for the documentation. */
  readonly about: string;
}

/** A rule with the usual answers, which `more` overrides. */
export function rule(
  name: string,
  parameters: readonly ParameterKind[],
  result: ValueType | ((args: readonly Typed[]) => ValueType),
  apply: (...values: never[]) => Value,
  about: string,
  more: Partial<FunctionRule> = {},
): FunctionRule {
  const call = apply as (...values: readonly Value[]) => Value;
  return {
    name,
    parameters,
    optional: 0,
    variadic: false,
    result: typeof result === 'function' ? result : () => result,
    nullable: false,
    skipsNulls: false,
    compile: () => (values) => call(...values),
    about,
    ...more,
  };
}
