/**
 * Windows: their hops, their names and their words for the catalog. A window of length `w` and hop `h` covers
 * `[floor(t − w, h), t)`; with an offset `o` it ends earlier, `[floor(t − o − w, h), floor(t − o, h))`.
 */
import { formatDuration } from '../core/time.ts';
import { assert } from '../core/assert.ts';
import { child, isMapping, items, report } from './cursor.ts';
import type { Cursor, MaybeCursor } from './cursor.ts';
import type { Window } from './definition.ts';
import { readDuration } from './duration.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Up to this length, this hop; each hop divides the next. */
const HOPS: readonly { readonly lengthMsMax: number; readonly hopMs: number }[] = [
  { lengthMsMax: MINUTE_MS, hopMs: SECOND_MS },
  { lengthMsMax: 10 * MINUTE_MS, hopMs: 5 * SECOND_MS },
  { lengthMsMax: HOUR_MS, hopMs: MINUTE_MS },
  { lengthMsMax: 6 * HOUR_MS, hopMs: 5 * MINUTE_MS },
  { lengthMsMax: 24 * HOUR_MS, hopMs: 15 * MINUTE_MS },
  { lengthMsMax: 7 * DAY_MS, hopMs: HOUR_MS },
  { lengthMsMax: 30 * DAY_MS, hopMs: 6 * HOUR_MS },
  { lengthMsMax: Number.POSITIVE_INFINITY, hopMs: DAY_MS },
];

/** The hop of a window whose hop is not declared. */
export function defaultHopMs(lengthMs: number): number {
  const row = HOPS.find((candidate) => lengthMs <= candidate.lengthMsMax);
  assert(row !== undefined, 'the last row has no bound');
  return row.hopMs;
}

/** A window as declared: what it covers, and the tail of the names of its features (`24h_ago_7d`; '' for none). */
export interface NamedWindow {
  readonly window: Window;
  readonly suffix: string;
  /** Where it was declared; null where no `windows` were. */
  readonly cursor: Cursor | null;
}

/** `departures` and `24h_ago_7d` → `departures_24h_ago_7d`. */
export function featureNameOf(baseName: string, suffix: string): string {
  return suffix === '' ? baseName : `${baseName}_${suffix}`;
}

/** `lifetime`, `24h`, `24h ended 7d ago`. */
export function describeWindow(window: Window): string {
  if (window.kind === 'lifetime') return 'lifetime';
  const ended = window.offsetMs === 0 ? '' : ` ended ${formatDuration(window.offsetMs)} ago`;
  return `${formatDuration(window.lengthMs)}${ended}`;
}

/** A feature's windows; null stands for one that was reported. Without `windows`: the lifetime. */
export function readWindows(windows: MaybeCursor): readonly (NamedWindow | null)[] {
  if (windows === null) return [null];
  if (windows === undefined) return [{ window: { kind: 'lifetime' }, suffix: '', cursor: null }];
  const expectedCount = Array.isArray(windows.value) ? windows.value.length : 0;
  const read = items(windows).map(readWindow);
  const missing = Array.from({ length: Math.max(0, expectedCount - read.length) }, () => null);
  reportRepeated(read);
  return [...read, ...missing];
}

function readWindow(cursor: Cursor): NamedWindow | null {
  if (cursor.value === 'lifetime') return { window: { kind: 'lifetime' }, suffix: 'lifetime', cursor };
  const lengthCursor = isMapping(cursor.value) ? child(cursor, 'length') : cursor;
  const offsetCursor = isMapping(cursor.value) ? child(cursor, 'offset') : undefined;
  const hopCursor = isMapping(cursor.value) ? child(cursor, 'hop') : undefined;
  const lengthMs = lengthCursor ? readDuration(lengthCursor, 1) : null;
  const offsetMs = offsetCursor === undefined ? 0 : offsetCursor && readDuration(offsetCursor, 1);
  const declaredHopMs = hopCursor === undefined ? undefined : hopCursor && readDuration(hopCursor, 1);
  if (!lengthCursor || lengthMs === null || offsetMs === null || declaredHopMs === null) return null;
  if (hopCursor && declaredHopMs !== undefined && declaredHopMs > lengthMs) {
    report(hopCursor, 'bad_window', 'the hop is longer than the window', {
      expected: `at most ${String(lengthCursor.value)}`,
      found: String(hopCursor.value),
    });
    return null;
  }
  const ago = offsetCursor ? `_ago_${String(offsetCursor.value)}` : '';
  const hopMs = declaredHopMs ?? defaultHopMs(lengthMs);
  return {
    window: { kind: 'sliding', lengthMs, hopMs, offsetMs },
    suffix: `${String(lengthCursor.value)}${ago}`,
    cursor,
  };
}

/** `24h` and `1d` have different names and are the same window; so are two hops of one length by name. */
function reportRepeated(windows: readonly (NamedWindow | null)[]): void {
  const seen = new Map<string, NamedWindow>();
  for (const named of windows) {
    if (named === null) continue;
    const { window, cursor } = named;
    const key = window.kind === 'lifetime' ? window.kind : `${window.lengthMs}/${window.offsetMs}`;
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, named);
    else if (cursor !== null) {
      report(cursor, 'bad_window', 'the window is declared twice', {
        found: `${earlier.suffix} and ${named.suffix}`,
        suggestion: 'removing one',
      });
    }
  }
}

/** Every hop of a view must divide the next, for their tiles nest. Reports the windows that break this. */
export function checkHopsNest(windows: readonly NamedWindow[]): void {
  const byHop = new Map<number, NamedWindow>();
  for (const named of windows) {
    if (named.window.kind === 'sliding' && !byHop.has(named.window.hopMs)) byHop.set(named.window.hopMs, named);
  }
  const hops = [...byHop.keys()].sort((a, b) => a - b);
  let finerMs = hops[0] ?? 1;
  for (const hopMs of hops) {
    if (hopMs % finerMs === 0) {
      finerMs = hopMs;
      continue;
    }
    const { cursor } = byHop.get(hopMs) as NamedWindow;
    if (cursor === null) continue;
    report(cursor, 'bad_window', 'each hop of a view must divide the next longer one', {
      found: `hops ${formatDuration(finerMs)} and ${formatDuration(hopMs)}`,
      suggestion: 'a declared hop such as { length: 2h, hop: 5m } that divides',
    });
  }
}
