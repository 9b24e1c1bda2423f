/** The events committed with the flights example are what its script makes of the raw tables, and stay true to them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { localClockToUtcMs } from '../../examples/flights/local-time.ts';
import { prepareEvents, toJsonLines } from '../../examples/flights/prepare.ts';

const EXAMPLE = new URL('../../examples/flights/', import.meta.url);
const SOURCES = ['departures', 'arrivals', 'weather'] as const;

const prepared = await prepareEvents(fileURLToPath(new URL('raw', EXAMPLE)));

function committed(source: string): string {
  return gunzipSync(readFileSync(new URL(`data/${source}.jsonl.gz`, EXAMPLE))).toString('utf8');
}

// Not `toBe`: on a difference it would print megabytes.
test.each(SOURCES)('the committed %s are what the script makes', (source) => {
  expect(committed(source) === toJsonLines(prepared[source])).toBe(true);
});

test('the script makes the same of the same tables every time', async () => {
  const again = await prepareEvents(fileURLToPath(new URL('raw', EXAMPLE)));
  for (const source of SOURCES) expect(toJsonLines(again[source]) === toJsonLines(prepared[source])).toBe(true);
});

test('every flight of the month departs or is cancelled, and no flight arrives that did not depart', () => {
  expect(prepared.departures).toHaveLength(27_004);
  const ids = new Set(prepared.departures.map((event) => event['flight_id']));
  expect(ids.size).toBe(27_004);
  const flown = prepared.departures.filter((event) => event['cancelled'] === false).map((event) => event['flight_id']);
  const departed = new Set(flown);
  expect(prepared.arrivals.filter((event) => !departed.has(event['flight_id'] as string))).toStrictEqual([]);
});

test('a flight takes longer than it is in the air, by no more than taxiing explains', () => {
  const groundMinutes = prepared.arrivals.flatMap((event) => {
    const minutes = (Date.parse(String(event['arrived_at'])) - Date.parse(String(event['departed_at']))) / 60_000;
    return event['air_time'] === null ? [] : [minutes - Number(event['air_time'])];
  });
  expect(groundMinutes.length).toBeGreaterThan(26_000);
  expect(Math.min(...groundMinutes)).toBe(7);
  expect(Math.max(...groundMinutes)).toBe(156);
});

test.each([
  // 23:59 in New York is 20:59 in Los Angeles: the arrival at 00:30 is on the next day there.
  [30, 'America/Los_Angeles', '2013-01-16T04:59:00Z', '2013-01-16T08:30:00Z'],
  [2400, 'America/New_York', '2013-01-16T03:00:00Z', '2013-01-16T05:00:00Z'],
  [700, 'America/New_York', '2013-01-16T12:00:00Z', '2013-01-17T12:00:00Z'],
  // Clocks go forward at 02:00, and back at 02:00.
  [330, 'America/New_York', '2013-03-10T06:00:00Z', '2013-03-10T07:30:00Z'],
  [130, 'America/New_York', '2013-11-03T05:00:00Z', '2013-11-03T05:30:00Z'],
  // 02:30 is skipped that night, and shown in the next.
  [230, 'America/New_York', '2013-03-10T05:00:00Z', '2013-03-11T06:30:00Z'],
  // Honolulu keeps no summer time, and is a day behind in the early morning.
  [1530, 'Pacific/Honolulu', '2013-01-01T15:00:00Z', '2013-01-02T01:30:00Z'],
])('%i in %s after %s is %s', (clock, zone, after, expected) => {
  expect(new Date(localClockToUtcMs(clock, zone, Date.parse(after))).toISOString()).toBe(
    new Date(expected).toISOString(),
  );
});
