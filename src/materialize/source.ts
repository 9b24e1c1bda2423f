/** Builds what drives one source, once it is known how many partitions that has, and tells its status. */
import type { Clock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import type { Schemas } from '../event/schemas.ts';
import { isRepartitioned } from '../log/entity-partition.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import type { MaterializeBounds } from './bounds.ts';
import { createOutage } from './outage.ts';
import { type PositionNotes, createPositionNotes } from './position-notes.ts';
import { type RetryPolicy, untilReachable } from './retry.ts';
import type { Shard } from './shard.ts';
import { partitionStatus, type SourceState, type SourceStatus, viewStatuses } from './status.ts';
import { createFolding, createMoving, type Stream } from './stream.ts';
import type { SourcePlan } from './topology.ts';
import type { BatchTracing } from './tracing.ts';

export interface SourceContext {
  readonly log: Log;
  readonly schemas: Schemas | null;
  readonly store: Store;
  readonly clock: Clock;
  /** Names this process in checkpoints. */
  readonly owner: string;
  readonly namespace: string;
  readonly deadLetters: 'topic' | 'off';
  readonly bounds: MaterializeBounds;
  readonly stateBytesPerLaneMax: number;
  /** Aborted when nothing may be waited for any longer. */
  readonly controller: AbortController;
  readonly tracing: BatchTracing | null;
  readonly stopping: () => boolean;
}

export interface Source {
  /** Waits for the source's topic. */
  prepare(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
  status(): SourceStatus;
}

export function createSource(plan: SourcePlan, context: SourceContext): Source {
  const { source } = plan;
  const { log } = context;
  const outage = createOutage(context);
  const { clock, namespace, bounds } = context;
  const notes = createPositionNotes(log, clock, namespace, source.name, bounds.noteMs);
  let streams: readonly Stream[] = [];

  return {
    async prepare() {
      if (log.makesTopics) await untilReachable(outage.policy, () => log.ensureTopic(source.topic, 1));
      const ranges = await untilReachable(outage.policy, () => rangesOf(log, source.topic));
      streams = streamsOf(plan, ranges.length, context, outage.policy, notes);
      for (const stream of streams) await stream.prepare();
    },
    start() {
      for (const { driver } of streams) driver.start();
    },
    async stop() {
      if (outage.waitingFor() !== null) context.controller.abort();
      await Promise.all(streams.map(({ driver }) => driver.stop()));
      await notes.end();
    },
    status: () => ({
      source: source.name,
      topic: source.topic,
      group: plan.group,
      state: worstOf(streams.map(({ driver }) => driver.state())),
      waitingFor: outage.waitingFor(),
      notesDropped: notes.dropped(),
      deadLetters: streams.reduce((sum, stream) => sum + stream.deadLetters(), 0),
      partitions: streams.flatMap(({ shards, driver }) =>
        [...shards].map(([partition, some]) =>
          partitionStatus(partition, some, driver.endOffsets().get(partition) ?? null),
        ),
      ),
      views: viewStatuses(allShards(streams)),
    }),
  };
}

/** Rejects, retryably, while there is no such topic. */
async function rangesOf(log: Log, topic: string): Promise<readonly PartitionRange[]> {
  const ranges = await log.ranges(topic);
  if (ranges !== null) return ranges;
  throw new SkewlessError('unknown_topic', `there is no topic ${topic}: make it, or mend its name`, {
    retryable: true,
  });
}

function streamsOf(
  plan: SourcePlan,
  partitions: number,
  context: SourceContext,
  retry: RetryPolicy,
  notes: PositionNotes,
): readonly Stream[] {
  const apart = plan.shards.filter(({ repartition }) =>
    isRepartitioned(plan.source, repartition.keyColumns, partitions),
  );
  const together = plan.shards.filter((shard) => !apart.includes(shard));
  const streams = apart.flatMap((shard) => {
    const { repartition, entityKey } = shard;
    const part = { ...plan, group: `${plan.group}/${entityKey}`, shards: [shard] };
    return [
      createMoving(repartition, partitions, context, retry),
      createFolding(part, repartition, context, retry, notes),
    ];
  });
  if (together.length === 0) return streams;
  return [createFolding({ ...plan, shards: together }, null, context, retry, notes), ...streams];
}

const FROM_BAD_TO_GOOD: readonly SourceState['mode'][] = ['failed', 'restarting', 'starting', 'running', 'stopped'];

function worstOf(states: readonly SourceState[]): SourceState {
  for (const mode of FROM_BAD_TO_GOOD) {
    const found = states.find((state) => state.mode === mode);
    if (found !== undefined) return found;
  }
  return { mode: 'starting' };
}

function allShards(streams: readonly Stream[]): ReadonlyMap<number, readonly Shard[]> {
  const all = new Map<number, Shard[]>();
  for (const { shards } of streams) {
    for (const [partition, some] of shards) all.set(partition, [...(all.get(partition) ?? []), ...some]);
  }
  return all;
}
