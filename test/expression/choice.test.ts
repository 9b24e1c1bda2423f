/** CASE, COALESCE, NULLIF, LEAST and GREATEST. */
import { expect, test } from 'vitest';
import { evaluated, fails, problemsOf, typeOf } from './support.ts';

test('a searched CASE takes the first condition that is true; null is not', () => {
  const text = "CASE WHEN i > 10 THEN 'high' WHEN i > 5 THEN 'middle' ELSE 'low' END";
  expect([20, 7, 1, null].map((i) => evaluated(text, { i }))).toEqual(['high', 'middle', 'low', 'low']);
  expect(evaluated('CASE WHEN NULL THEN 1 ELSE 2 END')).toBe(2);
});

test('a simple CASE compares with =, so that null matches nothing', () => {
  const text = "CASE i WHEN 1 THEN 'one' WHEN NULL THEN 'null' WHEN 2 THEN 'two' END";
  expect([1, 2, 3, null].map((i) => evaluated(text, { i }))).toEqual(['one', 'two', null, null]);
});

test('only what is chosen is evaluated', () => {
  expect(evaluated('CASE WHEN i < 0 THEN 0.0 ELSE sqrt(i) END', { i: -1 })).toBe(0);
  expect(evaluated('CASE i WHEN -1 THEN 0.0 WHEN CAST(s AS int) THEN 1.0 END', { i: -1, s: 'no number' })).toBe(0);
  expect(evaluated('coalesce(i, CAST(s AS int))', { i: 1, s: 'no number' })).toBe(1);
  expect(fails('coalesce(i, CAST(s AS int))', { s: 'no number' })).toBe(true);
});

test('COALESCE is the first that is not null, and never null if one of them never is', () => {
  expect(evaluated('coalesce(i, j, 7)', { j: 3 })).toBe(3);
  expect(evaluated('coalesce(i, j)')).toBeNull();
  expect(typeOf('coalesce(i, j, 7)')).toBe('int');
  expect(typeOf('coalesce(i, j)')).toBe('int?');
  expect(evaluated('ifnull(i, 2)')).toBe(2);
});

test('NULLIF is null where both are equal, else the first', () => {
  expect(evaluated('nullif(i, 3)', { i: 3 })).toBeNull();
  expect(evaluated('nullif(i, 3)', { i: 4 })).toBe(4);
  expect(evaluated('nullif(i, j)', { i: 4 })).toBe(4);
  expect(evaluated('nullif(i, 3)')).toBeNull();
  expect(typeOf('nullif(1, 2)')).toBe('int?');
});

test('LEAST and GREATEST skip nulls', () => {
  expect(evaluated('least(i, j, 5)', { j: 3 })).toBe(3);
  expect(evaluated('greatest(i, j, 5)', { j: 3 })).toBe(5);
  expect(evaluated('least(i, j)')).toBeNull();
  expect(evaluated('greatest(s, t)', { s: '\uffff', t: '😀' })).toBe('😀');
  expect(evaluated('greatest(p, q)', { p: false, q: true })).toBe(true);
  expect(evaluated('least(w, i)', { w: 2n ** 60n, i: 4 })).toBe(4n);
});

test('what is chosen between has one type: int widens to int64 or double', () => {
  expect(typeOf('CASE WHEN p THEN 1 ELSE 2.5 END')).toBe('double');
  expect(evaluated('CASE WHEN p THEN i ELSE w END', { p: true, i: 3 })).toBe(3n);
  expect(evaluated('coalesce(i, w)', { i: 3 })).toBe(3n);
  expect(problemsOf('CASE WHEN p THEN 1 ELSE s END')).toMatchObject([{ start: 0, found: 'int, string?' }]);
  expect(problemsOf('coalesce(w, x)')).toMatchObject([{ found: 'int64?, double?' }]);
  expect(problemsOf('greatest(p, at)')).toHaveLength(1);
});
