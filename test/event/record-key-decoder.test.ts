/** Which row a deletion is about: what `encodeRecordKey` wrote is read as it was, or not at all. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Value } from '../../src/core/value.ts';
import type { SourceDefinition } from '../../src/definition/definition.ts';
import { Fault } from '../../src/event/convert.ts';
import { encodeRecordKey } from '../../src/event/record-key.ts';
import { compileKeyDecoder } from '../../src/event/record-key-decoder.ts';
import { load, sourceOf } from './support.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const VALUES: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  string: fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('a', '|', '\uFEFF', '"', '-', '1') }),
  ),
  bool: fc.boolean(),
  int: fc.maxSafeInteger(),
  int64,
  timestamp: fc.integer({ min: -8.64e15, max: 8.64e15 }),
};
const TYPES = Object.keys(VALUES);
const SEPARATORS = ['|', '||', 'aa', '-', '1', ' é '];

interface Setting {
  readonly encoding: 'string' | 'json' | 'int64be';
  readonly separator?: string;
  readonly envelope?: boolean;
}

/** A source whose key has fields `f0`, `f1`, … of these types. */
function sourceWith(
  types: readonly string[],
  { encoding, separator = '|', envelope = false }: Setting,
): SourceDefinition {
  const fields = types.map((type, index) => [`f${index}`, { type, path: `${envelope ? 'after.' : ''}${9 - index}` }]);
  const source = {
    name: 's',
    mode: 'upsert',
    ...(envelope ? { envelope: 'debezium' } : {}),
    key: { fields: fields.map(([name]) => name), encoding, separator },
    event_time: 'at',
    fields: { at: 'timestamp', ...(Object.fromEntries(fields) as object) },
  };
  return sourceOf(load(JSON.stringify({ sources: [source] })));
}

const setting: fc.Arbitrary<Setting> = fc.oneof(
  fc.record({ encoding: fc.constant('string' as const), separator: fc.constantFrom(...SEPARATORS) }),
  fc.record({ encoding: fc.constant('json' as const), envelope: fc.boolean() }),
);
const written = fc
  .array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 })
  .chain((types) =>
    fc.tuple(fc.constant(types), fc.tuple(...types.map((type) => VALUES[type] as fc.Arbitrary<Value>))),
  );

test('a key that was written is read as it was, or refused for a separator within a value', () => {
  let refused = 0;
  let read = 0;
  fc.assert(
    fc.property(setting, written, (how, [types, values]) => {
      const source = sourceWith(types, how);
      const decoded = compileKeyDecoder(source)(encodeRecordKey(source.key, values), null);
      const isUnsafe = (value: Value): boolean => typeof value === 'bigint' && !Number.isSafeInteger(Number(value));
      if (decoded instanceof Fault) {
        refused++;
        expect(decoded.code).toBe('unreadable_key');
        const mayBeRefused =
          how.encoding === 'string' ? types.length > 1 : how.envelope === true && values.some(isUnsafe);
        expect(mayBeRefused, decoded.message).toBe(true);
        return;
      }
      read++;
      expect(decoded).toEqual(values);
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(800);
  expect(refused).toBeGreaterThan(20);
});

test.each([
  ['||', 'a|', 'b'],
  ['||', 'a', '|b'],
  ['aa', 'xa', 'y'],
])('where a separator %s may begin in more than one place, neither is taken', (separator, one, other) => {
  const source = sourceWith(['string', 'string'], { encoding: 'string', separator });
  const decoded = compileKeyDecoder(source)(encodeRecordKey(source.key, [one, other]), null);
  expect(decoded).toMatchObject({ code: 'unreadable_key' });
});

test.each(['int', 'int64', 'timestamp'])('int64be of %s is read as it was', (type) => {
  const source = sourceWith([type], { encoding: 'int64be' });
  const decode = compileKeyDecoder(source);
  fc.assert(
    fc.property(VALUES[type] as fc.Arbitrary<Value>, (value) => {
      // Within other bytes, as adapters hand out keys.
      const bytes = encodeRecordKey(source.key, [value]) as Uint8Array;
      const around = Uint8Array.from([9, ...bytes, 9]);
      expect(decode(around.subarray(1, 9), null)).toEqual([value]);
    }),
  );
});

test('whatever the bytes, a key is read as values of its types or refused', () => {
  const settings: readonly Setting[] = [
    { encoding: 'string' },
    { encoding: 'json' },
    { encoding: 'json', envelope: true },
  ];
  const decoders = settings.flatMap((how) =>
    [['string'], ['int64', 'bool'], ['timestamp', 'int', 'string']].map((types) =>
      compileKeyDecoder(sourceWith(types, how)),
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        for (const decode of decoders) {
          const decoded = decode(bytes, null);
          if (decoded instanceof Fault) expect(decoded.code).toBe('unreadable_key');
          else
            expect(
              decoded.every(
                (value) => value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value),
              ),
            ).toBe(true);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

const text = (value: string): Uint8Array => Buffer.from(value);
const DEBEZIUM = sourceWith(['int64', 'string'], { encoding: 'json', envelope: true });

test("Debezium's key object is written in the order of the key, with int64 as a number", () => {
  const bytes = encodeRecordKey(DEBEZIUM.key, [9_007_199_254_740_993n, 'é"']);
  expect(Buffer.from(bytes ?? []).toString()).toBe('{"9":9007199254740993,"8":"é\\""}');
});

test.each([
  ['plain', '{"9":1,"8":"a"}', [1n, 'a']],
  ['in any order', '{"8":"a","9":"1"}', [1n, 'a']],
  ['with schemas', '{"schema":{"type":"struct"},"payload":{"9":1,"8":"a"}}', [1n, 'a']],
  ['with a null', '{"9":null,"8":"a"}', [null, 'a']],
])("Debezium's key object is read %s", (_name, key, values) => {
  expect(compileKeyDecoder(DEBEZIUM)(text(key), null)).toEqual(values);
});

test('without a key, the row before says which it was', () => {
  expect(compileKeyDecoder(DEBEZIUM)(null, { 9: 4, 8: 'b', other: 1 })).toEqual([4n, 'b']);
});

test.each<[string, Setting, Uint8Array | null, object | null, string]>([
  ['no key', { encoding: 'json' }, null, null, 'the record has no key'],
  ['no UTF-8', { encoding: 'string' }, Uint8Array.from([0xff]), null, 'not UTF-8'],
  ['no JSON', { encoding: 'json' }, text('a'), null, 'not JSON'],
  ['another length', { encoding: 'json' }, text('[1]'), null, 'an array of 1'],
  ['no array', { encoding: 'json' }, text('{"f0":1}'), null, 'expected a JSON array of 2, found an object'],
  ['another type', { encoding: 'json' }, text('["x","a"]'), null, 'f0: expected int64'],
  ['no separator', { encoding: 'string' }, text('1'), null, 'found 0'],
  ['a separator too many', { encoding: 'string' }, text('1|a|b'), null, 'encoding: json'],
  ['a member that is missing', { encoding: 'json', envelope: true }, text('{"9":1}'), null, 'a JSON object with 9, 8'],
  ['a row before without it', { encoding: 'json', envelope: true }, null, { 9: 1 }, 'before: f1: null or absent'],
  // A key that is there and wrong is not passed over for the row.
  ['a wrong key beside a row', { encoding: 'json', envelope: true }, text('x'), { 9: 1, 8: 'a' }, 'not JSON'],
])('refused: %s', (_name, how, key, before, message) => {
  const decoded = compileKeyDecoder(sourceWith(['int64', 'string'], how))(key, before);
  expect(decoded).toMatchObject({ code: 'unreadable_key' });
  expect((decoded as Fault).message).toContain(message);
});
