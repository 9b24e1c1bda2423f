import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RowProblem, RowResult } from '../../src/vector/request-row.ts';
import { serviceWith } from './fixture.ts';

function problemsOf(result: RowResult): readonly RowProblem[] {
  return result.ok ? [] : result.problems;
}

test('a row gives typed values in the order of the request columns', () => {
  const { parseRow } = serviceWith({}, 'a: int, i: int64, t: timestamp, b: bool, d: double, p: "double[2]", s: string');
  const row = {
    s: '',
    p: [1, -0],
    d: -0,
    b: false,
    t: '1970-01-01T00:00:00.001Z',
    i: '-9223372036854775808',
    a: -0,
    k: 'x',
  };
  expect(parseRow(row)).toEqual({ ok: true, values: ['x', 0, -9223372036854775808n, 1, false, 0, [1, 0], ''] });
});

test('an input that may be null may be left out; a key and another input may not', () => {
  const { parseRow } = serviceWith({}, 'a: "int?", b: int');
  expect(parseRow({ k: 'x', b: 1 })).toEqual({ ok: true, values: ['x', null, 1] });
  expect(parseRow({ k: 'x', b: 1, a: null })).toEqual({ ok: true, values: ['x', null, 1] });
  const problems = problemsOf(parseRow({ a: 1 }));
  expect(problems.map(({ code, field }) => `${code} ${field}`)).toEqual(['missing_key k', 'missing_input b']);
});

test('inherited and dangerous names are neither fields nor values', () => {
  const { parseRow } = serviceWith({}, 'a: "int?"');
  const row = JSON.parse('{"k":"x","__proto__":{"a":1},"constructor":2}') as object;
  const problems = problemsOf(parseRow(row));
  expect(problems.map(({ code, field }) => `${code} ${field}`)).toEqual([
    'unknown_field __proto__',
    'unknown_field constructor',
  ]);
  expect(parseRow(Object.create({ k: 'x' }))).toMatchObject({ ok: false });
});

test('messages never repeat what a long value or name holds', () => {
  const { parseRow } = serviceWith({}, 'a: int');
  const long = 'secret'.repeat(10_000);
  const problems = problemsOf(parseRow({ k: long, a: long, [long]: 1 }));
  for (const { message } of problems) expect(message.length).toBeLessThan(200);
});

test('what is common to rows is read as if it were written in each, found or at fault', () => {
  const { parseRow } = serviceWith({}, 'a: "int?", b: int');
  const mostly = (...usual: readonly unknown[]) =>
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...usual) },
      { weight: 1, arbitrary: fc.constantFrom<unknown>('', 2.5, null, 'x') },
    );
  const known = fc.record({ k: mostly('x', 'y'), a: mostly(1, null), b: mostly(1, 2) }, { requiredKeys: [] });
  const fields = fc.tuple(known, fc.boolean(), fc.boolean()).map(([row, one, other]) => {
    return one && other ? { ...row, unknown: 1 } : row;
  });
  let sound = 0;
  fc.assert(
    fc.property(fields, fields, (row, common) => {
      const result = parseRow(row, common);
      if (result.ok) sound++;
      expect(result).toEqual(parseRow({ ...common, ...row }));
    }),
    { numRuns: 2_000 },
  );
  expect(sound).toBeGreaterThan(200);
});
