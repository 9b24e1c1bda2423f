/** Values to bytes and back: what is read equals what was written, whatever the type; lengths are not believed. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileValueCodec, readInteger, valueBytesMax, writeInteger } from '../../src/aggregate/value-codec.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../../src/core/bytes.ts';
import { formatType, type ValueType } from '../../src/core/value.ts';
import { INPUTS, safeInteger } from './generators.ts';

for (const { type, values } of INPUTS) {
  test(`${formatType(type)}: what is read is what was written, to the last byte`, () => {
    const codec = compileValueCodec(type);
    fc.assert(
      fc.property(values('any'), (value) => {
        const writer = new ByteWriter();
        codec.write(writer, value);
        const reader = new ByteReader(writer.copy());
        expect(codec.read(reader)).toStrictEqual(value);
        expect(reader.remaining).toBe(0);
        if (!['string', 'array', 'struct'].includes(type.kind)) {
          expect(writer.length).toBeLessThanOrEqual(valueBytesMax(type));
        }
      }),
      { numRuns: 500 },
    );
  });
}

test('integers: any safe one in at most 9 bytes, small ones in one', () => {
  fc.assert(
    fc.property(safeInteger, (value) => {
      const writer = new ByteWriter();
      writeInteger(writer, value);
      expect(readInteger(new ByteReader(writer.copy()))).toBe(value);
      expect(writer.length).toBeLessThanOrEqual(Math.abs(value) < 60 ? 1 : 9);
    }),
    { numRuns: 1_000 },
  );
});

test('an array’s length is checked before it is believed, even if its elements take no bytes', () => {
  const nothing: ValueType = { kind: 'struct', fields: [] };
  const codec = compileValueCodec({ kind: 'array', element: nothing, elementNullable: false, length: null });
  const writer = new ByteWriter();
  writer.varint(2 ** 50);
  expect(() => codec.read(new ByteReader(writer.copy()))).toThrow(CorruptBytesError);
});

test('doubles that no event can hold are refused', () => {
  const codec = compileValueCodec({ kind: 'double' });
  for (const bad of [Number.NaN, Infinity, -Infinity, -0]) {
    const writer = new ByteWriter();
    writer.f64(bad);
    expect(() => codec.read(new ByteReader(writer.copy()))).toThrow(CorruptBytesError);
  }
});
