import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText } from '../../src/core/text.ts';

test('strings are ordered by their UTF-8 bytes', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '𐀀', '😀') });
  fc.assert(
    fc.property(text, text, (left, right) => {
      expect(Math.sign(compareText(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
    }),
    { numRuns: 2_000 },
  );
});

test('U+FFFF comes before what is beyond it, unlike in UTF-16', () => {
  expect(['😀', '\uffff'].toSorted()).toEqual(['😀', '\uffff']);
  expect(['😀', '\uffff'].toSorted(compareText)).toEqual(['\uffff', '😀']);
});

test('a string comes after its own beginning', () => {
  expect(compareText('ab', 'a')).toBeGreaterThan(0);
  expect(compareText('', 'a')).toBeLessThan(0);
  expect(compareText('😀', '😀')).toBe(0);
});
