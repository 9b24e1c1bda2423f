/** Values as Feast's SDK infers their types from JSON: `python_values_to_proto_values` of Feast 0.67. */
import { expect, test } from 'vitest';
import type { Value, ValueType } from '../../src/core/value.ts';
import { compileFeastWriter } from '../../src/vector/feast-text.ts';

const array = (element: ValueType, elementNullable = false): ValueType => ({
  kind: 'array',
  element,
  elementNullable,
  length: null,
});
const struct = (...fields: [string, ValueType][]): ValueType => ({
  kind: 'struct',
  fields: fields.map(([name, type]) => ({ name, type, nullable: true })),
});
const [double, int, int64, text]: ValueType[] = [
  { kind: 'double' },
  { kind: 'int' },
  { kind: 'int64' },
  { kind: 'string' },
] as const;
const timestamp: ValueType = { kind: 'timestamp' };

test.for<[string, ValueType | undefined, Value, string]>([
  ['a double that is whole has a point', double, 12, '12.0'],
  ['a double', double, 0.1, '0.1'],
  ['a double with an exponent is one already', double, 1e21, '1e+21'],
  ['the largest double', double, 1.7976931348623157e308, '1.7976931348623157e+308'],
  ['a small double', double, 5e-324, '5e-324'],
  ['zero', double, 0, '0.0'],
  ['a negative whole double', double, -3, '-3.0'],
  ['the greatest whole double without an exponent', double, 123456789012345680000, '123456789012345680000.0'],
  ['an int has none', int, 12, '12'],
  ['an int64 is digits', int64, -9_223_372_036_854_775_808n, '-9223372036854775808'],
  ['a string', text, 'é"', '"é\\""'],
  ['a timestamp', timestamp, 0, '"1970-01-01T00:00:00.000Z"'],
  ['a list', array({ kind: 'double' }), [1, 2.5], '[1.0,2.5]'],
  ['a list of int64', array({ kind: 'int64' }), [1n], '[1]'],
  [
    'a list of structs',
    array(struct(['d', { kind: 'double' }], ['s', { kind: 'string' }])),
    [{ d: 1, s: null }],
    '[{"d":1.0,"s":null}]',
  ],
  ['a struct', struct(['l', { kind: 'int64' }]), { l: 7n }, '{"l":7}'],
  ['an empty list, on which the SDK fails, is null', array({ kind: 'string' }), [], 'null'],
  ['a list that may hold nulls is JSON in a string', array({ kind: 'double' }, true), [1, null], '"[1,null]"'],
  ['so is a list of lists', array(array({ kind: 'string' })), [['a'], []], '"[[\\"a\\"],[]]"'],
  ['so is a struct with a list', struct(['q', array({ kind: 'string' })]), { q: [] }, '"{\\"q\\":[]}"'],
])('%s', ([, type, value, expected]) => {
  const write = compileFeastWriter(type as ValueType);
  expect(write(value)).toBe(expected);
  expect(write(null)).toBe('null');
});
