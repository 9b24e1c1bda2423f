import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SourceDefinition } from '../../src/definition/definition.ts';
import type { Value } from '../../src/core/value.ts';
import { encodeEntityKey, isEntityKeyTooLong } from '../../src/event/entity-key.ts';
import { encodeRecordKey } from '../../src/event/record-key.ts';

type KeyShape = SourceDefinition['key'];

function keyOf(encoding: KeyShape['encoding'], values: readonly Value[], separator = '|'): string | null {
  const fields = values.map((_value, index) => `f${index}`);
  const bytes = encodeRecordKey({ fields, encoding, separator }, values);
  if (bytes === null) return null;
  return encoding === 'int64be' ? Buffer.from(bytes).toString('hex') : Buffer.from(bytes).toString('utf8');
}

test('record keys are written as their encoding says', () => {
  expect(keyOf('string', ['JFK'])).toBe('JFK');
  expect(keyOf('string', ['JFK', 17n, true, 4])).toBe('JFK|17|true|4');
  expect(keyOf('string', ['a', 'b'], '::')).toBe('a::b');
  expect(keyOf('json', ['JFK'])).toBe('"JFK"');
  expect(keyOf('json', [9_007_199_254_740_993n])).toBe('"9007199254740993"');
  expect(keyOf('json', ['é', 4, false])).toBe('["é",4,false]');
  expect(keyOf('int64be', [1])).toBe('0000000000000001');
  expect(keyOf('int64be', [-2n])).toBe('fffffffffffffffe');
  expect(keyOf('int64be', [-(2n ** 63n)])).toBe('8000000000000000');
});

test('a record has no key when none is declared or a field of it is null', () => {
  expect(keyOf('string', [])).toBeNull();
  expect(keyOf('string', ['a', null])).toBeNull();
  expect(keyOf('json', [null])).toBeNull();
});

test('an entity key is a JSON array, with int64 as strings', () => {
  const scalar = fc.oneof(fc.string({ unit: 'grapheme' }), fc.bigInt(), fc.integer(), fc.boolean());
  fc.assert(
    fc.property(fc.array(scalar), (keys) => {
      const plain = keys.map((key) => (typeof key === 'bigint' ? key.toString() : key));
      expect(encodeEntityKey(keys)).toBe(JSON.stringify(plain));
    }),
  );
});

test('entities of one type that differ have keys that differ', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const keys = fc.tuple(fc.string({ unit: 'grapheme' }), int64, fc.maxSafeInteger());
  fc.assert(
    fc.property(keys, keys, (one, other) => {
      const same = one.every((part, index) => part === other[index]);
      expect(encodeEntityKey(one) === encodeEntityKey(other)).toBe(same);
    }),
  );
});

test('the bound of entity keys counts bytes', () => {
  expect(isEntityKeyTooLong('x'.repeat(1_024))).toBe(false);
  expect(isEntityKeyTooLong('x'.repeat(1_025))).toBe(true);
  expect(isEntityKeyTooLong('𝄞'.repeat(256))).toBe(false);
  expect(isEntityKeyTooLong('𝄞'.repeat(257))).toBe(true);
});
