/** How fresh what is served is: one line for each shard a view is read from, from the store's checkpoints. */
import { formatTimestamp } from '../../../core/time.ts';
import type { SourceDefinition, ViewDefinition } from '../../../definition/definition.ts';
import { isRepartitioned } from '../../../log/entity-partition.ts';
import { sumOf } from '../../../store/place.ts';
import type { Checkpoint, Position } from '../../../store/store.ts';
import { shardFacts } from '../../../vector/shard-facts.ts';
import type { Serving } from '../../dependencies.ts';
import { entityKeyOf } from '../../partitions.ts';
import { isIdle } from '../../watermarks.ts';
import { type ShardOutcome, createReadRequest, readShards, shardText } from '../../shard-reads.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';

/** Nothing but the lag needs the log: one that hangs must not hold back what the store says. */
const LOG_END_LIMIT_MS = 500;

export interface ShardFreshness {
  readonly partition: number;
  readonly state: 'ready' | 'stale' | 'rebuilding' | 'unavailable';
  /** Next offset to fold. Of a repartitioned source, summed over its partitions, as the build target is. */
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

/**
 * Reads each shard once, however many of the views it holds. Never throws for what cannot be read. `without_lag`: the log is not asked
 * where it ends, and all lags are null.
 */
export async function readFreshness(
  serving: Serving,
  views: Iterable<ViewDefinition>,
  how: 'with_lag' | 'without_lag' = 'with_lag',
): Promise<Freshness> {
  const wanted = [...views];
  const sources = new Map(wanted.map(({ source }) => [source.name, source]));
  const asked = how === 'with_lag' ? logEnds(serving, sources) : new Map<string, Position>();
  const counts = await serving.partitions.counts(wanted.map(({ source }) => source));
  const reads = createReadRequest();
  for (const view of wanted) {
    for (let partition = 0; partition < (counts.get(view.source.name) ?? 1); partition++) {
      reads.checkpoint(shardIdOf(view, partition), view.stateFingerprint);
    }
  }
  const limits = { readLimitMs: serving.readLimitMs, budgetLeftMs: Number.POSITIVE_INFINITY };
  const outcomes = await readShards(serving.states, reads.shards, limits, 'anew');
  const ends = await asked;
  const nowMs = serving.clock.nowMs();
  return new Map(
    wanted.map((view) => [
      view.id,
      Array.from({ length: counts.get(view.source.name) ?? 1 }, (_, partition) => {
        const outcome = outcomes.get(shardText(shardIdOf(view, partition)));
        const some = endsFor(view, partition, ends.get(view.source.name) ?? null);
        return shardFreshness(view, partition, outcome, some, nowMs);
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
  /** Of the source's partitions that the shard is folded from; null where there is no log to ask. */
  ends: Position | null,
  nowMs: number,
): ShardFreshness {
  const checkpoint =
    outcome?.kind === 'read' ? (outcome.sections.get(view.stateFingerprint)?.checkpoint ?? null) : null;
  const position = checkpoint === null ? null : sumOf(checkpoint.position);
  return {
    partition,
    state: outcome?.kind === 'read' ? stateOf(checkpoint, view.source, nowMs) : 'unavailable',
    position,
    build_target: checkpoint === null ? null : sumOf(checkpoint.buildTarget),
    lag: lagOf(checkpoint?.position ?? {}, ends),
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

/** All partitions of a source that is repartitioned for the view: its entities' events may be in any. */
function endsFor(view: ViewDefinition, partition: number, ends: Position | null): Position | null {
  if (ends === null || isRepartitioned(view.source, view.keyColumns, Object.keys(ends).length)) return ends;
  const end = ends[partition];
  return end === undefined ? null : { [partition]: end };
}

function lagOf(position: Position, ends: Position | null): number | null {
  if (ends === null) return null;
  return Object.entries(ends).reduce(
    (sum, [partition, end]) => sum + Math.max(0, end - (position[Number(partition)] ?? 0)),
    0,
  );
}

/** Source → partition → end of the log; none where there is no log, or it does not answer in time. Never rejects. */
async function logEnds(
  { log }: Serving,
  sources: ReadonlyMap<string, SourceDefinition>,
): Promise<ReadonlyMap<string, Position>> {
  const ends = new Map<string, Position>();
  if (log === null) return ends;
  await Promise.all(
    [...sources.values()].map(async ({ name, topic }) => {
      const ranges = await within(log.ranges(topic), LOG_END_LIMIT_MS).catch(() => null);
      if (ranges === null || ranges === TIMED_OUT) return;
      ends.set(name, Object.fromEntries(ranges.map(({ partition, endOffset }) => [partition, endOffset])));
    }),
  );
  return ends;
}

function timestampOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : formatTimestamp(ms);
}
