/** Functions of numbers. Results that are not finite are errors; a logarithm or root outside its domain is one too. */
import type { ValueType } from '../core/value.ts';
import { EvaluationError } from './evaluation-error.ts';
import { type Apply, type FunctionRule, rule } from './function-rule.ts';
import { finite, safeInt } from './range.ts';
import { DOUBLE, INT, type Typed, kindOf } from './typed.ts';

function isInt(args: readonly Typed[]): boolean {
  return args[0] !== undefined && kindOf(args[0]) === 'int';
}

/** int stays int, a double stays double. */
const SAME_AS_FIRST = {
  resultText: 'as given',
  result: (args: readonly Typed[]): ValueType => (isInt(args) ? INT : DOUBLE),
};

/** A function that changes nothing about whole numbers. */
function rounding(name: string, apply: (value: number) => number, about: string): FunctionRule {
  const ofDouble: Apply = (value: number) => finite(apply(value));
  const ofInt: Apply = (value: number) => value;
  return rule(name, ['number'], DOUBLE, ofDouble, about, {
    ...SAME_AS_FIRST,
    compile: (args) => (isInt(args) ? ofInt : ofDouble),
  });
}

function logarithm(name: string, apply: (value: number) => number, about: string): FunctionRule {
  const ofPositive = (value: number): number => {
    if (value <= 0) throw new EvaluationError(`${name}(${value}) is outside the function's domain`);
    return finite(apply(value));
  };
  return rule(name, ['number'], DOUBLE, ofPositive, about);
}

function squareRoot(value: number): number {
  if (value < 0) throw new EvaluationError(`sqrt(${value}) is outside the function's domain`);
  return finite(Math.sqrt(value));
}

/** Halves away from zero. Digits beyond what a double holds change nothing; places beyond its size give 0. */
function roundDouble(value: number, digits = 0): number {
  const scale = 10 ** Math.abs(digits);
  const size = Math.abs(value);
  const rounded = digits >= 0 ? Math.round(size * scale) / scale : Math.round(size / scale) * scale;
  if (!Number.isFinite(rounded)) return digits >= 0 ? value : 0;
  return finite(Math.sign(value) * rounded);
}

/** In whole numbers throughout, so that none of 53 bits is lost. */
function roundInt(value: number, digits = 0): number {
  if (digits >= 0) return value;
  const step = 10 ** -digits;
  if (!Number.isSafeInteger(step)) return Math.abs(value) * 2 >= step ? safeInt(Math.sign(value) * step) : 0;
  const size = Math.abs(value);
  const rest = size % step;
  return safeInt(Math.sign(value) * (rest * 2 >= step ? size - rest + step : size - rest));
}

export const NUMBER_FUNCTIONS: readonly FunctionRule[] = [
  rule('abs', ['number'], DOUBLE, Math.abs, 'The value without its sign.', SAME_AS_FIRST),
  rule('sign', ['number'], INT, (value: number) => (value === 0 ? 0 : Math.sign(value)), '−1, 0 or 1.'),
  rounding('floor', Math.floor, 'The greatest whole number not above.'),
  rounding('ceil', Math.ceil, 'The least whole number not below.'),
  rounding('trunc', Math.trunc, 'Without the digits after the point.'),
  rule(
    'round',
    ['number', 'whole constant'],
    DOUBLE,
    roundDouble,
    'To that many digits after the point (0 if not given, negative: before it), halves away from zero.',
    {
      ...SAME_AS_FIRST,
      optional: 1,
      compile: (args) => (isInt(args) ? roundInt : roundDouble),
    },
  ),
  rule('sqrt', ['number'], DOUBLE, squareRoot, 'The square root.'),
  rule('exp', ['number'], DOUBLE, (value: number) => finite(Math.exp(value)), 'e to that power.'),
  logarithm('ln', Math.log, 'The natural logarithm.'),
  logarithm('log2', Math.log2, 'The logarithm to base 2.'),
  logarithm('log10', Math.log10, 'The logarithm to base 10.'),
  rule(
    'power',
    ['number', 'number'],
    DOUBLE,
    (base: number, exponent: number) => finite(base ** exponent),
    'The first to the power of the second.',
  ),
  rule('sin', ['number'], DOUBLE, (value: number) => finite(Math.sin(value)), 'The sine of an angle in radians.'),
  rule('cos', ['number'], DOUBLE, (value: number) => finite(Math.cos(value)), 'The cosine of an angle in radians.'),
  rule('pi', [], DOUBLE, () => Math.PI, 'The ratio of a circle’s circumference to its diameter.'),
];
