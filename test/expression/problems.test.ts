/** What is told about a wrong expression: where, what was expected and found, and what to write instead. */
import { expect, test } from 'vitest';
import type { Scope } from '../../src/expression/expression.ts';
import { evaluated, problemsOf } from './support.ts';

const FLIGHTS: Scope = new Map([
  ['dep_delay', { slot: 0, type: { kind: 'double' }, nullable: true }],
  ['origin', { slot: 1, type: { kind: 'string' }, nullable: false }],
  [
    'tags',
    {
      slot: 2,
      type: { kind: 'array', element: { kind: 'string' }, elementNullable: false, length: null },
      nullable: true,
    },
  ],
  ['case', { slot: 3, type: { kind: 'int' }, nullable: false }],
  ['a"b', { slot: 4, type: { kind: 'int' }, nullable: false }],
]); // prettier-ignore

test.each([
  ['1 + dep_dealy', { start: 4, found: 'dep_dealy', suggestion: 'dep_delay' }],
  ["'😀é' = orgin", { start: 8, found: 'orgin', suggestion: 'origin' }],
  ['Origin', { start: 0, found: 'Origin', suggestion: 'origin' }],
  ['lenght(origin)', { start: 0, message: 'there is no function lenght', suggestion: 'length' }],
  ['1 + rond(2)', { start: 4, suggestion: 'round' }],
  ['colaesce(1, 2)', { suggestion: 'coalesce' }],
  ['ROUND(origin)', { start: 6, expected: 'number', found: 'string' }],
  ['round(1, 2, 3)', { start: 0, expected: 'round(number[, whole constant])' }],
  ['abs()', { start: 0, message: 'abs is called with 0 arguments', expected: 'abs(number)' }],
  ['length(dep_delay)', { start: 7, expected: 'string', found: 'double?', suggestion: 'CAST it AS string' }],
  ['round(1.5, dep_delay)', { start: 11, expected: 'whole constant', found: 'double?' }],
  ['dep_delay AND true', { start: 0, expected: 'bool', found: 'double?' }],
  ['NOT origin', { start: 4, expected: 'bool', found: 'string' }],
  ['CASE WHEN 1 THEN 2 END', { start: 10, expected: 'bool', found: 'int' }],
  ['origin IS TRUE', { start: 0, expected: 'bool' }],
  ['dep_delay > origin', { message: 'double? and string cannot be compared' }],
  ["dep_delay > '15'", { suggestion: 'write a number without quotes, or CAST one of them' }],
  ["origin IN ('JFK', 3)", { start: 18 }],
  ['tags = tags', { message: 'string[]? and string[]? cannot be compared' }],
  ['NULL', { message: 'the expression is always NULL', suggestion: 'CAST(NULL AS double) gives it a type' }],
])('%s', (text, problem) => {
  expect(problemsOf(text, FLIGHTS)).toMatchObject([problem]);
});

test.each([
  ["origin LIKE 'J%'", 7, 'LIKE', 'starts_with'],
  ["origin NOT LIKE 'J%'", 7, 'LIKE', 'starts_with'],
  ["origin ILIKE 'j%'", 7, 'ILIKE', 'starts_with'],
  ["origin SIMILAR TO 'J'", 7, 'SIMILAR TO', 'starts_with'],
  ["origin ~ 'J'", 7, '~', 'starts_with'],
  ["origin !~* 'J'", 7, '!~*', null],
  ["regexp_matches(origin, 'J')", 0, 'regexp_matches', 'starts_with'],
  ['(SELECT 1)', 0, 'subquery', null],
  ['EXISTS (SELECT 1)', 0, 'subquery', null],
  ['1 IN (SELECT 1)', 2, 'subquery', null],
  ['count(*)', 0, 'aggregate', 'agg'],
  ['sum(dep_delay)', 0, 'sum', 'agg: sum'],
  ['count(DISTINCT origin)', 0, 'aggregate', 'agg'],
  ['abs(dep_delay) OVER ()', 0, 'window', 'agg'],
  ['now()', 0, 'now', 'as_of'],
  ['current_timestamp', 0, 'current_timestamp', 'as_of'],
  ['random()', 0, 'random', 'deterministic'],
  ['tags[1]', 0, 'array', null],
  ['ARRAY[1]', 0, 'array', null],
  ['ROW(1, 2)', 0, 'list', null],
  ['t.origin', 0, 'qualified', 'alone'],
  ['$1', 0, 'parameter', null],
  ['2 ^ 3', 2, '^', 'power'],
  ['1 == 1', 2, '==', '='],
  ['7 // 2', 2, '//', 'floor'],
  ["E'x'", 0, 'prefix', "'text'"],
  ['0x10', 0, '0x10', 'decimal'],
  ['1_000', 0, '1_000', 'decimal'],
  ['dep_delay IS UNKNOWN', 10, 'IS UNKNOWN', 'IS NULL'],
  ["INTERVAL '1' YEAR", 0, 'type', null],
  ['origin COLLATE "C" = \'x\'', 7, 'COLLATE', null],
])('%s is refused by name', (text, start, named, suggested) => {
  const [first] = problemsOf(text, FLIGHTS);
  expect(first?.start).toBe(start);
  expect(first?.message).toContain(named);
  if (suggested !== null) expect(first?.suggestion).toContain(suggested);
});

test.each([
  ['', 0, undefined],
  [' \n ', 0, undefined],
  ['-- nothing', 10, 'the end of the expression'],
  ['/* nothing */', 13, 'the end of the expression'],
  ['1 +', 3, 'the end of the expression'],
  ['(1', 2, 'the end of the expression'],
  ['1)', 1, undefined],
  ['1) + (2', 1, undefined],
  ["'😀' || origin)", 14, undefined],
  ["1) AND AND 'open", 7, '"AND"'],
  ['1) /* more */', 1, undefined],
  ['(1 AND AND 2))', 7, '"AND"'],
  ['1 2', 2, '"2"'],
  ["'😀' AND AND 1", 9, '"AND"'],
  ['1; 2', 1, '";"'],
  ['1 AS x', 2, '"AS"'],
  ['1 FROM t', 2, '"FROM"'],
  ["'open", 0, undefined],
  ['"open', 0, undefined],
  ['1 /* open', 2, undefined],
  ['1) UNION (SELECT 2', 0, undefined],
  ['1) LIMIT (1', 0, undefined],
  ['1), (2', 0, undefined],
  ["'a\0b'", 2, undefined],
  ["'\ud800'", 0, undefined],
])('%j cannot be read, and the place is told', (text, start, found) => {
  const problems = problemsOf(text, FLIGHTS);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.start).toBe(start);
  expect(problems[0]?.found).toBe(found);
});

test('several problems are told at once, in the order of the text', () => {
  const problems = problemsOf("nope + abs(origin) > lenght('x') OR nix LIKE 'a' AND NOT 3", FLIGHTS);
  expect(problems.map(({ start }) => start)).toEqual([0, 11, 21, 40, 57]);
  expect(problemsOf('f(one, two, three)', FLIGHTS)).toHaveLength(4);
  expect(problemsOf('CASE one WHEN two THEN three ELSE four END', FLIGHTS)).toHaveLength(4);
});

test('a problem inside what is refused is told as well', () => {
  expect(problemsOf('nope == 1', FLIGHTS).map(({ start }) => start)).toEqual([0, 5]);
  expect(problemsOf('abs(nope)', FLIGHTS)).toHaveLength(1);
});

test('comments are no part of an expression, and cannot hide one', () => {
  expect(evaluated('i -- + 1', { i: 1 })).toBe(1);
  expect(evaluated('i /* + /* nested */ 1 */ + 2', { i: 1 })).toBe(3);
  expect(evaluated("'-- no /* comment' || s", { s: '!' })).toBe('-- no /* comment!');
});

test('a column named like a reserved word is quoted, and the problem says so', () => {
  expect(problemsOf('case + 1', FLIGHTS)).toHaveLength(1);
  expect(problemsOf('"case" + 1', FLIGHTS)).toEqual([]);
  expect(problemsOf('"a""b" + 1', FLIGHTS)).toEqual([]);
});

test('names that every object has are no names here', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(problemsOf(name, FLIGHTS), name).toHaveLength(1);
    expect(problemsOf(`${name}(1)`, FLIGHTS), name).toHaveLength(1);
    expect(problemsOf(`CAST(1 AS "${name}")`, FLIGHTS), name).toHaveLength(1);
  }
});

test('exponents are read, and what no double holds is told', () => {
  expect(evaluated('1e300')).toBe(1e300);
  expect(evaluated('5E-324')).toBe(5e-324);
  expect(evaluated('1.5e+2 + 1')).toBe(151);
  expect(evaluated('1e-400')).toBe(0);
  expect(problemsOf('1 + 1e400')).toMatchObject([{ start: 4, message: 'the number is beyond the range of double' }]);
  expect(problemsOf('9223372036854775808')).toMatchObject([{ message: 'the number is beyond the range of int64' }]);
});
