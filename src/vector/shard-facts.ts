/** What a shard's checkpoint says about every value read from it (DESIGN section 3, statuses). Time is an argument. */
import { reaches } from '../store/place.ts';
import type { Checkpoint } from '../store/store.ts';

export type ShardFacts =
  /** Below its build target, or never committed: nothing read from it means anything yet. */
  | { readonly kind: 'rebuilding' }
  | {
      readonly kind: 'serving';
      /** The owner has not confirmed reaching the log's end within `stale_after`. */
      readonly stale: boolean;
      readonly completeFromMs: number | null;
    };

const REBUILDING: ShardFacts = Object.freeze({ kind: 'rebuilding' });

export function shardFacts(checkpoint: Checkpoint | null, staleAfterMs: number, nowMs: number): ShardFacts {
  if (checkpoint === null || !reaches(checkpoint.position, checkpoint.buildTarget)) return REBUILDING;
  const { caughtUpAtMs, completeFromMs } = checkpoint;
  return {
    kind: 'serving',
    stale: caughtUpAtMs === null || nowMs - caughtUpAtMs > staleAfterMs,
    completeFromMs,
  };
}
