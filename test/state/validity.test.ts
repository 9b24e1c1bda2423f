/** The `as_of` interval in which an answer holds, from vectors worked out by hand. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../src/state/evaluate.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import { foldRows, HOUR, MINUTE, NOON, planOf, type Row, SECOND, times } from './support.ts';

function intervalOf(plan: ViewPlan, rows: readonly Row[], asOfMs: number, completeFromMs: number | null = null) {
  const state = rows.length === 0 ? null : foldRows(plan, rows).state;
  const { fromMs, untilMs } = evaluate(plan, state, asOfMs, completeFromMs);
  return [fromMs - NOON, untilMs - NOON];
}

/** One window of a minute, in hops of a second. */
const MINUTELY = planOf({ features: [{ name: 'f', agg: 'count', windows: ['1m'] }] });
const FOREVER = planOf({ features: [{ name: 'f', agg: 'count' }] });

describe('a window that ends at as_of', () => {
  const rows = times(NOON, NOON + 500, NOON + 10_250);

  test.each([
    ['before the first event nothing holds it but that event', NOON - 5, [-Infinity, 1]],
    ['at an event it is not yet counted', NOON, [-Infinity, 1]],
    ['one millisecond later it is', NOON + 1, [1, 501]],
    ['between events', NOON + 5_000, [501, 10_251]],
    ['until the hop of the oldest has left', NOON + 10_251, [10_251, 61_000]],
    ['and from then until the next hop leaves', NOON + 61_000, [61_000, 71_000]],
    ['for good once all have left', NOON + 71_000, [71_000, Infinity]],
  ] as const)('%s', (_of, asOfMs, expected) => {
    expect(intervalOf(MINUTELY, rows, asOfMs)).toStrictEqual(expected);
  });

  test('the same events in tiles give the same intervals from the seal on', () => {
    const sealing = planOf({ features: [{ name: 'f', agg: 'count', windows: ['1m'] }], view: { head_max: 1 } });
    expect(intervalOf(sealing, rows, NOON + 10_250)).toStrictEqual([10_250, 10_251]);
    expect(intervalOf(sealing, rows, NOON + 10_251)).toStrictEqual([10_251, 61_000]);
    expect(intervalOf(sealing, rows, NOON + 61_000)).toStrictEqual([61_000, 71_000]);
  });

  test('an as_of below the seal is out of history until the seal', () => {
    const sealing = planOf({ features: [{ name: 'f', agg: 'count', windows: ['1m'] }], view: { head_max: 1 } });
    expect(intervalOf(sealing, rows, NOON + 10_249)).toStrictEqual([-Infinity, 10_250]);
  });
});

describe('other windows', () => {
  test('lifetime ends only with the next event', () => {
    expect(intervalOf(FOREVER, times(NOON, NOON + 7), NOON + 3)).toStrictEqual([1, 8]);
    expect(intervalOf(FOREVER, times(NOON, NOON + 7), NOON + 8)).toStrictEqual([8, Infinity]);
  });

  test('an offset window is entered and left when a whole hop is', () => {
    const windows = [{ length: '1m', offset: '1h' }];
    const plan = planOf({ features: [{ name: 'f', agg: 'count', windows }] });
    const rows = times(NOON + 500);
    // The newest event is part of the answer: from NOON + 501 ms on there is one.
    expect(intervalOf(plan, rows, NOON)).toStrictEqual([-Infinity, 501]);
    expect(intervalOf(plan, rows, NOON + MINUTE)).toStrictEqual([501, HOUR + SECOND]);
    expect(intervalOf(plan, rows, NOON + HOUR + SECOND)).toStrictEqual([HOUR + SECOND, HOUR + MINUTE + SECOND]);
    expect(intervalOf(plan, rows, NOON + HOUR + MINUTE + SECOND)).toStrictEqual([HOUR + MINUTE + SECOND, Infinity]);
  });

  test('of several windows, the first change of any of them ends it', () => {
    const plan = planOf({ features: [{ name: 'f', agg: 'count', windows: ['1m', '1h'] }] });
    const rows = times(NOON);
    expect(intervalOf(plan, rows, NOON + 1)).toStrictEqual([1, 61_000]);
    expect(intervalOf(plan, rows, NOON + 61_000)).toStrictEqual([61_000, HOUR + MINUTE]);
  });

  test('max_age ends it one millisecond after the newest event is that old', () => {
    const plan = planOf({ features: [{ name: 'f', agg: 'count' }], view: { max_age: '10s' } });
    expect(intervalOf(plan, times(NOON), NOON + 10_000)).toStrictEqual([1, 10_001]);
    expect(intervalOf(plan, times(NOON), NOON + 10_001)).toStrictEqual([10_001, Infinity]);
  });
});

describe('history that begins late', () => {
  test('ends when the window begins at or after it, hops rounded up', () => {
    const completeFromMs = NOON + 300;
    expect(intervalOf(MINUTELY, times(NOON + 5_000), NOON + 6_000, completeFromMs)).toStrictEqual([5_001, 61_000]);
    expect(intervalOf(MINUTELY, times(NOON + 5_000), NOON + 61_000, completeFromMs)).toStrictEqual([61_000, 66_000]);
    expect(intervalOf(MINUTELY, [], NOON + 6_000, completeFromMs)).toStrictEqual([-Infinity, 61_000]);
    expect(intervalOf(MINUTELY, [], NOON + 61_000, completeFromMs)).toStrictEqual([61_000, Infinity]);
  });
});

test('an entity without any event is unknown for good', () => {
  expect(intervalOf(MINUTELY, [], NOON)).toStrictEqual([-Infinity, Infinity]);
});
