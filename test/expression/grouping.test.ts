/** How operators group without parentheses: as in PostgreSQL and DuckDB, which this asks. */
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { compiled, evaluated, type Given, problemsOf } from './support.ts';

const GIVEN: Given = { i: 3, j: 5, x: 2.5, s: 'a', t: 'b', p: false, q: true };

/** A text, and the same with the parentheses that it does not need. */
const GROUPINGS: readonly (readonly [string, string])[] = [
  ['NOT i = 3', 'NOT (i = 3)'],
  ['NOT p AND q', '(NOT p) AND q'],
  ['NOT p IS NULL', 'NOT (p IS NULL)'],
  ['NOT i IN (1, 2)', 'NOT (i IN (1, 2))'],
  ['NOT i BETWEEN 1 AND 2', 'NOT (i BETWEEN 1 AND 2)'],
  ['p OR q AND NOT p', 'p OR (q AND (NOT p))'],
  ['i = j IS NULL', '(i = j) IS NULL'],
  ['i < 5 IS NOT TRUE', '(i < 5) IS NOT TRUE'],
  ['i + 1 IS NULL', '(i + 1) IS NULL'],
  ['i = 3 IS DISTINCT FROM q', '(i = 3) IS DISTINCT FROM q'],
  ['i BETWEEN 1 AND 3 AND q', '(i BETWEEN 1 AND 3) AND q'],
  ['i BETWEEN 1 AND 3 = q', '(i BETWEEN 1 AND 3) = q'],
  ['i + 1 BETWEEN j - 1 AND j * 2', '(i + 1) BETWEEN (j - 1) AND (j * 2)'],
  ['i + 1 IN (4)', '(i + 1) IN (4)'],
  ['i IN (3) = q', '(i IN (3)) = q'],
  ['i IN (3) IN (q)', '(i IN (3)) IN (q)'],
  ["s || t = 'ab'", "(s || t) = 'ab'"],
  ["s || t || 'c'", "(s || t) || 'c'"],
  ["s || t IN ('ab')", "(s || t) IN ('ab')"],
  ['-2 % 3', '(-2) % 3'],
  ['- i * 2', '(- i) * 2'],
  ['- i - - j', '(- i) - (- j)'],
  ['- i IS NULL', '(- i) IS NULL'],
  ['i - j - 1', '(i - j) - 1'],
  ['i - j + 1', '(i - j) + 1'],
  ['i * j % 4', '(i * j) % 4'],
  ['i % 4 * j', '(i % 4) * j'],
  ['x / 2 * 4', '(x / 2) * 4'],
  ['i + j * 2', 'i + (j * 2)'],
  ['i + j < 2 * 5', '(i + j) < (2 * 5)'],
];

test.each(GROUPINGS)('%s is %s', (bare, grouped) => {
  expect(compiled(bare).canonical).toBe(compiled(grouped).canonical);
  expect(evaluated(bare, GIVEN)).toBe(evaluated(grouped, GIVEN));
});

test.each(['(NOT i) = 3', 'i = (j IS NULL)', 's || (t IN (1))'])('%s is another thing, and refused', (text) => {
  expect(problemsOf(text)).not.toEqual([]);
});

test.each(['i = 3 = q', 'i < j < 5', 'p IS NULL IS NULL IS', 'i BETWEEN 1 AND 2 BETWEEN p AND q'])(
  '%s needs parentheses, here as in SQL',
  (text) => {
    expect(problemsOf(text)).toMatchObject([{ message: 'the expression cannot be read' }]);
  },
);

test('a cast binds tighter than a sign', () => {
  expect(compiled('-x::int').canonical).toBe(compiled('-CAST(x AS int)').canonical);
});

test('DuckDB groups each of them in the same way', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    "CREATE TABLE given AS SELECT 3::BIGINT i, 5::BIGINT j, 2.5::DOUBLE x, 'a' s, 'b' t, false p, true q",
  );
  const texts = GROUPINGS.map(([bare]) => bare);
  const reader = await connection.runAndReadAll(`SELECT ${texts.join(', ')} FROM given`);
  const found = (reader.getRowsJS()[0] ?? []).map((value) => (typeof value === 'bigint' ? Number(value) : value));
  expect(Object.fromEntries(texts.map((text, index) => [text, found[index]]))).toEqual(
    Object.fromEntries(texts.map((text) => [text, evaluated(text, GIVEN)])),
  );
  connection.closeSync();
  instance.closeSync();
});
