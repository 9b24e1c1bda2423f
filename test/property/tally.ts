/** Counts what generated scenarios lead to, so that a test can tell whether the generators still reach the hard cases. */
import type { ViewOutcome } from '../../src/event/event.ts';
import type { Status } from '../../src/core/status.ts';
import type { FoldOutcome } from '../../src/state/state.ts';

export interface Tally {
  record(kind: ViewOutcome['kind']): void;
  fold(what: FoldOutcome | 'sealed' | 'tiles_dropped'): void;
  evaluation(what: Status | 'edge' | 'all'): void;
  /** Share of records, folds or evaluations to which something applied. */
  share(of: 'record' | 'fold' | 'evaluation', what: string): number;
  summary(): string;
}

const FOLD_OUTCOMES = ['appended', 'late', 'too_late', 'duplicate'];

export function createTally(): Tally {
  const counts = new Map<string, number>();
  function add(key: string): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  function count(key: string): number {
    return counts.get(key) ?? 0;
  }
  function total(of: 'record' | 'fold' | 'evaluation'): number {
    if (of === 'evaluation') return count('evaluation all');
    const kinds = of === 'fold' ? FOLD_OUTCOMES : ['event', 'filtered', 'null_key', 'rejected'];
    return kinds.reduce((sum, kind) => sum + count(`${of} ${kind}`), 0);
  }
  return {
    record: (kind) => add(`record ${kind}`),
    fold: (what) => add(`fold ${what}`),
    evaluation: (what) => add(`evaluation ${what}`),
    share: (of, what) => count(`${of} ${what}`) / total(of),
    summary: () => [...counts].map(([key, value]) => `${key}: ${value}`).join(', '),
  };
}
