/** `deprecated: { on, sunset, use, reason }`: when something is given up, and what takes its place. */
import { nearestName } from '../core/suggest.ts';
import { parseTimestampMs } from '../core/time.ts';
import { child, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';

/** Days are UTC, as written: `2026-12-31`. */
export interface Deprecation {
  /** From then on nothing new should read it. */
  readonly on: string;
  readonly onMs: number;
  /** When it may be gone; null: not yet known. */
  readonly sunset: string | null;
  readonly sunsetMs: number | null;
  /** What to read instead: a thing of the same kind, a feature of the same view; null: nothing is. */
  readonly use: string | null;
  readonly reason: string;
}

/** Null where it is not deprecated, or after a report. */
export function readDeprecation(owner: Cursor): Deprecation | null {
  const cursor = child(owner, 'deprecated');
  if (!cursor) return null;
  const onMs = readDay(cursor, 'on');
  const sunsetMs = readDay(cursor, 'sunset');
  if (onMs === null) return null;
  const sunset = textAt(cursor, 'sunset');
  const at = child(cursor, 'sunset');
  if (at && sunsetMs !== null && sunsetMs < onMs) {
    report(at, 'bad_value', 'it would be gone before it is deprecated', { found: sunset, suggestion: 'a later day' });
  }
  return {
    on: textAt(cursor, 'on') ?? '',
    onMs,
    sunset,
    sunsetMs,
    use: textAt(cursor, 'use'),
    reason: textAt(cursor, 'reason') ?? '',
  };
}

function readDay(cursor: Cursor, key: 'on' | 'sunset'): number | null {
  const at = child(cursor, key);
  if (!at || typeof at.value !== 'string') return null;
  const ms = parseTimestampMs(`${at.value}T00:00:00Z`);
  if (ms === null) report(at, 'bad_value', 'there is no such day', { expected: 'a day', found: at.value });
  return ms;
}

/** What is to be read instead must be there, and be something else. */
export function checkReplacement(owner: Cursor, kind: string, own: readonly string[], known: Iterable<string>): void {
  const deprecated = child(owner, 'deprecated');
  const at = deprecated ? child(deprecated, 'use') : null;
  if (!at || typeof at.value !== 'string') return;
  const others = [...known].filter((name) => !own.includes(name));
  if (others.includes(at.value)) return;
  report(at, 'unknown_reference', `there is no other ${kind} of this name`, {
    found: at.value,
    suggestion: nearestName(at.value, others),
  });
}
