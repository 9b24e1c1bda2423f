/** Size and depth are bounded, and whatever the text, the answer is a value: never a throw, never a crash. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileExpression } from '../../src/expression/compile.ts';
import { TEXT_MAX } from '../../src/expression/parse.ts';
import { DEPTH_MAX, NODES_MAX } from '../../src/expression/translate.ts';
import { compiled, evaluated, problemsOf, SCOPE } from './support.ts';

test('a text may have that many characters, and no more', () => {
  const longest = `${' '.repeat(TEXT_MAX - 1)}i`;
  expect(problemsOf(longest)).toEqual([]);
  expect(problemsOf(` ${longest}`)).toMatchObject([{ start: TEXT_MAX, found: String(TEXT_MAX + 1) }]);
});

test('operators nest that deeply, and no deeper', () => {
  const nested = (levels: number): string => `${'NOT '.repeat(levels - 1)}p`;
  expect(evaluated(nested(DEPTH_MAX), { p: true })).toBe(DEPTH_MAX % 2 === 1);
  expect(problemsOf(nested(DEPTH_MAX + 1))).toMatchObject([{ message: 'the expression nests too deeply' }]);
});

test('an expression has that many parts, and no more', () => {
  const list = (parts: number): string => `i IN (${Array.from({ length: parts - 2 }, () => '1').join(',')})`;
  expect(problemsOf(list(NODES_MAX))).toEqual([]);
  expect(problemsOf(list(NODES_MAX + 1))).toMatchObject([{ message: 'the expression is too large' }]);
});

test('a list of conditions does not nest, and parentheses do not count', () => {
  const parts = Math.floor(NODES_MAX / 2);
  expect(evaluated(Array.from({ length: parts }, () => 'p').join(' AND '), { p: true })).toBe(true);
  expect(compiled(`${'('.repeat(2_000)}p${')'.repeat(2_000)}`).canonical).toBe('p');
});

const filled = (unit: string, tail: string): string =>
  unit.repeat(Math.floor((TEXT_MAX - tail.length) / unit.length)) + tail;

test.each([
  filled('NOT ', 'p'),
  filled('p AND ', 'p'),
  filled('p OR NOT ', 'p'),
  filled('- ', 'i'),
  filled('-+', 'i'),
  filled('+', 'i'),
  filled('i+', 'i'),
  filled("''||", "''"),
  filled('abs(', ''),
  filled('f(', ')'),
  filled('CASE WHEN ', 'p'),
  filled('i IN (', '1'),
  filled('[', ']'),
  filled("'", ''),
  filled('"', ''),
  filled('/*', ''),
  filled('-/**/', 'i'),
  filled('(SELECT ', '1'),
  filled('zq()+', '1'),
  filled('9', ''),
  filled('i.', 'i'),
  filled('i IS NULL IS ', 'NULL'),
  `i${'::int'.repeat(800)}`,
  `p${' IS NULL'.repeat(500)}`,
  `${'abs('.repeat(800)}i${')'.repeat(800)}`,
  `${'('.repeat(TEXT_MAX / 2)}${')'.repeat(TEXT_MAX / 2)}`,
  `${'CASE WHEN p THEN '.repeat(120)}1${' END'.repeat(120)}`,
])('a text made to nest or repeat is a problem or a value: %.40s…', (text) => {
  expect(() => compileExpression(text, SCOPE)).not.toThrow();
});

const FRAGMENTS = [
  'i',
  'x',
  's',
  'p',
  'at',
  '1',
  '2.5',
  "'a'",
  'NULL',
  '(',
  ')',
  ',',
  '+',
  '-',
  '*',
  '/',
  '%',
  '=',
  '<',
  '||',
  '::int',
  ' AND ',
  ' OR ',
  ' NOT ',
  ' IS ',
  ' IN ',
  ' BETWEEN ',
  ' CASE ',
  ' WHEN ',
  ' THEN ',
  ' ELSE ',
  ' END ',
  'CAST(',
  ' AS ',
  'abs(',
  'concat(',
  'coalesce(',
  '[',
  ']',
  '.',
  ';',
  "'",
  '"',
  '--',
  '/*',
  '*/',
  '\n',
  '$1',
  '@',
  '?',
  ':',
  '\\',
  '😀',
  'ß',
  ' FROM ',
  ' SELECT ',
  ' OVER ',
  ' FILTER ',
  ' DISTINCT ',
  ' ROW ',
  ' ARRAY',
  ' INTERVAL ',
  ' COLLATE ',
  ' XMLPARSE(',
  ' JSON_OBJECT(',
]; // prettier-ignore

test('whatever is put together, compiling gives problems with a place in the text, or an expression that evaluates', () => {
  const texts = fc.array(fc.constantFrom(...FRAGMENTS), { minLength: 1, maxLength: 14 }).map((parts) => parts.join(''));
  let compiledCount = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const result = compileExpression(text, SCOPE);
      if (result.ok) {
        compiledCount += 1;
        return;
      }
      expect(result.problems.length).toBeGreaterThan(0);
      for (const { start, message } of result.problems) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(start).toBeLessThanOrEqual(text.length);
        expect(message).not.toBe('');
      }
    }),
    { numRuns: 5_000 },
  );
  expect(compiledCount).toBeGreaterThan(20);
});

test('any text at all is answered', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      expect(typeof compileExpression(text, SCOPE).ok).toBe('boolean');
    }),
    { numRuns: 2_000 },
  );
});

test('a compiled expression evaluates to the same again, and changes no row', () => {
  const expression = compiled("CASE WHEN i > 1 THEN concat(s, '!') ELSE left(s, 2) END");
  const row = Object.freeze([2, null, null, null, null, null, 'abc', null, null, null, null, null]);
  for (let turn = 0; turn < 10; turn++) expect(expression.evaluate(row)).toBe('abc!');
  expect(expression.columns).toEqual(['i', 's']);
});
