/** `quantile` against sorted values: the stated relative error holds for whatever doubles there are. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Aggregation, OVER_LIMIT } from '../../src/aggregate/aggregation.ts';
import { BUCKETS_MAX, bucketKey, bucketValue } from '../../src/aggregate/ddsketch.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { anyDouble } from './generators.ts';

const quantile = AGGREGATIONS.get('quantile') as Aggregation;
const algebra = quantile.algebra({ kind: 'double' }, {});
const QUANTILES = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 1];

function expectAccurate(values: readonly number[]): void {
  const state = algebra.create();
  for (const value of values) algebra.add(state, value, 0, 0, 0);
  const ascending = Float64Array.from(values).sort();
  for (const q of QUANTILES) {
    const exact = ascending[Math.floor(q * (values.length - 1))] as number;
    const served = quantile.evaluate(state, { q }) as number;
    const allowed = Math.abs(exact) * 0.01 + (Math.abs(exact) < 2 ** -1022 ? 5e-324 : 0);
    if (!(Math.abs(served - exact) <= allowed)) throw new Error(`q = ${q}: ${served}, exactly ${exact}`);
  }
}

test('any doubles: the value served is within 1 % of the value of rank ⌊q·(n − 1)⌋', () => {
  fc.assert(
    fc.property(fc.array(anyDouble, { minLength: 1, maxLength: 200 }), (values) => expectAccurate(values)),
    { numRuns: 500 },
  );
});

test('shapes that sketches find hard: steps, heavy tails, both signs, one value, zeros', () => {
  const numbers = (count: number, f: (index: number) => number): number[] =>
    Array.from({ length: count }, (_, index) => f(index));
  expectAccurate(numbers(10_000, (index) => 1 / (index + 1) ** 3));
  expectAccurate(numbers(10_000, (index) => (index % 2 === 0 ? 1 : -1) * index ** 5));
  expectAccurate(numbers(1_000, (index) => (index < 990 ? 0 : 1e300)));
  expectAccurate(numbers(1_000, () => -17.25));
  expectAccurate(numbers(2_000, (index) => 2 ** ((index % 2_000) - 1_000)));
  expectAccurate(numbers(1_000, (index) => 1 + index * 2 ** -52));
  expectAccurate(numbers(1_001, (index) => index - 500));
});

test('every bucket’s bounds, seen from both sides, are within the stated error of its value', () => {
  // Around each bound: the last double below it and the first in it, found by bisection over a few octaves.
  for (const octave of [-1_022, -537, -1, 0, 1, 52, 1_022]) {
    const start = 2 ** octave;
    for (let step = 0; step < 38; step++) {
      const key = bucketKey(start) + step;
      let low = start;
      let high = start * 2;
      for (let halvings = 0; halvings < 60; halvings++) {
        const middle = low + (high - low) / 2;
        if (bucketKey(middle) >= key) high = middle;
        else low = middle;
      }
      for (const x of [low, high]) {
        expect(Math.abs(bucketValue(bucketKey(x)) / x - 1)).toBeLessThanOrEqual(0.01);
      }
    }
  }
});

test('keys ascend with values, mirror at zero, and stay within their bound', () => {
  fc.assert(
    fc.property(anyDouble, anyDouble, (one, other) => {
      if (one < other) expect(bucketKey(one)).toBeLessThanOrEqual(bucketKey(other));
      expect(bucketKey(-one)).toBe(0 - bucketKey(one));
      expect(Math.abs(bucketKey(one))).toBeLessThanOrEqual(79_724);
      expect(Number.isFinite(bucketValue(bucketKey(one)))).toBe(true);
    }),
    { numRuns: 5_000 },
  );
  expect(bucketKey(5e-324)).toBe(1);
  expect(bucketKey(Number.MAX_VALUE)).toBe(79_724);
  expect(bucketKey(2 - 2 ** -52)).toBe(bucketKey(2) - 1);
});

test('the mapping is pinned: these may never change, for stored sketches hold them', () => {
  expect([1, 1.01, 1.5, 10, 1e-9, 12_345.678, 1e300, 5e-310].map(bucketKey)).toMatchInlineSnapshot(`
    [
      40813,
      40813,
      40835,
      40938,
      39676,
      41329,
      78682,
      1768,
    ]
  `);
  expect([40_813, 40_814, 41_000, 1, 79_724].map(bucketValue)).toMatchInlineSnapshot(`
    [
      1.0098202075570875,
      1.0297557055171487,
      30.491754457552414,
      5e-324,
      1.7801195772800705e+308,
    ]
  `);
});

test('over no values it is null', () => {
  expect(quantile.evaluate(algebra.create(), { q: 0.5 })).toBeNull();
});

/** The first value of so many neighbouring buckets. */
function bucketValues(count: number): number[] {
  return Array.from({ length: count }, (_, index) => bucketValue(bucketKey(1e-20) + index));
}

test('a window that needs more buckets than are held is OVER_LIMIT, one that just fits is not', () => {
  const full = algebra.create();
  for (const value of bucketValues(BUCKETS_MAX)) algebra.add(full, value, 0, 0, 0);
  expect(quantile.evaluate(full, { q: 0.5 })).not.toBe(OVER_LIMIT);
  const other = algebra.create();
  algebra.add(other, -1, 0, 0, 0);
  algebra.merge(other, full);
  expect(quantile.evaluate(other, { q: 0.5 })).toBe(OVER_LIMIT);
  algebra.add(full, -1, 0, 0, 0);
  expect(quantile.evaluate(full, { q: 0.5 })).toBe(OVER_LIMIT);
  algebra.add(full, 1, 0, 0, 0);
  expect(quantile.evaluate(full, { q: 0.5 })).toBe(OVER_LIMIT);
  const third = algebra.create();
  algebra.merge(third, full);
  expect(quantile.evaluate(third, { q: 0.5 })).toBe(OVER_LIMIT);
});
