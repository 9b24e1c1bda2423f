/** `count_distinct` against exact counts: its stated error holds for every type, at every size. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Aggregation, Algebra } from '../../src/aggregate/aggregation.ts';
import {
  addHash,
  createSketch,
  decodeSketch,
  encodeSketch,
  estimateDistinct,
} from '../../src/aggregate/hyperloglog.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../../src/core/bytes.ts';
import type { ScalarKind, Value } from '../../src/core/value.ts';

const countDistinct = AGGREGATIONS.get('count_distinct') as Aggregation;
const STANDARD_ERROR = 1.04 / Math.sqrt(4_096);

function algebraOf(kind: ScalarKind): Algebra<unknown> {
  return countDistinct.algebra({ kind }, {});
}

function estimate(kind: ScalarKind, values: Iterable<Value>): number {
  const algebra = algebraOf(kind);
  const state = algebra.create();
  for (const value of values) algebra.add(state, value, 0, 0, 0);
  return countDistinct.evaluate(state, {}) as number;
}

/** The i-th of many values of a type, none of them twice. */
const NTH: Readonly<Partial<Record<ScalarKind, (index: number) => Value>>> = {
  int: (index) => index,
  int64: (index) => BigInt(index) * 4_294_967_296n - 2n ** 62n,
  double: (index) => index / 1_000,
  timestamp: (index) => 1_359_651_600_000 + index * 60_000,
  string: (index) => `user-${index}`,
};

function* distinct(kind: ScalarKind, from: number, count: number): Generator<Value> {
  const nth = NTH[kind] as (index: number) => Value;
  for (let index = from; index < from + count; index++) yield nth(index);
}

for (const kind of Object.keys(NTH) as ScalarKind[]) {
  test(`${kind}: the error over many samples is what is stated, without bias`, () => {
    for (const [size, samples] of [
      [100, 200],
      [1_000, 200],
      [5_000, 100],
      [20_000, 60],
    ] as const) {
      const errors = Array.from({ length: samples }, (_, sample) => {
        return estimate(kind, distinct(kind, sample * 1_000_003, size)) / size - 1;
      });
      const bias = errors.reduce((sum, error) => sum + error, 0) / samples;
      const spread = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / samples);
      expect(spread, `spread at ${size}`).toBeLessThan(STANDARD_ERROR * 1.35);
      expect(Math.abs(bias), `bias at ${size}`).toBeLessThan((4 * STANDARD_ERROR) / Math.sqrt(samples));
    }
  });

  test(`${kind}: no estimate along the way to 200,000 is off by more than four standard errors`, () => {
    const algebra = algebraOf(kind);
    const state = algebra.create();
    let seen = 0;
    let next = 1;
    for (const value of distinct(kind, 7, 200_000)) {
      algebra.add(state, value, 0, 0, 0);
      seen++;
      if (seen < next) continue;
      next = Math.ceil(seen * 1.1);
      const error = Math.abs((countDistinct.evaluate(state, {}) as number) - seen);
      expect(error, `at ${seen}`).toBeLessThanOrEqual(Math.max(1, 4 * STANDARD_ERROR * seen));
    }
  });
}

test('values seen again change nothing, and a handful is counted exactly', () => {
  const values = ['', 'a', 'b', 'a', '𝄞', '', 'a'];
  expect(estimate('string', values)).toBe(4);
  expect(estimate('bool', [true, false, true])).toBe(2);
  expect(
    estimate(
      'int',
      Array.from({ length: 1_000 }, (_, index) => index % 7),
    ),
  ).toBe(7);
  expect(estimate('int64', [2n ** 53n, 2n ** 53n + 1n])).toBe(2);
});

test('over no values it is null', () => {
  expect(countDistinct.evaluate(algebraOf('string').create(), {})).toBeNull();
});

/** The four ways a sketch is held and written: few registers, an array in memory, and densely written. */
const SIZES = [0, 1, 200, 256, 257, 400, 1_000, 1_150, 1_200, 3_000, 60_000];

test('how a sketch is held changes neither bytes nor estimate', () => {
  const algebra = algebraOf('int');
  for (const size of SIZES) {
    const whole = algebra.create();
    const parts = Array.from({ length: 7 }, () => algebra.create());
    for (const value of distinct('int', 0, size)) {
      algebra.add(whole, value, 0, 0, 0);
      algebra.add(parts[(value as number) % 7], value, 0, 0, 0);
    }
    const merged = algebra.create();
    for (const part of parts) algebra.merge(merged, part);
    const bytes = encode(algebra, whole);
    expect(encode(algebra, merged)).toEqual(bytes);
    const read = algebra.decode(new ByteReader(bytes));
    expect(encode(algebra, read)).toEqual(bytes);
    const estimates = [whole, merged, read].map((state) => countDistinct.evaluate(state, {}));
    expect(new Set(estimates).size).toBe(1);
  }
});

test('a sketch of few values takes few bytes, and no sketch more than 3,073', () => {
  const algebra = algebraOf('int');
  for (const size of SIZES) {
    const state = algebra.create();
    for (const value of distinct('int', 0, size)) algebra.add(state, value, 0, 0, 0);
    expect(encode(algebra, state).length).toBeLessThanOrEqual(Math.min(3 + 3 * size, 3_073));
  }
});

test('merging counts the union, in any order', () => {
  const sets = fc.array(fc.tuple(fc.nat(3_000), fc.nat(2_000)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(sets, (ranges) => {
      const algebra = algebraOf('int');
      const states = ranges.map(([from, count]) => {
        const state = algebra.create();
        for (const value of distinct('int', from, count)) algebra.add(state, value, 0, 0, 0);
        return state;
      });
      const forward = algebra.create();
      for (const state of states) algebra.merge(forward, state);
      const backward = algebra.create();
      for (const state of states.reverse()) algebra.merge(backward, state);
      expect(encode(algebra, backward)).toEqual(encode(algebra, forward));
      const union = new Set(ranges.flatMap(([from, count]) => [...distinct('int', from, count)]));
      const estimated = (countDistinct.evaluate(forward, {}) as number | null) ?? 0;
      expect(Math.abs(estimated - union.size)).toBeLessThanOrEqual(Math.max(2, 4.5 * STANDARD_ERROR * union.size));
    }),
    { numRuns: 60 },
  );
});

/** Ranks of the one register that a hash raised, as they are written: sparse, one pair, register 0. */
function rankOf(first: number, second: number): number {
  const sketch = createSketch();
  addHash(sketch, first, second);
  const writer = new ByteWriter();
  encodeSketch(sketch, writer);
  const reader = new ByteReader(writer.copy());
  expect([reader.u8(), reader.varint()]).toEqual([0, 1]);
  return reader.varint();
}

test('a rank counts the zeros after the register’s bits, through both words', () => {
  expect(rankOf(0x000fffff, 0)).toBe(1);
  expect(rankOf(0x00000001, 0xffffffff)).toBe(20);
  expect(rankOf(0, 0xffffffff)).toBe(21);
  expect(rankOf(0, 1)).toBe(52);
  expect(rankOf(0, 0)).toBe(53);
});

test('estimates hold up to 10^18, where registers fill', () => {
  // Registers drawn from the distribution that so many distinct hashes give them.
  let seed = 12_345;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (seed + 0.5) / 2 ** 32;
  };
  for (const size of [1e5, 1e7, 1e9, 1e12, 1e15, 1e18]) {
    const dense = new Uint8Array(4_096);
    for (let register = 0; register < 4_096; register++) {
      const chance = random();
      let rank = 0;
      while (rank < 53 && Math.exp((-size / 4_096) * (rank === 0 ? 1 : 2 ** -rank)) < chance) rank++;
      dense[register] = rank;
    }
    const estimated = estimateDistinct({ sparse: [], dense });
    expect(Math.abs(estimated / size - 1), `at ${size}`).toBeLessThan(4 * STANDARD_ERROR);
  }
});

test('registers that no hash can give are refused', () => {
  const sparse = (...numbers: number[]): ByteReader => {
    const writer = new ByteWriter();
    writer.u8(0);
    for (const number of numbers) writer.varint(number);
    return new ByteReader(writer.copy());
  };
  expect(decodeSketch(sparse(2, 53, 64 * 4_094 + 1)).sparse.length).toBe(2);
  for (const reader of [sparse(1, 54), sparse(1, 64), sparse(1, 64 * 4_096 + 1), sparse(2, 1, 64 * 4_095 + 1)]) {
    expect(() => decodeSketch(reader)).toThrow(CorruptBytesError);
  }
  const dense = new Uint8Array(3_073).fill(0x41);
  dense[0] = 1;
  expect(decodeSketch(new ByteReader(dense)).dense?.length).toBe(4_096);
  dense.fill(0xff, 1_000, 1_003);
  expect(() => decodeSketch(new ByteReader(dense))).toThrow(CorruptBytesError);
});

function encode(algebra: Algebra<unknown>, state: unknown): Uint8Array {
  const writer = new ByteWriter();
  algebra.encode(state, writer);
  return writer.copy();
}
