/** Functions of strings: code points throughout, nulls, positions beyond the ends, bounds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MADE_LENGTH_MAX } from '../../src/expression/functions-text.ts';
import { evaluated, fails, problemsOf, typeOf } from './support.ts';

test.each([
  ["length('héllo')", 5],
  ["length('😀x')", 2],
  ["length('e\u0301')", 2],
  ["length('')", 0],
  ["lower('ÀÉ😀A')", 'àé😀a'],
  ["upper('straße')", 'STRAßE'],
  ["lower('İ')", 'İ'],
  ["lower('ΑΣ')", 'ασ'],
  ["concat('a', NULL, 'b')", 'ab'],
  ['concat(NULL, s)', ''],
  ["'a' || 'b' || 'c'", 'abc'],
  ["'a' || NULL", null],
  ["substring('x😀yz', 2, 2)", '😀y'],
  ["substring('abc', 2)", 'bc'],
  ["substring('abc', 0)", 'abc'],
  ["substring('abc', 0, 2)", 'a'],
  ["substring('abc', -2)", 'bc'],
  ["substring('abc', -2, 1)", 'b'],
  ["substring('abc', 2, -1)", 'a'],
  ["substring('abc', 2, 0)", ''],
  ["substring('abc', 9)", ''],
  ["substring('abc', 2, NULL)", null],
  ["substr('abc', 3)", 'c'],
  ["left('😀bc', 1)", '😀'],
  ["left('abc', -1)", 'ab'],
  ["left('abc', -9)", ''],
  ["right('ab😀', 1)", '😀'],
  ["right('abc', -1)", 'bc'],
  ["right('abc', 0)", ''],
  ["trim('  a  b ')", 'a  b'],
  ["trim('\u00a0\u3000a\u2003')", 'a'],
  ["trim('\ta\n')", '\ta\n'],
  ["trim('   ')", ''],
  ["trim('😀a😀', '😀')", 'a'],
  ["ltrim('xya', 'yx')", 'a'],
  ["rtrim('a  ')", 'a'],
  ["trim(BOTH 'x' FROM 'xax')", 'a'],
  ["starts_with('abc', 'ab')", true],
  ["starts_with('abc', '')", true],
  ["ends_with('abc', 'bc')", true],
  ["suffix('abc', 'b')", false],
  ["prefix('abc', 'a')", true],
  ["contains('abc', 'b')", true],
  ["contains('abc', 'B')", false],
  ["replace('aaa', 'aa', 'b')", 'ba'],
  ["replace('abc', '', 'x')", 'abc'],
  ["replace('a.b', '.', '$&')", 'a$&b'],
])('%s', (text, value) => {
  expect(evaluated(text)).toBe(value);
});

test('positions far beyond a string are no different from just beyond', () => {
  const far = Number.MAX_SAFE_INTEGER;
  expect(evaluated('substring(s, i)', { s: 'abc', i: far })).toBe('');
  expect(evaluated('substring(s, i, j)', { s: 'abc', i: -far, j: far })).toBe('abc');
  expect(evaluated('left(s, i)', { s: 'abc', i: -far })).toBe('');
  expect(evaluated('right(s, i)', { s: 'abc', i: far })).toBe('abc');
});

test('what is cut apart holds whole code points', () => {
  const text = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed());
  const place = fc.integer({ min: -9, max: 9 });
  fc.assert(
    fc.property(text, place, (s, i) => {
      const points = Array.from(s);
      const size = points.length;
      expect(evaluated('length(s)', { s })).toBe(size);
      expect(evaluated('left(s, i)', { s, i })).toBe(points.slice(0, i).join(''));
      const last = i < 0 ? points.slice(-i) : points.slice(Math.max(0, size - i));
      expect(evaluated('right(s, i)', { s, i })).toBe(last.join(''));
      if (i > 0) expect(evaluated('left(s, i) || substring(s, i + 1)', { s, i })).toBe(s);
    }),
    { numRuns: 500 },
  );
});

test('a string longer than the bound is an error, not cut off', () => {
  const s = 'x'.repeat(MADE_LENGTH_MAX);
  expect(evaluated("s || ''", { s })).toBe(s);
  expect(fails("s || 'y'", { s })).toBe(true);
  expect(fails("concat(s, 'y')", { s })).toBe(true);
  expect(fails("replace(s, 'x', 'xy')", { s })).toBe(true);
});

test('|| joins strings and nothing else', () => {
  expect(typeOf("s || 'x'")).toBe('string?');
  expect(typeOf("concat(s, 'x')")).toBe('string');
  expect(problemsOf("i || 'x'")[0]).toMatchObject({ start: 0, found: 'int?', suggestion: 'CAST it AS string' });
});
