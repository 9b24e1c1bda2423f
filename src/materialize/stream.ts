/**
 * What a source's driver runs side by side, each with a consumer of its own: folding what the source's topic holds for
 * co-located views, and for each entity key that needs it, moving records to an internal topic, and folding from that.
 */
import { SkewlessError } from '../core/errors.ts';
import { compileSourceDecoder } from '../event/decode.ts';
import { RECORD_BYTES_MAX } from '../event/parse-record.ts';
import type { PartitionRange, TopicSettings } from '../log/log.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createLane } from './lane.ts';
import { createMover } from './mover.ts';
import { createPartition, type Partition } from './partition.ts';
import { createPlacement } from './placement.ts';
import type { PositionNotes } from './position-notes.ts';
import type { Repartition } from './repartition.ts';
import { type RetryPolicy, untilReachable } from './retry.ts';
import { createShard, type Shard } from './shard.ts';
import type { Extent } from './shard-context.ts';
import type { SourceContext } from './source.ts';
import { createSourceDriver, type SourceDriver } from './source-driver.ts';
import type { SourcePlan } from './topology.ts';
import { createTurns } from './turns.ts';

/** History of views to come, and room for a record with its headers. */
const INTERNAL: TopicSettings = { keepsAll: true, recordBytesMax: 2 * RECORD_BYTES_MAX };

export interface Stream {
  /** Makes the topics it needs. */
  prepare(): Promise<void>;
  readonly driver: SourceDriver;
  /** By partition of the topic that is read; none where records are moved. */
  readonly shards: ReadonlyMap<number, readonly Shard[]>;
  deadLetters(): number;
}

/** Of `plan`'s shards. `transit`: they are read from its internal topic, and not from the source's. */
export function createFolding(
  plan: SourcePlan,
  transit: Repartition | null,
  context: SourceContext,
  retry: RetryPolicy,
  notes: PositionNotes,
): Stream {
  const { source, group } = plan;
  const { log, clock, bounds, stopping, schemas } = context;
  const topic = transit?.topic ?? source.topic;
  const letters = context.deadLetters === 'topic' ? createDeadLetters(log, source, group, topic) : null;
  const shards = new Map<number, readonly Shard[]>();

  function createAt(partition: number): Partition {
    const created = createShards(plan, transit, context, retry, notes, partition);
    shards.set(partition, created);
    const views = plan.shards.flatMap(({ lanes }) => lanes.map(({ view }) => view));
    return createPartition({
      topic: source.topic,
      partition,
      decoder: compileSourceDecoder(source, views, schemas),
      isTransit: transit !== null,
      shards: created,
      letters: letters?.partition(partition) ?? null,
      retry,
      flushRecordsMax: bounds.flushRecordsMax,
      tracing: context.tracing,
      turns: createTurns({
        clock,
        turnMs: bounds.turnMs,
        nearOffsets: transit === null ? bounds.nearOffsets : bounds.nearBundles,
      }),
      partitionCount: () => driver.partitionCount(),
      stopping,
    });
  }

  const common = { log, clock, bounds, retry, stopping, sourceTopic: source.topic };
  const driver = createSourceDriver({ ...common, topic, group, createPartition: createAt });
  return {
    async prepare() {
      if (letters !== null) await untilReachable(retry, () => letters.open());
    },
    driver,
    shards,
    deadLetters: () => letters?.written() ?? 0,
  };
}

/** `partitions`: of the source's topic, and so of the internal one. */
export function createMoving(
  repartition: Repartition,
  partitions: number,
  context: SourceContext,
  retry: RetryPolicy,
): Stream {
  const { source, topic, group } = repartition;
  const { log, clock, bounds, stopping, schemas } = context;
  const confirmMs = Math.min(bounds.confirmMs, source.staleAfterMs / 4);
  const common = { log, clock, retry, stopping, sourceTopic: source.topic, topic: source.topic, group };
  const driver = createSourceDriver({
    ...common,
    bounds: { ...bounds, batchRecordsMax: bounds.moveRecordsMax },
    createPartition: (partition) => createMover({ log, repartition, partition, partitions, schemas, retry, confirmMs }),
  });
  return {
    prepare: () => untilReachable(retry, () => log.ensureTopic(topic, partitions, INTERNAL)),
    driver,
    shards: new Map(),
    deadLetters: () => 0,
  };
}

/** Lanes are numbered as the decoder's views are: shard by shard. */
function createShards(
  plan: SourcePlan,
  transit: Repartition | null,
  context: SourceContext,
  retry: RetryPolicy,
  notes: PositionNotes,
  partition: number,
): readonly Shard[] {
  const { source } = plan;
  const { store, clock, bounds } = context;
  let outcomeIndex = 0;
  return plan.shards.map(({ entityKey, lanes, repartition }) =>
    createShard({
      id: { source: source.name, entityKey, partition },
      source,
      lanes: lanes.map((lane) => createLane(lane, outcomeIndex++, context.stateBytesPerLaneMax)),
      store,
      clock,
      owner: { id: context.owner, group: plan.group },
      bounds,
      retry,
      notes,
      placement: transit === null ? createPlacement(source, repartition.keyColumns) : null,
      extent: () => extentOf(context, source.topic, transit?.topic ?? null, partition),
    }),
  );
}

async function extentOf(
  { log }: SourceContext,
  sourceTopic: string,
  internalTopic: string | null,
  partition: number,
): Promise<Extent> {
  const source = (await log.ranges(sourceTopic)) ?? [];
  const read = internalTopic === null ? source : ((await log.ranges(internalTopic)) ?? []);
  if (read.length !== source.length) {
    const message =
      `the internal topic ${internalTopic} has ${read.length} partitions, and topic ${sourceTopic} has ${source.length}; ` +
      'give the deployment another --namespace, which builds beside this one, and prune this one afterwards';
    throw new SkewlessError('partition_count_changed', message);
  }
  const range = read.find((candidate) => candidate.partition === partition);
  if (range === undefined) {
    const message = `topic ${internalTopic ?? sourceTopic} has no partition ${partition} any more`;
    throw new SkewlessError('topic_missing', message);
  }
  return { range, partitions: source.length, sourceEnds: internalTopic === null ? null : endsOf(source) };
}

function endsOf(ranges: readonly PartitionRange[]): Readonly<Record<number, number>> {
  return Object.fromEntries(ranges.map(({ partition, endOffset }) => [partition, endOffset]));
}
