/**
 * The example's events as they might have come in. The tables say when things happened and not when they were reported, so
 * that is made up here: one report of a flight in five is late, by up to six hours, always the same ones.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export const SOURCES = ['departures', 'arrivals', 'weather'] as const;
export type Source = (typeof SOURCES)[number];
/** The column that says when a report came. */
export const REPORTED_AT = 'reported_at';

export type Event = Readonly<Record<string, string | number | boolean | null>>;

export interface Report {
  readonly source: Source;
  readonly happenedMs: number;
  readonly reportedMs: number;
  /** With `reported_at`, which definitions do not know and ignore. */
  readonly event: Event;
}

const EVENT_TIME: Readonly<Record<Source, string>> = {
  departures: 'departed_at',
  arrivals: 'arrived_at',
  weather: 'observed_at',
};
const MINUTE_MS = 60_000;
const LATE_ONE_IN = 5;
const LATE_MINUTES_MAX = 360;

/** In the order in which they come. */
export function readReports(dataDir: string): readonly Report[] {
  const reports = SOURCES.flatMap((source) =>
    readEvents(dataDir, source).map((event): Report => {
      const happenedMs = Date.parse(String(event[EVENT_TIME[source]]));
      const reportedMs = happenedMs + delayMinutes(source, event) * MINUTE_MS;
      return {
        source,
        happenedMs,
        reportedMs,
        event: { ...event, [REPORTED_AT]: new Date(reportedMs).toISOString() },
      };
    }),
  );
  return reports.toSorted((one, other) => one.reportedMs - other.reportedMs);
}

export function readEvents(dataDir: string, source: Source): readonly Event[] {
  const text = gunzipSync(readFileSync(join(dataDir, `${source}.jsonl.gz`))).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
}

function delayMinutes(source: Source, event: Event): number {
  const id = event['flight_id'];
  if (id === undefined) return 0;
  const hash = createHash('sha256').update(`${source} ${id}`).digest().readUInt32BE();
  return hash % LATE_ONE_IN === 0 ? 1 + (Math.floor(hash / LATE_ONE_IN) % LATE_MINUTES_MAX) : 0;
}
