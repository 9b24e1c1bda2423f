/** Clock and calendar functions, over changes of the clock, against instants worked out by hand from the zones' laws. */
import { expect, test } from 'vitest';
import { evaluated, fails, problemsOf, typeOf } from './support.ts';

function reading(call: string, instant: string): unknown {
  return evaluated(call, { at: Date.parse(instant) });
}

// United States since 2007: from the second Sunday in March, 02:00 EST, to the first in November, 02:00 EDT.
test.each([
  ['2013-03-10T06:59:59.999Z', 1],
  ['2013-03-10T07:00:00.000Z', 3],
  ['2013-11-03T05:59:59.999Z', 1],
  ['2013-11-03T06:00:00.000Z', 1],
  ['2013-11-03T06:59:59.999Z', 1],
  ['2013-11-03T07:00:00.000Z', 2],
  ['2013-01-01T04:59:59.999Z', 23],
  ['2013-01-01T05:00:00.000Z', 0],
  ['2013-07-01T04:00:00.000Z', 0],
])('the hour in New York at %s is %d', (instant, hour) => {
  expect(reading("hour_of_day(at, 'America/New_York')", instant)).toBe(hour);
});

test.each([
  // British summer time: the last Sundays of March and October, 01:00 UTC.
  ['Europe/London', '2013-03-31T00:59:59.999Z', 0],
  ['Europe/London', '2013-03-31T01:00:00.000Z', 2],
  ['Europe/London', '2013-10-27T00:59:59.999Z', 1],
  ['Europe/London', '2013-10-27T01:00:00.000Z', 1],
  // Lord Howe Island moves by half an hour: from UTC+10:30 to UTC+11 on the first Sunday in October, 02:00.
  ['Australia/Lord_Howe', '2013-10-05T15:29:59.999Z', 1],
  ['Australia/Lord_Howe', '2013-10-05T15:30:00.000Z', 2],
  ['Australia/Lord_Howe', '2013-04-06T14:59:59.999Z', 1],
  ['Australia/Lord_Howe', '2013-04-06T15:00:00.000Z', 1],
  // No change of clocks.
  ['Asia/Kolkata', '2013-01-01T18:29:59.999Z', 23],
  ['Asia/Kolkata', '2013-01-01T18:30:00.000Z', 0],
  ['Asia/Kathmandu', '2013-01-01T18:15:00.000Z', 0],
  ['America/Phoenix', '2013-07-01T07:00:00.000Z', 0],
  ['Pacific/Honolulu', '2013-07-01T10:00:00.000Z', 0],
  ['UTC', '2013-07-01T10:00:00.000Z', 10],
])('the hour in %s at %s is %d', (zone, instant, hour) => {
  expect(reading(`hour_of_day(at, '${zone}')`, instant)).toBe(hour);
});

test('a country that left out a day has no such day', () => {
  // Samoa went from UTC−10 to UTC+14 at the end of 29 December 2011.
  expect(reading("day_of_month(at, 'Pacific/Apia')", '2011-12-30T09:59:59.999Z')).toBe(29);
  expect(reading("day_of_month(at, 'Pacific/Apia')", '2011-12-30T10:00:00.000Z')).toBe(31);
  expect(reading("day_of_week(at, 'Pacific/Apia')", '2011-12-30T09:59:59.999Z')).toBe(4);
  expect(reading("day_of_week(at, 'Pacific/Apia')", '2011-12-30T10:00:00.000Z')).toBe(6);
});

test('weeks begin on Monday, and hours of the week are counted from its midnight', () => {
  for (let day = 0; day < 14; day++) {
    const at = Date.UTC(2013, 0, 7 + day, 5);
    expect(evaluated('day_of_week(at)', { at })).toBe((day % 7) + 1);
    expect(evaluated('hour_of_week(at)', { at })).toBe((day % 7) * 24 + 5);
  }
  // Sunday 23:00 in New York is Monday in UTC.
  expect(reading("hour_of_week(at, 'America/New_York')", '2013-01-07T04:00:00Z')).toBe(167);
  expect(reading("hour_of_week(at, 'America/New_York')", '2013-01-07T05:00:00Z')).toBe(0);
});

test('a week in which clocks go back has an hour twice, one in which they go forward lacks one', () => {
  const hours = (from: string): unknown[] =>
    Array.from({ length: 4 }, (_, index) =>
      evaluated("hour_of_week(at, 'America/New_York')", { at: Date.parse(from) + index * 3_600_000 }),
    );
  expect(hours('2013-11-03T04:00:00Z')).toEqual([144, 145, 145, 146]);
  expect(hours('2013-03-10T05:00:00Z')).toEqual([144, 145, 147, 148]);
});

test('dates are those of the Gregorian calendar, before the epoch and over leap days as well', () => {
  const parts = (instant: string): unknown[] =>
    ['year(at)', 'month(at)', 'day_of_month(at)', 'day_of_week(at)'].map((call) => reading(call, instant));
  expect(parts('2000-02-29T12:00:00Z')).toEqual([2000, 2, 29, 2]);
  expect(parts('1900-03-01T00:00:00Z')).toEqual([1900, 3, 1, 4]);
  expect(parts('1969-12-31T23:59:59.999Z')).toEqual([1969, 12, 31, 3]);
  expect(parts('0001-01-01T00:00:00Z')).toEqual([1, 1, 1, 1]);
  expect(parts('-000001-12-31T00:00:00Z')).toEqual([-1, 12, 31, 5]);
  expect(reading("year(at, 'America/New_York')", '2013-01-01T04:59:59Z')).toBe(2012);
});

test('readings are right at both ends of what a timestamp holds', () => {
  for (const at of [8.64e15, -8.64e15]) {
    const date = new Date(at);
    expect(evaluated('year(at)', { at })).toBe(date.getUTCFullYear());
    expect(evaluated('month(at)', { at })).toBe(date.getUTCMonth() + 1);
    expect(evaluated('day_of_month(at)', { at })).toBe(date.getUTCDate());
  }
  // 20 April 275760 and the year −271821, an hour beyond what Date holds.
  expect(evaluated("hour_of_day(at, 'Asia/Kolkata')", { at: 8.64e15 })).toBe(5);
  expect(evaluated("day_of_month(at, 'Etc/GMT+1')", { at: -8.64e15 })).toBe(19);
});

test('an offset that changes within a quarter hour is read at the instant', () => {
  // Paris set its clocks back by 9 min 21 s at midnight between 10 and 11 March 1911.
  expect(reading("hour_of_day(at, 'Europe/Paris')", '1911-03-10T23:50:38Z')).toBe(23);
  expect(reading("hour_of_day(at, 'Europe/Paris')", '1911-03-10T23:50:39Z')).toBe(23);
  expect(reading("day_of_month(at, 'Europe/Paris')", '1911-03-10T23:50:39Z')).toBe(10);
  // Monrovia went from −0:44:30 to 0 on 7 January 1972, at 00:44:30 UTC.
  expect(reading("hour_of_day(at, 'Africa/Monrovia')", '1972-01-07T00:44:29Z')).toBe(23);
  expect(reading("hour_of_day(at, 'Africa/Monrovia')", '1972-01-07T00:44:30Z')).toBe(0);
});

test('milliseconds and timestamps turn into each other within the range of timestamps', () => {
  expect(evaluated('epoch_ms(at)', { at: -5 })).toBe(-5);
  expect(evaluated('timestamp_ms(i)', { i: 1_359_651_600_123 })).toBe(1_359_651_600_123);
  expect(typeOf('timestamp_ms(i)')).toBe('timestamp?');
  expect(evaluated('timestamp_ms(i)', { i: 8.64e15 })).toBe(8.64e15);
  expect(fails('timestamp_ms(i)', { i: 8.64e15 + 1 })).toBe(true);
  expect(evaluated('hour_of_day(at)')).toBeNull();
});

test('a zone is a constant that is known', () => {
  expect(problemsOf("hour_of_day(at, 'Mars/Base')")[0]).toMatchObject({ start: 16, found: "'Mars/Base'" });
  expect(problemsOf('hour_of_day(at, s)')[0]).toMatchObject({ start: 16, found: 'string?' });
  expect(problemsOf("hour_of_day('2013-01-01', 'UTC')")[0]).toMatchObject({ start: 12, expected: 'timestamp' });
});
