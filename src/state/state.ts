/**
 * State of one (view, entity): the head (recent events, raw) and sparse tiles for everything older. What each part
 * means is DESIGN section 5; plan.ts, fold.ts, evaluate.ts and codec.ts work on these shapes.
 */
import type { Status } from '../core/status.ts';
import type { Value } from '../core/value.ts';

/** One entity's bytes in a store. `version` counts every change ever folded into it. */
export interface StoredState {
  readonly version: number;
  readonly head: Uint8Array;
  readonly tiles: Uint8Array | null;
}

/** What a flush writes for one entity. */
export interface StateChange {
  /** Version the state had when it was last stored; 0 when it never was. */
  readonly fromVersion: number;
  readonly toVersion: number;
  /**
   * Of `append`: the checksum that the stored head must end in (codec.ts); else null. The version does not say it: owners that
   * flushed at other moments have other bytes of the same state (docs/adr/0016).
   */
  readonly fromChecksum: number | null;
  /** Of `append`: there are stored tiles, which stay as long as the head does; else false. */
  readonly keepsTiles: boolean;
  /**
   * `append`: `bytes` go after the stored head. `replace`: they are the whole head. `delete`: nothing of the state is left,
   * and `toVersion` is 0, as if it had never been.
   */
  readonly head: { readonly mode: 'append' | 'replace' | 'delete'; readonly bytes: Uint8Array };
  /** The whole new tiles value, or null to leave the stored one. Only with `replace`. */
  readonly tiles: Uint8Array | null;
}

/** What `fold` did with an event. */
export type FoldOutcome =
  /** Into the head. */
  | 'appended'
  /** Below `sealedUntilMs`: straight into the tiles. */
  | 'late'
  /** No window can reach it: dropped. */
  | 'too_late'
  /** Its event id is still in the head: dropped. */
  | 'duplicate';

/** One view evaluated for one entity. Arrays align with the view's features. */
export interface Evaluation {
  /** Raw values: defaults applied, `time_since_last` still an event time (null when withheld). */
  readonly values: readonly Value[];
  /** `PRESENT`, `NULL_VALUE`, `NOT_FOUND`, `OUTSIDE_MAX_AGE`, `INCOMPLETE`, `OUT_OF_HISTORY`, `OVER_LIMIT` or `ERROR`. */
  readonly statuses: readonly Status[];
  /** `ts` of the newest event of the view in each feature's window, ms; null when the window is empty. */
  readonly eventTimesMs: readonly (number | null)[];
  /** The `as_of` interval `[fromMs, untilMs)` in which the contributing set does not change; `untilMs` may be Infinity. */
  readonly fromMs: number;
  readonly untilMs: number;
}
