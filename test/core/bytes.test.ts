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

test('a varint is LEB128 in as few bytes as it takes, around every power of two', () => {
  for (let power = 0; power <= 53; power++) {
    for (const value of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
      if (!Number.isSafeInteger(value)) continue;
      const expected: number[] = [];
      for (let rest = BigInt(value); expected.length === 0 || rest > 0n; rest >>= 7n) {
        expected.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
      }
      const writer = new ByteWriter(1);
      writer.varint(value);
      expect([...writer.copy()], String(value)).toStrictEqual(expected);
      expect(new ByteReader(writer.copy()).varint()).toBe(value);
    }
  }
});

test('shared copies of any length hold what was written when they were taken, whatever is written after', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 200 }), (all) => {
      const writer = new ByteWriter(16);
      const copies = all.map((bytes) => {
        writer.reset();
        writer.raw(bytes);
        return writer.copyShared();
      });
      for (const [index, bytes] of all.entries()) expect(Buffer.compare(copies[index] ?? Buffer.of(), bytes)).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test('a bit is set in a byte written before, and nowhere else', () => {
  const writer = new ByteWriter();
  for (const byte of [0, 1, 0]) writer.u8(byte);
  writer.setBit(1, 7);
  writer.setBit(2, 0);
  expect([...writer.copy()]).toStrictEqual([0, 0x81, 1]);
  expect(() => writer.setBit(3, 0)).toThrow('within what was written');
});
