/** Reading one's own writes: wait, within the budget, until the shards behind a request have applied a position. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Position } from '../../../store/store.ts';
import type { SourcePositions } from '../../position-token.ts';
import { type PlannedShard, type SectionRead, readShards, withoutEntities } from '../../shard-reads.ts';
import type { Serving } from '../../dependencies.ts';

const POLL_FIRST_MS = 2;
const POLL_LAST_MS = 50;

/** The shards (by text) that had not applied their part of `after` when `leftMs` reached zero. */
export async function waitUntilApplied(
  serving: Serving,
  shards: ReadonlyMap<string, PlannedShard>,
  after: SourcePositions,
  leftMs: () => number,
): Promise<ReadonlySet<string>> {
  let waiting = new Map([...shards].filter(([, { id }]) => isAwaited(after, id.source, id.partition)));
  for (let pauseMs = POLL_FIRST_MS; waiting.size > 0; pauseMs = Math.min(pauseMs * 2, POLL_LAST_MS)) {
    const limits = { readLimitMs: serving.readLimitMs, budgetLeftMs: leftMs() };
    const outcomes = await readShards(serving.store, withoutEntities(waiting), limits);
    waiting = new Map(
      [...waiting].filter(([text, { id }]) => {
        const outcome = outcomes.get(text);
        // What cannot be read now is reported by the read that follows.
        if (outcome?.kind === 'unavailable') return false;
        const wanted = after.get(id.source)?.[id.partition] ?? 0;
        return outcome?.kind !== 'read' || !allApplied(outcome.sections, id.partition, wanted);
      }),
    );
    if (waiting.size === 0 || leftMs() <= 0) break;
    await delay(Math.min(pauseMs, Math.max(1, leftMs())));
  }
  return new Set(waiting.keys());
}

function isAwaited(after: SourcePositions, source: string, partition: number): boolean {
  const position: Position | undefined = after.get(source);
  return (position?.[partition] ?? 0) > 0;
}

function allApplied(sections: ReadonlyMap<string, SectionRead>, partition: number, wanted: number): boolean {
  for (const { checkpoint } of sections.values()) if ((checkpoint?.position[partition] ?? 0) < wanted) return false;
  return true;
}
