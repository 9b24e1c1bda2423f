import { expect, test } from 'vitest';
import { nearestName } from '../../src/core/suggest.ts';

test('a misspelt name finds the one that was meant', () => {
  expect(nearestName('dep_dealy', ['arr_delay', 'dep_delay', 'distance'])).toBe('dep_delay');
  expect(nearestName('Origin', ['origin'])).toBe('origin');
  expect(nearestName('cuont', ['sum', 'count'])).toBe('count');
  expect(nearestName('nmae', ['topic', 'name'])).toBe('name');
});

test('a name that is not near any is left alone', () => {
  expect(nearestName('tailnum', ['origin', 'dest'])).toBeNull();
  expect(nearestName('x', [])).toBeNull();
});
