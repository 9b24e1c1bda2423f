/** Reading one's own writes: shards below a wanted position are read again, within the budget, once they have applied it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Serving } from '../../dependencies.ts';
import { reaches } from '../../../store/place.ts';
import type { Checkpoint, Position, ShardId } from '../../../store/store.ts';
import type { SourcePositions } from '../../position-token.ts';
import {
  type PlannedShard,
  type ReadLimits,
  type ShardOutcome,
  readShards,
  withoutEntities,
} from '../../shard-reads.ts';

const POLL_FIRST_MS = 2;
const POLL_LAST_MS = 50;

export interface AppliedReads {
  /** By `shardText`. */
  readonly outcomes: ReadonlyMap<string, ShardOutcome>;
  /** Shards that had not applied their part of `after` when the time was up. */
  readonly notApplied: ReadonlySet<string>;
}

/** `leftMs`: how long it may wait; `limits`: of each read. What need not be waited for is read once, at the start. */
export async function readApplied(
  serving: Serving,
  shards: ReadonlyMap<string, PlannedShard>,
  after: SourcePositions,
  leftMs: () => number,
  limits: () => ReadLimits,
): Promise<AppliedReads> {
  const outcomes = new Map(await readShards(serving.states, shards, limits()));
  let waiting = await readAgain(belowPosition(shards, outcomes, after));
  for (let pauseMs = POLL_FIRST_MS; waiting.size > 0 && leftMs() > 0; pauseMs = Math.min(pauseMs * 2, POLL_LAST_MS)) {
    await delay(Math.min(pauseMs, Math.max(1, leftMs())));
    const polled = await readShards(serving.states, withoutEntities(waiting), limits(), 'anew');
    const stillWaiting = belowPosition(waiting, polled, after);
    const applied = new Map([...waiting].filter(([text]) => !stillWaiting.has(text)));
    waiting = new Map([...stillWaiting, ...(await readAgain(applied))]);
  }
  return { outcomes, notApplied: new Set(waiting.keys()) };

  /** What is kept may be below a position that the store has reached. Answers the shards that are below it still. */
  async function readAgain(some: ReadonlyMap<string, PlannedShard>): Promise<ReadonlyMap<string, PlannedShard>> {
    if (some.size === 0) return some;
    for (const [text, outcome] of await readShards(serving.states, some, limits(), 'anew')) outcomes.set(text, outcome);
    return belowPosition(some, outcomes, after);
  }
}

/** Those that were read, and below what `after` says of their partition. */
function belowPosition(
  shards: ReadonlyMap<string, PlannedShard>,
  outcomes: ReadonlyMap<string, ShardOutcome>,
  after: SourcePositions,
): ReadonlyMap<string, PlannedShard> {
  return new Map(
    [...shards].filter(([text, { id, entities }]) => {
      const wanted = after.get(id.source);
      const outcome = outcomes.get(text);
      if (wanted === undefined || outcome?.kind !== 'read') return false;
      // There may be more in the outcome than was asked for, of views that are behind for reasons of their own.
      return [...entities.keys()].some((fingerprint) => {
        const checkpoint = outcome.sections.get(fingerprint)?.checkpoint ?? null;
        return !reaches(checkpoint?.position ?? {}, concerning(wanted, id, checkpoint));
      });
    }),
  );
}

/** A shard is folded from its own partition, or, where the source is repartitioned, from all. */
function concerning(wanted: Position, { partition }: ShardId, checkpoint: Checkpoint | null): Position {
  if (checkpoint !== null && checkpoint.transitPosition !== null) return wanted;
  return { [partition]: wanted[partition] ?? 0 };
}
