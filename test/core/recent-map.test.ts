import { expect, test } from 'vitest';
import { RecentMap } from '../../src/core/recent-map.ts';

test('what was asked for lately stays, what was not is forgotten, and there are never more than two generations', () => {
  const map = new RecentMap<number, string>(10);
  map.set(0, 'asked for');
  for (let key = 1; key < 100; key++) {
    map.set(key, `${key}`);
    expect(map.get(0)).toBe('asked for');
    expect([...map.values()].length).toBeLessThanOrEqual(20);
  }
  expect(map.get(1)).toBeUndefined();
  expect(map.get(99)).toBe('99');
});

test('a value that is set anew is the one that is found, in whichever generation it was', () => {
  const map = new RecentMap<string, number>(2);
  for (const key of ['a', 'b', 'c']) map.set(key, 1);
  map.set('a', 2);
  map.set('c', 2);
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([2, 1, 2]);
  map.clear();
  expect([...map.values()]).toEqual([]);
});

test('of keys that are kept, also when they move, is made what may be kept', () => {
  const map = new RecentMap<string, number>(1, (key) => key.toUpperCase());
  map.set('a', 1);
  map.set('b', 2);
  expect([map.get('a'), map.get('A')]).toEqual([undefined, 1]);
  map.set('c', 3);
  expect([map.get('A'), map.get('C')]).toEqual([1, 3]);
});
