/** AND, OR, NOT, comparisons, IN, BETWEEN and IS, by SQL's three-valued logic. */
import { expect, test } from 'vitest';
import { evaluated, fails, typeOf } from './support.ts';

const THREE = [true, false, null] as const;

test.each([
  ['AND', [true, false, null, false, false, false, null, false, null]],
  ['OR', [true, true, true, true, false, null, true, null, null]],
  ['=', [true, false, null, false, true, null, null, null, null]],
  ['<>', [false, true, null, true, false, null, null, null, null]],
  ['<', [false, false, null, true, false, null, null, null, null]],
  ['>=', [true, true, null, false, true, null, null, null, null]],
  ['IS DISTINCT FROM', [false, true, true, true, false, true, true, true, false]],
  ['IS NOT DISTINCT FROM', [true, false, false, false, true, false, false, false, true]],
])('the nine cases of p %s q', (operator, expected) => {
  const found = THREE.flatMap((p) => THREE.map((q) => evaluated(`p ${operator} q`, { p, q })));
  expect(found).toEqual(expected);
});

test.each([
  ['NOT p', [false, true, null]],
  ['p IS NULL', [false, false, true]],
  ['p IS NOT NULL', [true, true, false]],
  ['p IS TRUE', [true, false, false]],
  ['p IS NOT TRUE', [false, true, true]],
  ['p IS FALSE', [false, true, false]],
  ['p IS NOT FALSE', [true, false, true]],
])('%s for true, false and null', (text, expected) => {
  expect(THREE.map((p) => evaluated(text, { p }))).toEqual(expected);
});

test.each([
  ['i IN (1, 2)', [true, false, null]],
  ['i NOT IN (1, 2)', [false, true, null]],
  ['i IN (1, NULL)', [true, null, null]],
  ['i NOT IN (1, NULL)', [false, null, null]],
  ['i IN (j, 1)', [true, null, null]],
  ['i IN (NULL)', [null, null, null]],
])('%s for 1, 3 and null', (text, expected) => {
  expect([1, 3, null].map((i) => evaluated(text, { i }))).toEqual(expected);
});

test.each([
  ['i BETWEEN 1 AND 3', [true, true, true, false, null]],
  ['i NOT BETWEEN 1 AND 3', [false, false, false, true, null]],
  ['i BETWEEN 3 AND 1', [false, false, false, false, null]],
  ['i BETWEEN NULL AND 2', [null, null, false, false, null]],
  ['i NOT BETWEEN 2 AND NULL', [true, null, null, null, null]],
])('%s for 1, 2, 3, 4 and null', (text, expected) => {
  expect([1, 2, 3, 4, null].map((i) => evaluated(text, { i }))).toEqual(expected);
});

test('AND and OR stop at what decides, and so keep an error from happening', () => {
  expect(evaluated('i > 0 AND sqrt(i) > 1', { i: -4 })).toBe(false);
  expect(evaluated('i <= 0 OR sqrt(i) > 1', { i: -4 })).toBe(true);
  expect(fails('sqrt(i) > 1 AND i > 0', { i: -4 })).toBe(true);
  // A null decides nothing.
  expect(fails('p AND sqrt(i) > 1', { i: -4 })).toBe(true);
});

test('strings compare by code points, not by UTF-16 units', () => {
  expect(evaluated('s < t', { s: '\uffff', t: '😀' })).toBe(true);
  expect(evaluated('s BETWEEN t AND t', { s: 'é', t: 'e\u0301' })).toBe(false);
  expect(evaluated("s = 'ab'", { s: 'ab' })).toBe(true);
  expect(evaluated("s < 'B'", { s: 'a' })).toBe(false);
});

test('numbers of different types compare by their exact values', () => {
  expect(evaluated('w = x', { w: 2n ** 53n + 1n, x: 2 ** 53 })).toBe(false);
  expect(evaluated('w > x', { w: 2n ** 53n + 1n, x: 2 ** 53 })).toBe(true);
  expect(evaluated('w = i', { w: 5n, i: 5 })).toBe(true);
  expect(evaluated('i = x', { i: 5, x: 5 })).toBe(true);
  expect(evaluated('w IN (1, 9007199254740993)', { w: 9007199254740993n })).toBe(true);
  expect(evaluated('i IN (9007199254740993, 2.0)', { i: 2 })).toBe(true);
});

test('the result may be null only where some row can make it so', () => {
  expect(typeOf('p AND q')).toBe('bool?');
  expect(typeOf('i IS NULL')).toBe('bool');
  expect(typeOf('1 < 2')).toBe('bool');
  expect(typeOf('1 IN (1, NULL)')).toBe('bool?');
  expect(typeOf('i IS DISTINCT FROM j')).toBe('bool');
});
