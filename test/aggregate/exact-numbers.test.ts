/** `sum`, `mean`, `variance` and `stddev` against exact arithmetic, bit for bit. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Aggregation } from '../../src/aggregate/aggregation.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { ByteWriter } from '../../src/core/bytes.ts';
import { oracleMean, oracleStddev, oracleSum, oracleVariance, roundQuotient } from '../oracle/exact.ts';
import { squareDouble, sumDouble } from './generators.ts';

type Oracle = (values: readonly number[]) => number | null;

const SUMS: readonly [string, Oracle][] = [
  ['sum', oracleSum],
  ['mean', oracleMean],
];
const SQUARES: readonly [string, Oracle][] = [
  ['variance', oracleVariance],
  ['stddev', oracleStddev],
];

function compute(name: string, values: readonly number[]): unknown {
  const aggregation = AGGREGATIONS.get(name) as Aggregation;
  const algebra = aggregation.algebra({ kind: 'double' }, {});
  const state = algebra.create();
  for (const [index, value] of values.entries()) algebra.add(state, value, index, 0, index);
  return aggregation.evaluate(state, {});
}

/** `Object.is`, so that −0 is not +0. */
function expectSame(name: string, values: readonly number[], oracle: Oracle): void {
  const actual = compute(name, values);
  const expected = oracle(values);
  if (!Object.is(actual, expected)) {
    throw new Error(`${name} of ${JSON.stringify(values)} is ${String(actual)}, exactly ${String(expected)}`);
  }
}

for (const [name, oracle] of SUMS) {
  test(`${name} is the exact result rounded once, for doubles of every magnitude up to 2^960`, () => {
    fc.assert(
      fc.property(fc.array(sumDouble, { maxLength: 40 }), (values) => expectSame(name, values, oracle)),
      { numRuns: 3_000 },
    );
  });
}

for (const [name, oracle] of SQUARES) {
  test(`${name} is the exact result rounded once, for doubles of every magnitude that is let in`, () => {
    fc.assert(
      fc.property(fc.array(squareDouble, { maxLength: 12 }), (values) => expectSame(name, values, oracle)),
      { numRuns: 2_000 },
    );
  });
}

/** Values that differ in their last places only, and opposites that cancel: what rounding twice gets wrong. */
const cancelling = fc
  .tuple(squareDouble, fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.boolean()), { maxLength: 16 }))
  .map(([base, steps]) =>
    steps.map(([step, opposite]) => {
      const near = base * (1 + step * 2 ** -52);
      const inBounds = Math.abs(near) <= 2 ** 480 && Math.abs(near) >= 2 ** -480 ? near : base;
      return opposite ? -inBounds : inBounds;
    }),
  );

for (const [name, oracle] of [...SUMS, ...SQUARES]) {
  test(`${name} stays exact where nearly everything cancels`, () => {
    fc.assert(
      fc.property(cancelling, (values) => expectSame(name, values, oracle)),
      { numRuns: 1_500 },
    );
  });

  test(`${name} of integers is exact up to ±(2^53 − 1)`, () => {
    const safeInteger = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -5, max: 5 }));
    fc.assert(
      fc.property(fc.array(safeInteger, { maxLength: 20 }), (values) => expectSame(name, values, oracle)),
      { numRuns: 1_500 },
    );
  });

  test(`${name} of everyday decimals, hundreds at a time`, () => {
    const decimal = fc.integer({ min: -10_000_000, max: 10_000_000 }).map((cents) => cents / 100);
    fc.assert(
      fc.property(fc.array(decimal, { minLength: 100, maxLength: 300 }), (values) => expectSame(name, values, oracle)),
      { numRuns: 60 },
    );
  });
}

test('ties round to even, and what lies below a tie decides it', () => {
  expect(compute('sum', [1, 2 ** -53])).toBe(1);
  expect(compute('sum', [1 + 2 ** -52, 2 ** -53])).toBe(1 + 2 ** -51);
  expect(compute('sum', [1, 2 ** -53, 5e-324])).toBe(1 + 2 ** -52);
  expect(compute('sum', [1, 2 ** -53, -5e-324])).toBe(1);
  expect(compute('sum', [-1, -(2 ** -53), -5e-324])).toBe(-1 - 2 ** -52);
  expect(compute('mean', [5e-324, 0])).toBe(0);
  expect(compute('mean', [1.5e-323, 0])).toBe(1e-323);
});

test('the textbook cases that a running double gets wrong', () => {
  expect(compute('sum', [1e288, 1, -1e288])).toBe(1);
  expect(compute('sum', [0.1, 0.2, 0.3, -0.6])).toBe(oracleSum([0.1, 0.2, 0.3, -0.6]));
  expect(compute('variance', [1e16, 1e16 + 2, 1e16 + 4])).toBe(4);
  expect(compute('variance', [2 ** 480, 2 ** 480])).toBe(0);
  expect(compute('stddev', [1, 1])).toBe(0);
});

test('a NaN or an infinity that got past every check is a fault, not an endless loop', () => {
  for (const bad of [Number.NaN, Infinity]) {
    const values = [bad, 1, bad, ...Array.from({ length: 80 }, (_, index) => 2 ** -index)];
    const algebra = (AGGREGATIONS.get('sum') as Aggregation).algebra({ kind: 'double' }, {});
    expect(() => {
      const state = algebra.create();
      for (const value of values) algebra.add(state, value, 0, 0, 0);
      algebra.encode(state, new ByteWriter());
    }).toThrow(/assertion failed/);
  }
});

test('no result is ever −0', () => {
  for (const values of [[-0], [-0, -0], [1, -1], [-5e-324, 0, 0, 0], [-5e-324, 2 ** -1000, -(2 ** -1000), 0, 0]]) {
    expect(Object.is(compute('sum', values), -0)).toBe(false);
    expect(Object.is(compute('mean', values), -0)).toBe(false);
  }
});

test('variance may be subnormal or vanish, and its root is still right', () => {
  const least = 2 ** -480;
  const values = [least, least * (1 + 2 ** -52), least, least];
  expectSame('variance', values, oracleVariance);
  expectSame('stddev', values, oracleStddev);
  expect(compute('stddev', values)).toBeGreaterThan(0);
});

test('mean and variance need values: null below one and two', () => {
  expect(compute('sum', [])).toBe(0);
  expect(compute('mean', [])).toBeNull();
  expect(compute('variance', [3])).toBeNull();
  expect(compute('stddev', [3])).toBeNull();
});

test('the oracle rounds a double to itself, and halves to even', () => {
  fc.assert(
    fc.property(sumDouble, (x) => {
      expect(oracleSum([x])).toBe(x);
    }),
  );
  expect(roundQuotient(2n ** 54n + 2n, 1n, 1n)).toBe(2 ** 53);
  expect(roundQuotient(2n ** 54n + 6n, 1n, 1n)).toBe(2 ** 53 + 4);
});
