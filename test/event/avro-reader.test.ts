import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fault } from '../../src/event/convert.ts';
import { readerOf, writeAvro } from './schemas-support.ts';

const read = (schema: unknown, bytes: Uint8Array): unknown => readerOf(schema)(bytes, 0);
const roundTrip = (schema: unknown, value: unknown): unknown => read(schema, writeAvro(schema, value));
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const logical = (type: unknown, logicalType: string, more: object = {}): object => ({
  ...(typeof type === 'object' ? type : { type }),
  logicalType,
  ...more,
});
const fixed = (size: number): object => ({ type: 'fixed', name: 'f', size });
const record = (...fields: object[]): object => ({ type: 'record', name: 'r', fields });

test.for<[string, unknown, unknown, unknown]>([
  ['boolean', 'boolean', true, true],
  ['int', 'int', -2_147_483_648, -2_147_483_648],
  ['float', 'float', 0.10000000149011612, 0.10000000149011612],
  ['double', 'double', -0.1, -0.1],
  ['string', 'string', 'Zürich 😀', 'Zürich 😀'],
  ['bytes are base64', 'bytes', bytes('00ff10'), 'AP8Q'],
  ['fixed is base64', fixed(2), bytes('00ff'), 'AP8='],
  ['enum', { type: 'enum', name: 'e', symbols: ['A', 'B'] }, 'B', 'B'],
  ['array', { type: 'array', items: 'int' }, [1, 2, 3], [1, 2, 3]],
  ['map', { type: 'map', values: 'int' }, { a: 1 }, { a: 1 }],
  ['null of a union', ['null', 'int'], null, null],
  ['value of a union', ['null', 'int'], { int: 7 }, 7],
  ['value of a union that avsc calls ambiguous', ['int', 'double'], { double: 7.5 }, 7.5],
  ['record of a union', ['null', record({ name: 'x', type: 'int' })], { r: { x: 1 } }, { x: 1 }],
  ['timestamp-millis', logical('long', 'timestamp-millis'), 1_700_000_000_123, 1_700_000_000_123],
  ['timestamp-micros, before 1970 to the earlier millisecond', logical('long', 'timestamp-micros'), -1, -1],
  ['timestamp-micros', logical('long', 'timestamp-micros'), 1_700_000_000_123_999, 1_700_000_000_123],
  ['local-timestamp-micros', logical('long', 'local-timestamp-micros'), 1_999, 1],
  ['date', logical('int', 'date'), 19_000, 1_641_600_000_000],
  ['decimal of bytes', logical('bytes', 'decimal', { precision: 9, scale: 2 }), bytes('ff85'), -1.23],
  ['decimal of fixed', logical(fixed(4), 'decimal', { precision: 9, scale: 3 }), bytes('0000007b'), 0.123],
  ['decimal of no scale', logical('bytes', 'decimal', { precision: 9 }), bytes('0c35'), 3_125],
  ['decimal that is none is bytes', logical('bytes', 'decimal', { scale: -1 }), bytes('01'), 'AQ=='],
  ['uuid of a string', logical('string', 'uuid'), 'c0ffee', 'c0ffee'],
  ['uuid of fixed', logical(fixed(16), 'uuid'), Buffer.alloc(16, 0xab), 'abababab-abab-abab-abab-abababababab'],
  ['an unknown logical type is what is below it', logical('int', 'time-millis'), 5, 5],
])('%s', ([, schema, value, expected]) => {
  expect(roundTrip(schema, value)).toEqual(expected);
});

test('a long is exact: a number within ±(2^53−1), a bigint beyond', () => {
  const wanted = (value: bigint): unknown => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
  const edges = [
    0n,
    1n,
    -1n,
    2n ** 31n,
    2n ** 48n,
    -(2n ** 48n),
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ];
  for (const value of edges) expect([value, roundTrip('long', value)]).toEqual([value, wanted(value)]);
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      expect(roundTrip('long', value)).toBe(wanted(value));
    }),
  );
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(roundTrip('long', BigInt(value))).toBe(value === 0 ? 0 : value);
    }),
  );
});

test('nanoseconds beyond 2^53 are whole milliseconds', () => {
  const nanos = logical('long', 'timestamp-nanos');
  const data = (value: bigint): Uint8Array => writeAvro('long', value);
  expect(read(nanos, data(1_700_000_000_123_999_999n))).toBe(1_700_000_000_123);
  expect(read(nanos, data(-1_700_000_000_123_000_001n))).toBe(-1_700_000_000_124);
});

test('a decimal is the nearest double, whatever its digits', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 120n), 2n ** 120n), fc.nat(30), (unscaled, scale) => {
      const hex = BigInt.asUintN(128, unscaled).toString(16).padStart(32, '0');
      expect(roundTrip(logical('bytes', 'decimal', { precision: 38, scale }), bytes(hex))).toBe(
        Number(`${unscaled}e-${scale}`),
      );
    }),
  );
});

test('a field is found by its aliases, unless another has that name', () => {
  const schema = record(
    { name: 'airline', aliases: ['carrier', 'code'], type: 'string' },
    { name: 'code', type: 'int' },
  );
  expect(roundTrip(schema, { airline: 'AA', code: 1 })).toEqual({ airline: 'AA', carrier: 'AA', code: 1 });
});

test('records may hold themselves, and members may be called anything', () => {
  const list = { type: 'record', name: 'list', fields: [{ name: 'next', type: ['null', 'list'] }] };
  expect(roundTrip(list, { next: { list: { next: null } } })).toEqual({ next: { next: null } });
  const map = roundTrip({ type: 'map', values: 'int' }, JSON.parse('{"constructor":1}')) as object;
  expect([Object.hasOwn(map, 'constructor'), Object.hasOwn(map, 'toString')]).toEqual([true, false]);
});

test.for<[string, unknown, string]>([
  ['nothing', 'int', ''],
  ['an int that does not end', 'int', 'ffff'],
  ['an int of 33 bits', 'int', '8080808020'],
  ['a long of 11 bytes', 'long', 'ffffffffffffffffffff01'],
  ['a long of 65 bits', 'long', 'ffffffffffffffffff03'],
  ['a string longer than the bytes', 'string', '0861'],
  ['a string of a negative length', 'string', '01'],
  ['a string that is not UTF-8', 'string', '02ff'],
  ['a boolean of 2', 'boolean', '02'],
  ['a double of three bytes', 'double', '000000'],
  ['a branch that there is not', ['null', 'int'], '04'],
  ['a symbol that there is not', { type: 'enum', name: 'e', symbols: ['A'] }, '02'],
  ['an array of a billion ints that are not there', { type: 'array', items: 'int' }, '80a8d6b907'],
  ['a billion nulls, which take no bytes', { type: 'array', items: 'null' }, '80a8d6b90700'],
  ['a map without end', { type: 'map', values: 'int' }, 'feffffffffffffffff01'],
  ['bytes that are left over', 'int', '0200'],
  ['a decimal of 2,000 bytes', logical('bytes', 'decimal', { precision: 9, scale: 2 }), `a01f${'01'.repeat(2_000)}`],
])('%s: the bytes are malformed, and say so at once', ([, schema, hex]) => {
  expect(read(schema, bytes(hex))).toMatchObject({ code: 'malformed_avro' });
});

test('whatever the bytes, reading ends, and answers a value or a fault', () => {
  const schema = record(
    { name: 'a', type: ['null', 'long', 'string'] },
    { name: 'b', type: { type: 'array', items: ['int', 'double'] } },
    { name: 'c', type: { type: 'map', values: { type: 'array', items: 'null' } } },
    { name: 'd', type: logical('bytes', 'decimal', { precision: 9, scale: 2 }) },
    { name: 'e', type: ['null', 'r'] },
  );
  const reader = readerOf(schema);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (garbage) => {
      const value = reader(garbage, 0);
      expect(value instanceof Fault || (typeof value === 'object' && value !== null)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
  const deep = record({ name: 'e', type: ['null', 'r'] });
  expect(readerOf(deep)(Buffer.alloc(1_000_000, 2), 0)).toMatchObject({ code: 'malformed_avro' });
});

test('bytes that end too early are said to, whatever was to come', () => {
  for (const [schema, hex] of [
    ['double', '000000'],
    ['string', '0861'],
    [fixed(2), '00'],
    [{ type: 'array', items: 'int' }, '0c02'],
  ] as const) {
    expect(read(schema, bytes(hex))).toMatchObject({ message: 'the bytes end too early' });
  }
});
