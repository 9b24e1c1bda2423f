/**
 * Clock and calendar of a time zone, from the runtime's IANA data. Offsets are read once per quarter hour of UTC; in one
 * within which the offset changes (as some did before 1972) they are read anew for every instant.
 */
const QUARTER_HOUR_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Quarter hours kept per zone, nearly two years of them; `onFull: 'forget all'`. */
const OFFSETS_KEPT_MAX = 65_536;
/** Kept for a quarter hour within which the offset changes. */
const CHANGES = Number.NaN;

/** Local time as if it were UTC, so that UTC arithmetic reads the local clock. */
export type LocalClock = (utcMs: number) => number;

const clocks = new Map<string, LocalClock>();

/** Null if the runtime does not know the zone. */
export function localClock(zone: string): LocalClock | null {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  } catch {
    return null;
  }
  const clock = createClock((utcMs) => readOffsetMs(format, utcMs));
  clocks.set(zone, clock);
  return clock;
}

function createClock(offsetAt: (utcMs: number) => number): LocalClock {
  const offsets = new Map<number, number>();
  return (utcMs) => {
    const quarter = Math.floor(utcMs / QUARTER_HOUR_MS);
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      const [first, last] = [
        offsetAt(quarter * QUARTER_HOUR_MS),
        offsetAt(quarter * QUARTER_HOUR_MS + QUARTER_HOUR_MS - 1),
      ];
      offset = first === last ? first : CHANGES;
      if (offsets.size >= OFFSETS_KEPT_MAX) offsets.clear();
      offsets.set(quarter, offset);
    }
    return utcMs + (Number.isNaN(offset) ? offsetAt(utcMs) : offset);
  };
}

/** The largest |ms| that the runtime formats. */
const FORMATTED_MS_MAX = 8_640_000_000_000_000;

function readOffsetMs(format: Intl.DateTimeFormat, utcMs: number): number {
  const within = Math.min(FORMATTED_MS_MAX, Math.max(-FORMATTED_MS_MAX, utcMs));
  const name = format.formatToParts(within).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  const match = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name);
  if (match === null || match[1] === undefined) return 0;
  const ms = Number(match[2]) * HOUR_MS + Number(match[3]) * 60_000 + Number(match[4] ?? 0) * 1_000;
  return match[1] === '-' ? -ms : ms;
}

/** 0 to 23. */
export function hourOfDay(localMs: number): number {
  return Math.floor((localMs - Math.floor(localMs / DAY_MS) * DAY_MS) / HOUR_MS);
}

/** ISO 8601: Monday is 1, Sunday 7. The epoch was a Thursday. */
export function dayOfWeek(localMs: number): number {
  const day = (Math.floor(localMs / DAY_MS) + 3) % 7;
  return (day < 0 ? day + 7 : day) + 1;
}

/** 0 (Monday, midnight to one) to 167. */
export function hourOfWeek(localMs: number): number {
  return (dayOfWeek(localMs) - 1) * 24 + hourOfDay(localMs);
}

/** Days of 400 Gregorian years, after which the calendar repeats. */
const CYCLE_DAYS = 146_097;

/**
 * A date of 2000 to 2399 with the same day and month, for dates (of local clocks) reach beyond what `Date` holds; and
 * the years between.
 */
function inCycle(localMs: number): { readonly date: Date; readonly years: number } {
  const days = Math.floor(localMs / DAY_MS) - 10_957;
  const cycle = Math.floor(days / CYCLE_DAYS);
  return { date: new Date((days - cycle * CYCLE_DAYS + 10_957) * DAY_MS), years: cycle * 400 };
}

export function dayOfMonth(localMs: number): number {
  return inCycle(localMs).date.getUTCDate();
}

/** 1 to 12. */
export function month(localMs: number): number {
  return inCycle(localMs).date.getUTCMonth() + 1;
}

/** Astronomical: the year before 1 is 0. */
export function year(localMs: number): number {
  const { date, years } = inCycle(localMs);
  return date.getUTCFullYear() + years;
}
