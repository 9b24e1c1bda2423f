/** CAST: which type can become which, what each becomes, and that what does not fit is an error, never null. */
import { expect, test } from 'vitest';
import type { ScalarKind } from '../../src/core/value.ts';
import { compiled, evaluated, fails, problemsOf, typeOf } from './support.ts';

const COLUMN_OF: Readonly<Record<ScalarKind, string>> = {
  string: 's',
  bool: 'p',
  int: 'i',
  int64: 'w',
  double: 'x',
  timestamp: 'at',
};
const KINDS = Object.keys(COLUMN_OF) as ScalarKind[];
const ALLOWED: Readonly<Record<ScalarKind, readonly ScalarKind[]>> = {
  string: ['string', 'bool', 'int', 'int64', 'double', 'timestamp'],
  bool: ['string', 'bool', 'int', 'int64', 'double'],
  int: ['string', 'bool', 'int', 'int64', 'double'],
  int64: ['string', 'bool', 'int', 'int64', 'double'],
  double: ['string', 'bool', 'int', 'int64', 'double'],
  timestamp: ['string', 'int', 'timestamp'],
};

test.each(KINDS)('%s can be cast to what the matrix says, and nothing else', (from) => {
  for (const to of KINDS) {
    const text = `CAST(${COLUMN_OF[from]} AS ${to})`;
    const problems = problemsOf(text);
    if (ALLOWED[from].includes(to)) {
      expect(problems, text).toEqual([]);
      expect(typeOf(text)).toBe(`${to}?`);
      expect(evaluated(text), text).toBeNull();
    } else {
      expect(problems[0]?.message, text).toBe(`${from} cannot be cast to ${to}`);
    }
  }
});

test.each([
  ["CAST(' 12 ' AS int)", 12],
  ["CAST('+5' AS int)", 5],
  ["CAST('9007199254740993' AS int64)", 9_007_199_254_740_993n],
  ["CAST('-9223372036854775808' AS int64)", -(2n ** 63n)],
  ["CAST('.5' AS double)", 0.5],
  ["CAST('1e300' AS double)", 1e300],
  ["CAST('TRUE' AS bool)", true],
  ["CAST('n' AS bool)", false],
  ["CAST('2013-01-31T12:00:00.5-05:00' AS timestamp)", Date.UTC(2013, 0, 31, 17, 0, 0, 500)],
  ['CAST(true AS int)', 1],
  ['CAST(false AS double)', 0],
  ['CAST(true AS int64)', 1n],
  ['CAST(true AS string)', 'true'],
  ['CAST(3 AS string)', '3'],
  ['CAST(2.0 AS string)', '2'],
  ['CAST(1e300 AS string)', '1e+300'],
  ['CAST(9007199254740993 AS string)', '9007199254740993'],
  ['CAST(0 AS bool)', false],
  ['CAST(-0.5 AS bool)', true],
  ['CAST(9007199254740993 AS bool)', true],
  ['CAST(2.5 AS int)', 2],
  ['CAST(3.5 AS int)', 4],
  ['CAST(-2.5 AS int)', -2],
  ['CAST(-3.5 AS int)', -4],
  ['CAST(0.49999999999999994 AS int)', 0],
  ['CAST(1e18 AS int64)', 10n ** 18n],
  ['CAST(9007199254740993 AS double)', 9_007_199_254_740_992],
  ['3.7::int', 4],
  ["'7'::int + 1", 8],
])('%s', (text, value) => {
  expect(evaluated(text)).toBe(value);
});

test('a timestamp becomes RFC 3339 text or milliseconds, and text becomes it again', () => {
  const at = Date.UTC(2013, 0, 31, 17, 0, 0, 123);
  expect(evaluated('CAST(at AS string)', { at })).toBe('2013-01-31T17:00:00.123Z');
  expect(evaluated('CAST(at AS int)', { at })).toBe(at);
  expect(evaluated('CAST(CAST(at AS string) AS timestamp)', { at })).toBe(at);
});

test.each([
  ['int', ['', ' ', 'x', '1.5', '1e3', '1_000', '0x10', '--1', '9007199254740992', '１']],
  ['int64', ['', '1.0', '9223372036854775808', '-9223372036854775809', '1n']],
  ['double', ['', 'x', 'inf', 'nan', 'Infinity', '1e400', '1_0', '0x10', '.', '1e']],
  ['bool', ['', 'on', 'off', ' true', '2', 'tru']],
  ['timestamp', ['', '2013-01-31', '2013-01-31T17:00:00', '2013-02-30T00:00:00Z', '1359651600000']],
])('text that is no %s is an error on the row, and a problem where it is constant', (kind, texts) => {
  for (const s of texts) {
    expect(fails(`CAST(s AS ${kind})`, { s }), s).toBe(true);
    expect(problemsOf(`CAST('${s}' AS ${kind})`), s).toHaveLength(1);
  }
});

test('numbers beyond the target are errors', () => {
  expect(fails('CAST(x AS int)', { x: 2 ** 53 })).toBe(true);
  expect(fails('CAST(x AS int64)', { x: 2 ** 63 })).toBe(true);
  expect(evaluated('CAST(x AS int64)', { x: -(2 ** 63) })).toBe(-(2n ** 63n));
  expect(fails('CAST(w AS int)', { w: 2n ** 53n })).toBe(true);
  expect(evaluated('CAST(w AS int)', { w: 2n ** 53n - 1n })).toBe(Number.MAX_SAFE_INTEGER);
});

test('every name of a type means the type', () => {
  const names: Readonly<Record<string, readonly string[]>> = {
    string: ['string', 'varchar', 'TEXT'],
    bool: ['bool', 'boolean'],
    int: ['int', 'INTEGER'],
    int64: ['int64', 'bigint'],
    double: ['double', 'double precision', 'float8'],
    timestamp: ['timestamp', 'timestamptz', 'timestamp with time zone'],
  };
  for (const [kind, all] of Object.entries(names)) {
    for (const name of all) {
      expect(typeOf(`CAST(NULL AS ${name})`), name).toBe(`${kind}?`);
      expect(compiled(`CAST(NULL AS ${name})`).canonical).toBe(`CAST(NULL AS ${kind})`);
    }
  }
});

test('a type that there is not says which there are, or which to take', () => {
  expect(problemsOf('CAST(i AS decimal)')[0]).toMatchObject({ suggestion: 'double' });
  expect(problemsOf('CAST(at AS date)')[0]).toMatchObject({ suggestion: 'timestamp' });
  expect(problemsOf('CAST(i AS widget)')[0]?.expected).toBe('string, bool, int, int64, double, timestamp');
  expect(problemsOf('CAST(s AS varchar(3))')).toHaveLength(1);
  expect(problemsOf('CAST(i AS int[])')).toHaveLength(1);
  expect(problemsOf('CAST(i AS __proto__)')).toHaveLength(1);
});
