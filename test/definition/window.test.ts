/** Hops follow from lengths. */
import { expect, test } from 'vitest';
import { defaultHopMs } from '../../src/definition/window.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

test.each([
  [1, 1_000],
  [MINUTE_MS, 1_000],
  [MINUTE_MS + 1, 5_000],
  [10 * MINUTE_MS, 5_000],
  [10 * MINUTE_MS + 1, MINUTE_MS],
  [HOUR_MS, MINUTE_MS],
  [HOUR_MS + 1, 5 * MINUTE_MS],
  [6 * HOUR_MS, 5 * MINUTE_MS],
  [6 * HOUR_MS + 1, 15 * MINUTE_MS],
  [DAY_MS, 15 * MINUTE_MS],
  [DAY_MS + 1, HOUR_MS],
  [7 * DAY_MS, HOUR_MS],
  [7 * DAY_MS + 1, 6 * HOUR_MS],
  [30 * DAY_MS, 6 * HOUR_MS],
  [30 * DAY_MS + 1, DAY_MS],
  [3_650 * DAY_MS, DAY_MS],
])('a window of %i ms has a hop of %i ms', (lengthMs, hopMs) => {
  expect(defaultHopMs(lengthMs)).toBe(hopMs);
});

test('each default hop divides the next', () => {
  const hops = [1, 2, 11, 61, 361, 1_441, 10_081, 43_201].map((minutes) => defaultHopMs(minutes * MINUTE_MS));
  for (const [index, hopMs] of hops.entries()) {
    if (index > 0) expect(hopMs % (hops[index - 1] as number)).toBe(0);
  }
  expect(new Set(hops).size).toBe(8);
});
