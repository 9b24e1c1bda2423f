/**
 * Where a partition is read next. Its lanes share one position in the log, and may be far apart: one that is built, or
 * was claimed, is behind those that are live. Then they take turns, each side for a while, so that neither waits for the
 * other to arrive: the front is read to the log's end, the rear goes on where it was.
 */
import type { Clock } from '../core/clock.ts';
import type { Lane } from './lane.ts';

export interface Turns {
  /** Null when no lane is owned. `reachedEnd`: what was read last ended at the log's end. */
  next(lanes: readonly Lane[], reachedEnd: boolean): number | null;
}

/** together → front (lanes are far apart) · front → rear (its end, or its time) · rear → front (its time) · any → together */
type Turn = { readonly mode: 'together' } | { readonly mode: 'front' | 'rear'; readonly sinceMs: number };

export interface TurnsContext {
  readonly clock: Clock;
  readonly turnMs: number;
  /** Lanes no farther apart than this are together. */
  readonly nearOffsets: number;
}

export function createTurns({ clock, turnMs, nearOffsets }: TurnsContext): Turns {
  let turn: Turn = { mode: 'together' };

  function take(reachedEnd: boolean): 'front' | 'rear' {
    const nowMs = clock.nowMs();
    if (turn.mode === 'together') turn = { mode: 'front', sinceMs: nowMs };
    else if (nowMs - turn.sinceMs >= turnMs || (turn.mode === 'front' && reachedEnd)) {
      turn = { mode: turn.mode === 'front' ? 'rear' : 'front', sinceMs: nowMs };
    }
    return turn.mode;
  }

  return {
    next(lanes, reachedEnd) {
      const offsets = lanes.flatMap(({ state }) => (state.mode === 'owned' ? [state.ownership.nextOffset] : []));
      if (offsets.length === 0) return null;
      const rear = Math.min(...offsets);
      const lead = Math.max(...offsets);
      if (lead - rear <= nearOffsets) {
        turn = { mode: 'together' };
        return rear;
      }
      if (take(reachedEnd) === 'rear') return rear;
      return Math.min(...offsets.filter((offset) => lead - offset <= nearOffsets));
    },
  };
}
