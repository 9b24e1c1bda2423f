import { expect, test } from 'vitest';
import { createWatermarks, earliest, sourceWatermark } from '../../src/serve/watermarks.ts';

test('a watermark never falls, whatever is read later; sources do not share one', () => {
  const { observe } = createWatermarks();
  expect(observe('a', null)).toBeNull();
  expect(observe('a', -5)).toBe(-5);
  expect(observe('a', 10)).toBe(10);
  expect(observe('a', 7)).toBe(10);
  expect(observe('a', null)).toBe(10);
  expect(observe('b', 3)).toBe(3);
});

test('the earliest of several is that of those that have one', () => {
  expect(earliest([])).toBeNull();
  expect(earliest([null, null])).toBeNull();
  expect(earliest([5, null, -1, 9])).toBe(-1);
});

test('a partition that is idle by its owner heartbeat holds nothing back; if all are, the earliest does', () => {
  const at = (watermarkMs: number | null, receivedAtMs: number | null, heartbeatMs = 100_000) => ({
    watermarkMs,
    receivedAtMs,
    heartbeatMs,
  });
  const idleAfterMs = 60_000;
  expect(sourceWatermark([at(5, 99_000), at(9, 99_000)], idleAfterMs)).toBe(5);
  expect(sourceWatermark([at(5, 39_999), at(9, 99_000)], idleAfterMs)).toBe(9);
  // Exactly idle_after is not idle yet; nor is one whose owner died while it received.
  expect(sourceWatermark([at(5, 40_000), at(9, 99_000)], idleAfterMs)).toBe(5);
  expect(sourceWatermark([at(5, 10_000, 20_000), at(9, 99_000)], idleAfterMs)).toBe(5);
  expect(sourceWatermark([at(5, 1), at(9, 2), at(null, null)], idleAfterMs)).toBe(5);
  // An active partition whose records were all rejected has no watermark, and holds none back.
  expect(sourceWatermark([at(null, 99_000), at(9, 1)], idleAfterMs)).toBe(9);
  expect(sourceWatermark([at(null, null)], idleAfterMs)).toBeNull();
  expect(sourceWatermark([], idleAfterMs)).toBeNull();
});
