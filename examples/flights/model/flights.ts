/** Flights that are scored: an hour before they are to leave, at the full quarter. */
import { join } from 'node:path';
import { readEvents } from './reports.ts';

export interface Flight {
  readonly id: string;
  /** When it is scored. */
  readonly asOfMs: number;
  readonly departedMs: number;
  /** By more than a quarter of an hour. */
  readonly late: boolean;
  /** What a request for its vector says: keys and inputs of the service. */
  readonly request: Readonly<Record<string, string | number>>;
}

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** All January. */
const NEW_YORK_BEHIND_MS = 5 * HOUR_MS;
const LATE_MINUTES = 15;

/** Those that left, scheduled from `fromMs` to `untilMs`; no flight leaves an hour early, so none is in its own vector. */
export function readFlights(folder: string, fromMs: number, untilMs: number): readonly Flight[] {
  return readEvents(join(folder, 'data'), 'departures').flatMap((event): Flight[] => {
    const { flight_id, scheduled_at, departed_at, dep_delay, origin, dest, carrier, tailnum, distance } = event;
    const scheduledMs = Date.parse(String(scheduled_at));
    if (typeof dep_delay !== 'number' || typeof tailnum !== 'string') return [];
    if (scheduledMs < fromMs || scheduledMs >= untilMs) return [];
    return [
      {
        id: String(flight_id),
        asOfMs: Math.floor((scheduledMs - HOUR_MS) / QUARTER_MS) * QUARTER_MS,
        departedMs: Date.parse(String(departed_at)),
        late: dep_delay > LATE_MINUTES,
        request: {
          origin: String(origin),
          dest: String(dest),
          carrier: String(carrier),
          tailnum,
          scheduled_hour: new Date(scheduledMs - NEW_YORK_BEHIND_MS).getUTCHours(),
          distance: Number(distance),
        },
      },
    ];
  });
}
