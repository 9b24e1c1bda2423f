/** Expansions: bounded whatever they hold, and refused unless they are in the one written form. */
import { expect, test } from 'vitest';
import {
  addExact,
  COMPONENTS_MAX,
  decodeExpansion,
  encodeExpansion,
  type Expansion,
  leadingFirst,
} from '../../src/aggregate/exact-sum.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../../src/core/bytes.ts';
import { scaled } from '../oracle/exact.ts';

function exactly(sum: Expansion): bigint {
  return sum.parts.slice(0, sum.used).reduce((total, part) => total + scaled(part), 0n);
}

/** As many components as there can be: one bit in 54 from the lowest to the highest. */
const LONGEST = Array.from({ length: 38 }, (_, index) => 2 ** (-1_074 + 54 * index));

test('a sum that needs every component there can be is held and written whole', () => {
  const sum: Expansion = { parts: [], used: 0 };
  for (const part of LONGEST) addExact(sum, part);
  const writer = new ByteWriter();
  encodeExpansion(sum, writer);
  const read = decodeExpansion(new ByteReader(writer.copy()));
  expect(exactly(read)).toBe(exactly(sum));
  expect(read.used).toBe(38);
});

test('an expansion in fragments is compacted before it grows long, and its sum stays', () => {
  const parts = Array.from({ length: 60 }, (_, index) => 2 ** (-900 + 2 * index));
  const sum: Expansion = { parts, used: parts.length };
  const before = exactly(sum);
  addExact(sum, 2 ** 900);
  expect(sum.used).toBeLessThanOrEqual(COMPONENTS_MAX);
  expect(exactly(sum)).toBe(before + scaled(2 ** 900));
});

test('the written form is unique where the second component is exactly half a last place', () => {
  const sum: Expansion = { parts: [], used: 0 };
  for (const part of [2 ** -1_000, 2 ** -53, 1]) addExact(sum, part);
  expect(leadingFirst(sum)).toEqual([1 + 2 ** -52, -(2 ** -53), 2 ** -1_000]);
});

function written(...components: number[]): ByteReader {
  const writer = new ByteWriter();
  writer.u8(components.length);
  for (const component of components) writer.f64(component);
  return new ByteReader(writer.copy());
}

test('components that overlap, ascend, vanish or are no finite doubles are refused', () => {
  expect(decodeExpansion(written(1, 2 ** -53)).used).toBe(2);
  for (const components of [
    [1, 2 ** -52],
    [2 ** -60, 1],
    [0],
    [1, 0],
    [Number.NaN],
    [Infinity],
    [1, Number.NaN],
    [Number.MAX_VALUE],
    [5e-324, 5e-324],
    Array.from({ length: 41 }, (_, index) => 2 ** (1_000 - 50 * index)),
  ]) {
    expect(() => decodeExpansion(written(...components)), String(components)).toThrow(CorruptBytesError);
  }
});
