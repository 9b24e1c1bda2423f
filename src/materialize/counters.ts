/** What a view made of the records it saw, counted since the process started (a replayed record counts again). */
import type { FoldOutcome } from '../state/state.ts';

export interface ViewCounters {
  /** Into the state: appended to the head, or late and straight into tiles. */
  readonly folded: number;
  /** Of those, the ones below `sealed_until`. */
  readonly late: number;
  /** Beyond the reach of every window: dropped. */
  readonly tooLate: number;
  /** Event id still in the head: dropped. */
  readonly duplicates: number;
  /** Seals that `head_limit` forced past the horizon: older `as_of`s may be refused. */
  readonly forcedSeals: number;
  /** The view's `where` is not true. */
  readonly filtered: number;
  readonly nullKey: number;
  /** Below a control record that has not come yet: void. */
  readonly erased: number;
  /** By code; `too_far_ahead` are the events from the future. */
  readonly rejected: Readonly<Record<string, number>>;
}

export interface Counting {
  fold(outcome: FoldOutcome, forcedSeals: number): void;
  filtered(): void;
  nullKey(): void;
  erased(): void;
  rejected(code: string): void;
  snapshot(): ViewCounters;
}

export function createCounters(): Counting {
  const counts = { folded: 0, late: 0, tooLate: 0, duplicates: 0, forcedSeals: 0, filtered: 0, nullKey: 0, erased: 0 };
  const rejected = new Map<string, number>();
  return {
    fold(outcome, forcedSeals) {
      counts.forcedSeals += forcedSeals;
      if (outcome === 'too_late') counts.tooLate++;
      else if (outcome === 'duplicate') counts.duplicates++;
      else {
        counts.folded++;
        if (outcome === 'late') counts.late++;
      }
    },
    filtered() {
      counts.filtered++;
    },
    nullKey() {
      counts.nullKey++;
    },
    erased() {
      counts.erased++;
    },
    rejected(code) {
      rejected.set(code, (rejected.get(code) ?? 0) + 1);
    },
    snapshot: () => ({ ...counts, rejected: Object.fromEntries(rejected) }),
  };
}

export function addCounters(left: ViewCounters, right: ViewCounters): ViewCounters {
  const rejected: Record<string, number> = { ...left.rejected };
  for (const [code, count] of Object.entries(right.rejected)) rejected[code] = (rejected[code] ?? 0) + count;
  return {
    folded: left.folded + right.folded,
    late: left.late + right.late,
    tooLate: left.tooLate + right.tooLate,
    duplicates: left.duplicates + right.duplicates,
    forcedSeals: left.forcedSeals + right.forcedSeals,
    filtered: left.filtered + right.filtered,
    nullKey: left.nullKey + right.nullKey,
    erased: left.erased + right.erased,
    rejected,
  };
}
