/**
 * Event time: integer milliseconds since the epoch, UTC. Durations: one integer and a unit (`ms|s|m|h|d`, `d` = 24 h).
 * Timestamps in: RFC 3339 with an offset, or integer ms; out: `.sssZ`.
 */

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(0|[1-9][0-9]{0,14})(ms|s|m|h|d)$/;
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** The largest |ms| that a timestamp may have (that of ECMAScript dates). */
export const TIMESTAMP_MS_MAX = 8_640_000_000_000_000;

/** `"15m"` → 900000; null if it is not a duration or not a safe integer of milliseconds. */
export function parseDurationMs(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT];
  return Number.isSafeInteger(ms) ? ms : null;
}

/** 900000 → `"15m"`: the largest unit that divides, but hours up to 48 h (`24h`, not `1d`). */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0ms';
  if (ms % MS_PER_UNIT.d === 0 && ms > 2 * MS_PER_UNIT.d) return `${ms / MS_PER_UNIT.d}d`;
  if (ms % MS_PER_UNIT.h === 0) return `${ms / MS_PER_UNIT.h}h`;
  if (ms % MS_PER_UNIT.m === 0) return `${ms / MS_PER_UNIT.m}m`;
  if (ms % MS_PER_UNIT.s === 0) return `${ms / MS_PER_UNIT.s}s`;
  return `${ms}ms`;
}

/**
 * RFC 3339 with an offset → ms; null if malformed, not a calendar date, or without an offset. Digits past the
 * millisecond are cut off toward the past, so that an event never moves later. A leap second is refused.
 */
export function parseTimestampMs(text: string): number | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(midnight);
  if (Number(year) < 100) date.setUTCFullYear(Number(year));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  const millis = fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'));
  const offsetMs = zoneOffsetMs(zone as string);
  if (offsetMs === null) return null;
  return (
    date.getTime() + Number(hour) * 3_600_000 + Number(minute) * 60_000 + Number(second) * 1_000 + millis - offsetMs
  );
}

function zoneOffsetMs(zone: string): number | null {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000);
}

/** ms → `2013-01-31T17:00:00.000Z`. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** The greatest multiple of `hopMs` that is ≤ `ms` (also below zero). */
export function floorTo(ms: number, hopMs: number): number {
  const floored = Math.floor(ms / hopMs) * hopMs;
  return floored === 0 ? 0 : floored;
}
