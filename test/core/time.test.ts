import fc from 'fast-check';
import { expect, test } from 'vitest';
import { floorTo, formatDuration, formatTimestamp, parseDurationMs, parseTimestampMs } from '../../src/core/time.ts';

test.for([
  ['250ms', 250],
  ['1s', 1_000],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['0s', 0],
] as const)('the duration %s is %d ms', ([text, ms]) => {
  expect(parseDurationMs(text)).toBe(ms);
});

test.for(['', '1', 'h', '1.5h', '-1h', '01h', '1 h', '1w', '1H', '999999999999999d'])(
  '"%s" is not a duration',
  (text) => {
    expect(parseDurationMs(text)).toBeNull();
  },
);

test('a formatted duration parses to the same length', () => {
  fc.assert(fc.property(fc.nat(10 ** 12), (ms) => parseDurationMs(formatDuration(ms)) === ms));
});

test.for([
  ['2013-01-31T17:00:00Z', '2013-01-31T17:00:00.000Z'],
  ['2013-01-31t17:00:00z', '2013-01-31T17:00:00.000Z'],
  ['2013-01-31T12:00:00-05:00', '2013-01-31T17:00:00.000Z'],
  ['2013-02-01T00:00:00.5+05:30', '2013-01-31T18:30:00.500Z'],
  ['2013-01-31T17:00:00.123999999Z', '2013-01-31T17:00:00.123Z'],
  ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
] as const)('the timestamp %s is %s', ([text, normal]) => {
  const ms = parseTimestampMs(text);
  expect(ms === null ? null : formatTimestamp(ms)).toBe(normal);
});

test.for([
  '2013-01-31T17:00:00',
  '2013-01-31',
  '2013-02-29T00:00:00Z',
  '2013-13-01T00:00:00Z',
  '2013-01-31T24:00:00Z',
  '2013-01-31T23:60:00Z',
  '2016-12-31T23:59:60Z',
  '2013-01-31T17:00:00+24:00',
  ' 2013-01-31T17:00:00Z',
  '1359651600000',
])('"%s" is not a timestamp', (text) => {
  expect(parseTimestampMs(text)).toBeNull();
});

test('flooring reaches toward the past below zero too, and never answers −0', () => {
  expect(floorTo(1_500, 1_000)).toBe(1_000);
  expect(floorTo(-1, 1_000)).toBe(-1_000);
  expect(Object.is(floorTo(0, 1_000), 0)).toBe(true);
  expect(Object.is(floorTo(-0, 1_000), 0)).toBe(true);
});
