/** Durations of definitions: `DURATION_MS_MAX` bounds them, so that sums of a few stay safe integers. */
import { parseDurationMs } from '../core/time.ts';
import { child, report } from './cursor.ts';
import type { Cursor } from './cursor.ts';

/** A hundred years. */
export const DURATION_MS_MAX = 36_525 * 86_400_000;

/** The duration at `key` in ms; `fallback` where it is absent or was reported as broken. */
export function durationAt<T extends number | null>(cursor: Cursor, key: string, fallback: T, minMs = 0): number | T {
  const at = child(cursor, key);
  if (!at || typeof at.value !== 'string') return fallback;
  return readDuration(at, minMs) ?? fallback;
}

/** The duration at a cursor in ms; null after reporting that it is out of bounds. */
export function readDuration(cursor: Cursor, minMs: number): number | null {
  const ms = typeof cursor.value === 'string' ? parseDurationMs(cursor.value) : null;
  if (ms !== null && ms >= minMs && ms <= DURATION_MS_MAX) return ms;
  const expected = minMs > 0 ? 'a duration greater than zero, at most 36525d' : 'a duration of at most 36525d';
  report(cursor, 'bad_value', 'the duration is out of bounds', { expected, found: String(cursor.value) });
  return null;
}
