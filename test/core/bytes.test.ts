import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter, CorruptBytesError } from '../../src/core/bytes.ts';

const svarintMax = 2 ** 52 - 1;

test('what a writer writes, a reader reads', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 300 });
  const numbers = fc.array(fc.double({ noNaN: true }));
  fc.assert(
    fc.property(
      text,
      numbers,
      fc.maxSafeNat(),
      fc.integer({ min: -svarintMax, max: svarintMax }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (string, doubles, natural, integer, wide) => {
        const writer = new ByteWriter(1);
        writer.string(string);
        for (const double of doubles) writer.f64(double);
        writer.varint(natural);
        writer.svarint(integer);
        writer.i64(wide);
        writer.u32(0xfedcba98);
        const reader = new ByteReader(writer.copy());
        expect(reader.string()).toBe(string);
        for (const double of doubles) expect(reader.f64()).toBe(double);
        expect(reader.varint()).toBe(natural);
        expect(reader.svarint()).toBe(integer === 0 ? 0 : integer);
        expect(reader.i64()).toBe(wide);
        expect(reader.u32()).toBe(0xfedcba98);
        expect(reader.remaining).toBe(0);
      },
    ),
  );
});

test('reading past the end is a corrupt_state error, not undefined', () => {
  const reader = new ByteReader(new Uint8Array([0x80]));
  expect(() => reader.varint()).toThrow(CorruptBytesError);
  expect(() => new ByteReader(new Uint8Array(3)).u32()).toThrow(CorruptBytesError);
  expect(() => new ByteReader(new Uint8Array([200, 1])).string()).toThrow(CorruptBytesError);
});

test('bytes that are not UTF-8 are a corrupt_state error', () => {
  expect(() => new ByteReader(new Uint8Array([1, 0xff])).string()).toThrow(CorruptBytesError);
});

test('a varint past the safe integers is a corrupt_state error', () => {
  expect(() => new ByteReader(new Uint8Array(8).fill(0xff)).varint()).toThrow(CorruptBytesError);
});
