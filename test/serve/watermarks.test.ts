import { expect, test } from 'vitest';
import { createWatermarks, earliest } from '../../src/serve/watermarks.ts';

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
