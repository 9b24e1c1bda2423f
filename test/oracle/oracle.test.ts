/** The oracle is itself judged: by the conformance cases, which come from elsewhere, and by small sums done by hand. */
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import type { Aggregated } from './aggregate.ts';
import { type ConformanceCase, type ConformanceQuery, readCases, recordsOf, viewsOf } from './conformance.ts';
import type { OracleEvent } from './decode.ts';
import type { ModelView, OracleValue } from './model.ts';
import { eventsOf, oracleEvaluate } from './oracle.ts';
import * as rational from './rational.ts';

const CASES = readCases();

function valueOf(result: Aggregated): OracleValue {
  if (result.kind !== 'value') throw new RangeError('the cases hold no estimates');
  return result.value;
}

/** What the oracle answers to a query: names, values as rendered, statuses. */
function answer(
  views: readonly { readonly view: ModelView; readonly events: readonly OracleEvent[] }[],
  query: ConformanceQuery,
) {
  const results = views.flatMap(({ view, events }) => {
    const own = events.filter((event) => view.keys.every((key, i) => event.keys[i] === query.entity[key.name]));
    return oracleEvaluate(view, own, query.as_of);
  });
  return {
    features: results.map((result) => result.name),
    values: results.map(({ aggregation, status, result }) => {
      const value = valueOf(result);
      return aggregation === 'time_since_last' && status === 'PRESENT' ? query.as_of - Number(value) : value;
    }),
    status: results.map((result) => result.status),
  };
}

/** A copy in which every −0 is +0. */
function withoutNegativeZeros<T>(value: T): T {
  if (Object.is(value, -0)) return 0 as T;
  if (Array.isArray(value)) return value.map(withoutNegativeZeros) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutNegativeZeros(member)])) as T;
}

function answers(testCase: ConformanceCase) {
  const records = recordsOf(testCase);
  const views = viewsOf(testCase.definitions).map((view) => ({ view, events: eventsOf(view, records) }));
  return testCase.queries.map((query) => answer(views, query));
}

test('there are sixty conformance cases', () => expect(CASES).toHaveLength(60));

test.each(CASES.map((testCase) => [testCase.seed, testCase] as const))(
  'the oracle answers conformance case %i to the last bit',
  (_seed, testCase) => {
    const expected = testCase.queries.map(({ features, values, status }) => ({ features, values, status }));
    expect(answers(testCase)).toStrictEqual(withoutNegativeZeros(expected));
  },
);

// DESIGN section 3: "−0 becomes +0". Where a case passes a −0 of an event through, the oracle and the case differ in that sign alone.
test('the sign of zero is all that the cases and DESIGN disagree on', () => {
  const signed = CASES.filter(({ queries }) => {
    return queries.some(({ values }) => !isDeepStrictEqual(values, withoutNegativeZeros(values)));
  });
  expect(signed.map((testCase) => testCase.seed)).toStrictEqual([4, 7, 13, 20, 36, 49]);
});

test('sums, means and variances are exact before they are rounded once', () => {
  expect(rational.sum([1e16, 1, -1e16])).toBe(1);
  expect(rational.sum([2 ** 53, 1])).toBe(2 ** 53);
  expect(rational.sum([2 ** 53, 1, 2 ** -1074])).toBe(2 ** 53 + 2);
  expect(rational.sum([5e-324, -5e-324])).toBe(0);
  expect(rational.mean([5e-324, 0])).toBe(0);
  expect(rational.mean([5e-324, 5e-324, 5e-324, 0])).toBe(5e-324);
  expect(rational.mean([0.1, 0.2, 0.3])).toBe(0.2);
  expect(rational.variance([1, 2, 4])).toBe(7 / 3);
  expect(rational.stddev([1, 2, 4])).toBe(Math.sqrt(7 / 3));
  expect(rational.variance([3])).toBeNull();
  expect(rational.stddev([2 ** 480, -(2 ** 480)])).toBe(2 ** 480 * Math.SQRT2);
});
