/** How fresh what is served is: one line for each shard a view is read from, from the store's checkpoints. */
import { formatTimestamp } from '../../../core/time.ts';
import type { SourceDefinition, ViewDefinition } from '../../../definition/definition.ts';
import type { Checkpoint } from '../../../store/store.ts';
import { shardFacts } from '../../../vector/shard-facts.ts';
import type { Serving } from '../../dependencies.ts';
import { entityKeyOf } from '../../partitions.ts';
import { isIdle } from '../../watermarks.ts';
import { type ShardOutcome, createReadRequest, readShards, shardText } from '../../shard-reads.ts';

export interface ShardFreshness {
  readonly partition: number;
  readonly state: 'ready' | 'stale' | 'rebuilding' | 'unavailable';
  readonly position: number | null;
  readonly build_target: number | null;
  /** Records appended and not yet folded; null where there is no log to ask. */
  readonly lag: number | null;
  readonly caught_up_at: string | null;
  readonly heartbeat: string | null;
  readonly watermark: string | null;
  /** Nothing was appended for `idle_after`: the partition holds no watermark back. */
  readonly idle: boolean;
  readonly complete_from: string | null;
}

/** By view id. */
export type Freshness = ReadonlyMap<string, readonly ShardFreshness[]>;

/** Reads each shard once, however many of the views it holds. Never throws for what cannot be read. */
export async function readFreshness(serving: Serving, views: Iterable<ViewDefinition>): Promise<Freshness> {
  const wanted = [...views];
  const counts = await serving.partitions.counts(wanted.map(({ source }) => source));
  const reads = createReadRequest();
  for (const view of wanted) {
    for (let partition = 0; partition < (counts.get(view.source.name) ?? 1); partition++) {
      reads.checkpoint(shardIdOf(view, partition), view.stateFingerprint);
    }
  }
  const limits = { readLimitMs: serving.readLimitMs, budgetLeftMs: Number.POSITIVE_INFINITY };
  const outcomes = await readShards(serving.store, reads.shards, limits);
  const ends = await logEnds(serving, new Map(wanted.map(({ source }) => [source.name, source])));
  const nowMs = serving.clock.nowMs();
  return new Map(
    wanted.map((view) => [
      view.id,
      Array.from({ length: counts.get(view.source.name) ?? 1 }, (_, partition) => {
        const outcome = outcomes.get(shardText(shardIdOf(view, partition)));
        return shardFreshness(view, partition, outcome, ends.get(view.source.name)?.get(partition) ?? null, nowMs);
      }),
    ]),
  );
}

function shardIdOf(view: ViewDefinition, partition: number) {
  return { source: view.source.name, entityKey: entityKeyOf(view), partition };
}

function shardFreshness(
  view: ViewDefinition,
  partition: number,
  outcome: ShardOutcome | undefined,
  endOffset: number | null,
  nowMs: number,
): ShardFreshness {
  const checkpoint =
    outcome?.kind === 'read' ? (outcome.sections.get(view.stateFingerprint)?.checkpoint ?? null) : null;
  const position = checkpoint?.position[partition] ?? null;
  return {
    partition,
    state: outcome?.kind === 'read' ? stateOf(checkpoint, view.source, nowMs) : 'unavailable',
    position,
    build_target: checkpoint?.buildTarget[partition] ?? null,
    lag: endOffset === null ? null : Math.max(0, endOffset - (position ?? 0)),
    caught_up_at: timestampOrNull(checkpoint?.caughtUpAtMs),
    heartbeat: timestampOrNull(checkpoint?.heartbeatMs),
    watermark: timestampOrNull(checkpoint?.watermarkMs),
    idle: checkpoint === null || isIdle(checkpoint, view.source.idleAfterMs),
    complete_from: timestampOrNull(checkpoint?.completeFromMs),
  };
}

function stateOf(checkpoint: Checkpoint | null, source: SourceDefinition, nowMs: number): ShardFreshness['state'] {
  const facts = shardFacts(checkpoint, source.staleAfterMs, nowMs);
  if (facts.kind === 'rebuilding') return 'rebuilding';
  return facts.stale ? 'stale' : 'ready';
}

/** Source → partition → end of the log; empty where there is no log, or it does not answer. */
async function logEnds(
  serving: Serving,
  sources: ReadonlyMap<string, SourceDefinition>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
  const ends = new Map<string, ReadonlyMap<number, number>>();
  for (const source of sources.values()) {
    const ranges = (await serving.log?.ranges(source.topic).catch(() => null)) ?? [];
    ends.set(source.name, new Map(ranges.map(({ partition, endOffset }) => [partition, endOffset])));
  }
  return ends;
}

function timestampOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : formatTimestamp(ms);
}
