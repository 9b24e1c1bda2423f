/** Arithmetic and functions of numbers: types, ranges, division by zero, −0, rounding. */
import { expect, test } from 'vitest';
import { evaluated, fails, problemsOf, typeOf } from './support.ts';

const SAFE = Number.MAX_SAFE_INTEGER;
const INT64_MAX = 2n ** 63n - 1n;

test.each([
  ['i + j', 'int?'],
  ['i * w', 'int64?'],
  ['i - x', 'double?'],
  ['i / j', 'double?'],
  ['1 / 2', 'double?'],
  ['1 + 2', 'int'],
  ['1 % 2', 'int?'],
  ['-w', 'int64?'],
  ['9007199254740991', 'int'],
  ['9007199254740992', 'int64'],
  ['1e3', 'double'],
  ['1.', 'double'],
  ['.5', 'double'],
  ['at - since', 'int?'],
])('%s is %s', (text, type) => {
  expect(typeOf(text)).toBe(type);
});

test('int ends at ±(2^53−1): a result beyond is an error', () => {
  expect(evaluated('i + j', { i: SAFE - 1, j: 1 })).toBe(SAFE);
  expect(fails('i + j', { i: SAFE, j: 1 })).toBe(true);
  expect(evaluated('i - j', { i: -SAFE + 1, j: 1 })).toBe(-SAFE);
  expect(fails('i - j', { i: -SAFE, j: 1 })).toBe(true);
  expect(fails('i * j', { i: 94_906_267, j: 94_906_267 })).toBe(true);
  expect(evaluated('i * j', { i: 94_906_265, j: 94_906_265 })).toBe(94_906_265 ** 2);
});

test('int64 is exact beyond 2^53 and ends at 2^63', () => {
  expect(evaluated('w + 1', { w: 2n ** 53n })).toBe(2n ** 53n + 1n);
  expect(evaluated('w * v', { w: 3_037_000_499n, v: 3_037_000_499n })).toBe(3_037_000_499n ** 2n);
  expect(fails('w + 1', { w: INT64_MAX })).toBe(true);
  expect(fails('w - 1', { w: -INT64_MAX - 1n })).toBe(true);
  expect(fails('-w', { w: -INT64_MAX - 1n })).toBe(true);
  expect(fails('w * v', { w: 2n ** 40n, v: 2n ** 40n })).toBe(true);
  expect(evaluated('w % v', { w: -7n, v: 3n })).toBe(-1n);
  expect(evaluated('-9223372036854775808')).toBe(-INT64_MAX - 1n);
});

test('dividing by zero is null, of any type', () => {
  for (const text of ['i / 0', 'x / 0', 'x / 0.0', 'i % 0', 'x % 0', 'x / y', 'i / (j - j)']) {
    expect(evaluated(text, { i: 1, j: 2, x: 1, y: 0 }), text).toBeNull();
  }
  expect(evaluated('w % 0', { w: 1n })).toBeNull();
});

test('any other result that is not finite is an error', () => {
  expect(fails('x * x', { x: 1e300 })).toBe(true);
  expect(fails('x + x', { x: 1.7e308 })).toBe(true);
  expect(fails('x / y', { x: 1e300, y: 1e-300 })).toBe(true);
  expect(fails('exp(x)', { x: 710 })).toBe(true);
  expect(fails('power(0, -1)')).toBe(true);
  expect(fails('power(-8, x)', { x: 0.5 })).toBe(true);
  for (const text of ['ln(x)', 'log2(x)', 'log10(x)']) {
    expect(fails(text, { x: 0 }), text).toBe(true);
    expect(fails(text, { x: -1 }), text).toBe(true);
  }
  expect(fails('sqrt(x)', { x: -5e-324 })).toBe(true);
});

test('no result is −0', () => {
  const given = { i: 0, x: -0.4, y: 5e-324 };
  const texts = [
    '-i',
    'i * -1',
    '-(x - x)',
    'round(x)',
    'trunc(x)',
    'ceil(x)',
    'x * y',
    'i / -3',
    '-7.0 % 7',
    '-7 % 7',
    "CAST('-0' AS double)",
    "CAST('-0' AS int)",
    'sign(-i)',
    '-0.0',
    'round(-0.001, 2)',
    'power(-y, 3)',
    'sin(-i)',
    'CAST(x AS int)',
  ];
  for (const text of texts) expect(Object.is(evaluated(text, given), 0), text).toBe(true);
});

test('null in, null out', () => {
  for (const text of ['i + 1', 'x / 0', 'abs(i)', 'power(2, x)', '-i', 'round(x, 2)', 'NULL + 1', 'i % 0']) {
    expect(evaluated(text), text).toBeNull();
  }
});

test('an error beside a null is an error: both operands are evaluated', () => {
  expect(fails('i + sqrt(x)', { x: -1 })).toBe(true);
  expect(fails('power(i, sqrt(x))', { x: -1 })).toBe(true);
  expect(fails('nullif(i, CAST(s AS int))', { s: '?' })).toBe(true);
  expect(fails('i BETWEEN 1 AND CAST(s AS int)', { s: '?' })).toBe(true);
});

test.each([
  ['abs(-3)', 3],
  ['abs(-2.5)', 2.5],
  ['sign(-2.5)', -1],
  ['sign(0)', 0],
  ['floor(-2.5)', -3],
  ['ceil(-2.5)', -2],
  ['ceiling(2.1)', 3],
  ['trunc(-2.9)', -2],
  ['floor(7)', 7],
  ['round(2.5)', 3],
  ['round(-2.5)', -3],
  ['round(0.49999999999999994)', 0],
  ['round(2.345, 2)', 2.35],
  ['round(1.005, 2)', 1],
  ['round(123.456, -2)', 100],
  ['round(1250, -2)', 1300],
  ['round(-1250, -2)', -1300],
  ['round(1249, -2)', 1200],
  ['round(7, 3)', 7],
  ['round(7, -30)', 0],
  ['round(1e300, 300)', 1e300],
  ['round(1.5, -400)', 0],
  ['sqrt(9)', 3],
  ['exp(0)', 1],
  ['ln(1)', 0],
  ['log2(8)', 3],
  ['log10(1000)', 3],
  ['power(2, 10)', 1024],
  ['pow(2, -1)', 0.5],
  ['sin(0)', 0],
  ['cos(0)', 1],
  ['pi()', Math.PI],
  ['mod(-7, 3)', -1],
  ['-7 % 3', -1],
  ['7 % -3', 1],
  ['5.5 % -2', 1.5],
  ['7 / 2', 3.5],
  ['1e300 / 1e-8', 1e308],
  ['5e-324 * 1', 5e-324],
])('%s is %d', (text, value) => {
  expect(evaluated(text)).toBe(value);
});

test('rounding an int cannot leave its range unseen', () => {
  expect(evaluated('round(i, -1)', { i: SAFE })).toBe(9_007_199_254_740_990);
  expect(fails('round(i, -2)', { i: SAFE })).toBe(true);
  expect(fails('round(i, -16)', { i: SAFE })).toBe(true);
});

test('the difference of two timestamps is in milliseconds', () => {
  expect(evaluated('at - since', { at: 5_000, since: 1_500 })).toBe(3_500);
  expect(fails('at - since', { at: 8.64e15, since: -8.64e15 })).toBe(true);
});

test('operands that are no numbers are problems that say what to write', () => {
  expect(problemsOf("s + 'x'")[0]).toMatchObject({ start: 0, found: 'string?', suggestion: '||, to join strings' });
  expect(problemsOf('at + 1')[0]).toMatchObject({ start: 0, found: 'timestamp?' });
  expect(problemsOf('1 * p')[0]).toMatchObject({ start: 4, expected: 'int, int64 or double', found: 'bool?' });
  expect(problemsOf('w * x')[0]?.suggestion).toMatch(/CAST the int64 AS double/);
  expect(problemsOf('w / 2')[0]?.suggestion).toMatch(/CAST the int64 AS double/);
  expect(problemsOf('-s')[0]).toMatchObject({ start: 0, found: 'string?' });
});
