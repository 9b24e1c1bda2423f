/** Functions of numbers. Results that are not finite are errors; a logarithm or root outside its domain is one too. */
import type { ValueType } from '../core/value.ts';
import { EvaluationError } from './evaluation-error.ts';
import { type FunctionRule, rule } from './function-rule.ts';
import { finite } from './operators.ts';
import { DOUBLE, INT, type Typed, kindOf } from './typed.ts';

/** int stays int; a double stays double. */
function sameAsFirst(args: readonly Typed[]): ValueType {
  return args[0] !== undefined && kindOf(args[0]) === 'int' ? INT : DOUBLE;
}

function within(domain: boolean, call: string): void {
  if (!domain) throw new EvaluationError(`${call} is outside the function's domain`);
}

function ln(value: number): number {
  within(value > 0, `ln(${value})`);
  return finite(Math.log(value));
}

function log10(value: number): number {
  within(value > 0, `log10(${value})`);
  return finite(Math.log10(value));
}

function log2(value: number): number {
  within(value > 0, `log2(${value})`);
  return finite(Math.log2(value));
}

function sqrt(value: number): number {
  within(value >= 0, `sqrt(${value})`);
  return finite(Math.sqrt(value));
}

function power(base: number, exponent: number): number {
  return finite(base ** exponent);
}

/** Halves away from zero; digits beyond what a double holds change nothing. */
function round(value: number, digits = 0): number {
  const scale = 10 ** Math.abs(digits);
  const scaled = digits >= 0 ? Math.abs(value) * scale : Math.abs(value) / scale;
  if (!Number.isFinite(scaled) || !Number.isFinite(scale)) return digits >= 0 ? value : 0;
  const rounded = Math.round(scaled);
  return finite(Math.sign(value) * (digits >= 0 ? rounded / scale : rounded * scale));
}

export const NUMBER_FUNCTIONS: readonly FunctionRule[] = [
  rule('abs', ['number'], sameAsFirst, Math.abs, 'The value without its sign.'),
  rule('sign', ['number'], INT, (value: number) => (value === 0 ? 0 : Math.sign(value)), '−1, 0 or 1.'),
  rule(
    'floor',
    ['number'],
    sameAsFirst,
    (value: number) => finite(Math.floor(value)),
    'The greatest whole number not above.',
  ),
  rule(
    'ceil',
    ['number'],
    sameAsFirst,
    (value: number) => finite(Math.ceil(value)),
    'The least whole number not below.',
  ),
  rule(
    'trunc',
    ['number'],
    sameAsFirst,
    (value: number) => finite(Math.trunc(value)),
    'Without the digits after the point.',
  ),
  rule(
    'round',
    ['number', 'whole constant'],
    sameAsFirst,
    round,
    'To that many digits after the point (0), halves away from zero.',
    {
      optional: 1,
    },
  ),
  rule('sqrt', ['number'], DOUBLE, sqrt, 'The square root.'),
  rule('exp', ['number'], DOUBLE, (value: number) => finite(Math.exp(value)), 'e to that power.'),
  rule('ln', ['number'], DOUBLE, ln, 'The natural logarithm.'),
  rule('log2', ['number'], DOUBLE, log2, 'The logarithm to base 2.'),
  rule('log10', ['number'], DOUBLE, log10, 'The logarithm to base 10.'),
  rule('power', ['number', 'number'], DOUBLE, power, 'The first to the power of the second.'),
];
