/** Which types each aggregation takes, what it gives, and that a refusal says what to do. */
import { expect, test } from 'vitest';
import type { Aggregation } from '../../src/aggregate/aggregation.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { formatType, type ValueType } from '../../src/core/value.ts';
import type { AggregationParams } from '../../src/definition/definition.ts';
import { INPUTS } from './generators.ts';

const PARAMS: AggregationParams = { n: 3, k: 2, keys_max: 10, q: 0.5, edges: [0, 1] };

function resultOf(name: string, type: ValueType | null, params: AggregationParams = PARAMS): string {
  const result = (AGGREGATIONS.get(name) as Aggregation).resultType(
    type === null ? null : { type, nullable: true },
    params,
  );
  return 'problem' in result ? result.problem : formatType(result.type, result.nullable);
}

/** Types of results by type of input; what is missing is refused. */
const RESULTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sum: { int: 'double', double: 'double' },
  mean: { int: 'double?', double: 'double?' },
  variance: { int: 'double?', double: 'double?' },
  stddev: { int: 'double?', double: 'double?' },
  quantile: { int: 'double?', double: 'double?' },
  histogram: { int: 'int[]', double: 'int[]' },
  top_k: { int: 'int[]', int64: 'int64[]', string: 'string[]', bool: 'bool[]', timestamp: 'timestamp[]' },
};
for (const name of ['min', 'max']) {
  Object.assign(RESULTS, {
    [name]: {
      int: 'int?',
      double: 'double?',
      int64: 'int64?',
      string: 'string?',
      bool: 'bool?',
      timestamp: 'timestamp?',
    },
  });
}
const DISTINCT = ['int', 'double', 'int64', 'string', 'bool', 'timestamp'];
Object.assign(RESULTS, { count_distinct: Object.fromEntries(DISTINCT.map((kind) => [kind, 'int?'])) });

test('each aggregation takes the types it says, gives the type it says, and refuses the others in a sentence', () => {
  for (const [name, results] of Object.entries(RESULTS)) {
    for (const { type } of INPUTS) {
      const expected = results[formatType(type)];
      const actual = resultOf(name, type);
      if (expected === undefined) expect(actual, `${name} of ${formatType(type)}`).toContain(`${name} takes`);
      else expect(actual, `${name} of ${formatType(type)}`).toBe(expected);
    }
  }
});

test('count, first, last, last_n and time_since_last take anything', () => {
  for (const { type } of INPUTS) {
    expect(resultOf('count', type)).toBe('int');
    expect(resultOf('time_since_last', type)).toBe('int?');
    expect(resultOf('first', type)).toBe(formatType(type, true));
    expect(resultOf('last', type)).toBe(formatType(type, true));
    expect(resultOf('last_n', type)).toBe(`${formatType(type)}[]`);
  }
});

test('without `of` only count and time_since_last make sense, and the others say what they need', () => {
  for (const { name, of } of AGGREGATIONS.values()) {
    const result = resultOf(name, null);
    if (of === 'optional') expect(result).toMatch(/^int\??$/);
    else expect(result).toMatch(new RegExp(`^${name} needs \`of\``));
  }
});

test('a refusal says what to write instead', () => {
  expect(resultOf('mean', { kind: 'int64' })).toContain('CAST(… AS double)');
  expect(resultOf('quantile', { kind: 'string' })).toContain('CAST(… AS double)');
  expect(resultOf('sum', { kind: 'bool' })).toContain('CASE WHEN');
  expect(resultOf('top_k', { kind: 'double' })).toContain('CAST(… AS int)');
  expect(resultOf('count_distinct', { kind: 'struct', fields: [] })).toContain('concat');
});

test('parameters that do not fit one another are refused', () => {
  expect(resultOf('top_k', { kind: 'int' }, { k: 5, keys_max: 4 })).toContain('keys_max = 4');
  expect(resultOf('histogram', { kind: 'int' }, { edges: Array.from({ length: 257 }, (_, i) => i) })).toContain('256');
});

test('the bounds on magnitude are those of the arithmetic behind', () => {
  const magnitudes = [...AGGREGATIONS.values()].filter(({ magnitude }) => magnitude !== 'any');
  expect(Object.fromEntries(magnitudes.map(({ name, magnitude }) => [name, magnitude]))).toEqual({
    sum: 'sum',
    mean: 'sum',
    variance: 'square',
    stddev: 'square',
  });
});
