/** The fast path of mean, variance and stddev: it says NaN or the exact result, and rarely NaN for everyday data. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { meanIfCertain, stddevIfCertain, varianceIfCertain } from '../../src/aggregate/certain-rounding.ts';
import { addExact, addSquare, createExpansion } from '../../src/aggregate/exact-sum.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { oracleMean, oracleStddev, oracleVariance } from '../oracle/exact.ts';
import { squareDouble, sumDouble } from './generators.ts';

type Fast = (values: readonly number[]) => number;

const FAST: Readonly<Record<'mean' | 'variance' | 'stddev', readonly [Fast, Fast]>> = {
  mean: [
    (values) => {
      const sum = createExpansion();
      for (const x of values) addExact(sum, x);
      return meanIfCertain(sum, values.length);
    },
    (values) => oracleMean(values) as number,
  ],
  variance: [(values) => varianceIfCertain(...sums(values)), (values) => oracleVariance(values) as number],
  stddev: [(values) => stddevIfCertain(...sums(values)), (values) => oracleStddev(values) as number],
};

function sums(values: readonly number[]): Parameters<typeof varianceIfCertain> {
  const sum = createExpansion();
  const squares = createExpansion();
  for (const x of values) {
    addExact(sum, x);
    addSquare(squares, x);
  }
  return [sum, squares, values.length];
}

/** Values around a base, so close that nearly all of the variance cancels. */
const crowded = fc
  .tuple(
    fc.double({ min: 1, max: 2, noNaN: true }),
    fc.integer({ min: 1, max: 52 }),
    fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 20 }),
    fc.oneof(fc.constant(0), fc.integer({ min: -480, max: 470 })),
  )
  .map(([base, closeness, steps, exponent]) => {
    const values = steps.map((step) => (base + step * 2 ** -closeness) * 2 ** exponent);
    return values.filter((x) => Math.abs(x) >= 2 ** -480);
  })
  .filter((values) => values.length >= 2);

/** {c − x, c, c + x} with x halfway between two doubles: mean c, and a stddev of exactly x, which is a tie. */
const tied = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -200, max: 200 })).map(([drop, exponent]) => {
  const scale = 2 ** exponent;
  const centre = (1 - 2 ** -53) * scale;
  const shift = drop === 0 ? 0 : 2 ** (-30 - 5 * drop) * scale;
  return [-(2 ** -52) * scale, centre, 2 * scale, ...(shift === 0 ? [] : [centre + shift])];
});

/** `count` values whose sum is count·(x + half a last place), or beside it by next to nothing: the mean is a tie. */
const tiedMean = fc
  .tuple(
    fc.double({ min: 1, max: 2 - 2 ** -51, noNaN: true }),
    fc.integer({ min: 3, max: 40 }),
    fc.integer({ min: -1, max: 1 }),
  )
  .map(([x, count, sign]) => [
    ...Array.from({ length: count - 3 }, () => x),
    2 * x,
    x,
    count * 2 ** -53 + sign * 2 ** -100,
  ]);

for (const [name, [fast, oracle]] of Object.entries(FAST)) {
  const least = name === 'mean' ? 1 : 2;
  const anyValues = fc.array(name === 'mean' ? sumDouble : squareDouble, { minLength: least, maxLength: 12 });
  test(`${name}: what the fast path is certain of is exact`, () => {
    for (const values of [anyValues, crowded, tied, tiedMean]) {
      fc.assert(
        fc.property(values, (items) => {
          const certain = fast(items);
          if (!Number.isNaN(certain)) expect(certain).toBe(oracle(items));
        }),
        { numRuns: 1_500 },
      );
    }
  });

  test(`${name}: where the fast path is not certain the result is exact all the same`, () => {
    const aggregation = AGGREGATIONS.get(name);
    const algebra = aggregation?.algebra({ kind: 'double' }, {});
    let uncertain = 0;
    fc.assert(
      fc.property(fc.oneof(tied, tiedMean, crowded), (items) => {
        if (Number.isNaN(fast(items))) uncertain++;
        const state = algebra?.create();
        for (const x of items) algebra?.add(state, x, 0, 0, 0);
        expect(aggregation?.evaluate(state, {})).toBe(oracle(items));
      }),
      { numRuns: 1_500 },
    );
    // The generators reach both paths.
    expect(uncertain).toBeGreaterThan(15);
    expect(uncertain).toBeLessThan(1_400);
  });

  test(`${name}: everyday decimals hardly ever need the slow path`, () => {
    const decimals = fc.array(
      fc.integer({ min: -1_000_000, max: 1_000_000 }).map((cents) => cents / 100),
      { minLength: 3, maxLength: 40 },
    );
    const samples = fc.sample(decimals, { numRuns: 2_000, seed: 7 }).filter((values) => new Set(values).size > 1);
    const uncertain = samples.filter((values) => Number.isNaN(fast(values)));
    // A mean over 2, 4, 8, … values may be an exact tie, which takes the slow path.
    expect(uncertain.length / samples.length).toBeLessThan(name === 'mean' ? 0.08 : 0.01);
  });
}
