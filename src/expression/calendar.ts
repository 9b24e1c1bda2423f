/**
 * Clock and calendar of a time zone, from the runtime's IANA data. Offsets change only at whole quarter hours of UTC,
 * so one look-up serves a quarter hour; each zone keeps a bounded number of them.
 */
const QUARTER_HOUR_MS = 900_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Quarter hours kept per zone: four years of them would be 140,000; a stream touches few at a time. */
const OFFSETS_KEPT_MAX = 4_096;

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
  const offsets = new Map<number, number>();
  const clock: LocalClock = (utcMs) => {
    const quarter = Math.floor(utcMs / QUARTER_HOUR_MS);
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      offset = readOffsetMs(format, quarter * QUARTER_HOUR_MS);
      if (offsets.size >= OFFSETS_KEPT_MAX) offsets.clear();
      offsets.set(quarter, offset);
    }
    return utcMs + offset;
  };
  clocks.set(zone, clock);
  return clock;
}

function readOffsetMs(format: Intl.DateTimeFormat, utcMs: number): number {
  const name = format.formatToParts(utcMs).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
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
