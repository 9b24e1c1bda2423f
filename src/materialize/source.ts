/** Builds what drives one source (decoder, partitions, shards, lanes, dead letters) and tells its status. */
import type { Clock } from '../core/clock.ts';
import { compileSourceDecoder } from '../event/decode.ts';
import { SkewlessError } from '../core/errors.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import type { MaterializeBounds } from './bounds.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createLane } from './lane.ts';
import type { Owner } from './opening.ts';
import { createPartition, type Partition } from './partition.ts';
import { createOutage } from './outage.ts';
import type { RetryPolicy } from './retry.ts';
import { createShard, type Shard } from './shard.ts';
import type { ShardContext } from './shard-context.ts';
import { createSourceDriver } from './source-driver.ts';
import { partitionStatus, type SourceStatus, viewStatuses } from './status.ts';
import type { SourcePlan } from './topology.ts';
import { createTurns } from './turns.ts';

export interface SourceContext {
  readonly log: Log;
  readonly store: Store;
  readonly clock: Clock;
  readonly owner: Owner;
  readonly deadLetters: 'topic' | 'off';
  readonly bounds: MaterializeBounds;
  readonly stateBytesPerLaneMax: number;
  /** Aborted when nothing may be waited for any longer. */
  readonly controller: AbortController;
  readonly stopping: () => boolean;
}

export interface Source {
  prepare(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
  status(): SourceStatus;
}

export function createSource(plan: SourcePlan, context: SourceContext): Source {
  const { source } = plan;
  const outage = createOutage(context);
  const deadLetters = context.deadLetters === 'topic' ? createDeadLetters(context.log, source, plan.group) : null;
  const shardsOf = new Map<number, readonly Shard[]>();

  function partitionAt(partition: number): Partition {
    const shards = createShards(plan, context, outage.policy, partition);
    shardsOf.set(partition, shards);
    return createPartition({
      topic: source.topic,
      decoder: compileSourceDecoder(
        source,
        plan.shards.flatMap(({ lanes }) => lanes.map(({ view }) => view)),
      ),
      shards,
      letters: deadLetters?.partition(partition) ?? null,
      retry: outage.policy,
      flushRecordsMax: context.bounds.flushRecordsMax,
      turns: createTurns(context),
      partitionCount: () => driver.partitionCount(),
      stopping: context.stopping,
    });
  }

  const driver = createSourceDriver({
    plan,
    log: context.log,
    clock: context.clock,
    bounds: context.bounds,
    retry: outage.policy,
    deadLetters,
    stopping: context.stopping,
    createPartition: partitionAt,
  });

  return {
    prepare: () => driver.prepare(),
    start: () => driver.start(),
    async stop() {
      if (outage.waitingFor() !== null) context.controller.abort();
      await driver.stop();
    },
    status: () => ({
      source: source.name,
      topic: source.topic,
      group: plan.group,
      state: driver.state(),
      waitingFor: outage.waitingFor(),
      deadLetters: deadLetters?.written() ?? 0,
      partitions: [...shardsOf].map(([partition, shards]) =>
        partitionStatus(partition, shards, driver.endOffsets().get(partition) ?? null),
      ),
      views: viewStatuses(shardsOf),
    }),
  };
}

/** Lanes are numbered as the decoder's views are: shard by shard. */
function createShards(
  plan: SourcePlan,
  context: SourceContext,
  retry: RetryPolicy,
  partition: number,
): readonly Shard[] {
  let outcomeIndex = 0;
  return plan.shards.map(({ entityKey, lanes }) => {
    const shard: ShardContext = {
      id: { source: plan.source.name, entityKey, partition },
      source: plan.source,
      lanes: lanes.map((lane) => createLane(lane, outcomeIndex++, context.stateBytesPerLaneMax)),
      store: context.store,
      clock: context.clock,
      owner: context.owner,
      bounds: context.bounds,
      retry,
      range: () => rangeOf(context.log, plan.source.topic, partition),
    };
    return createShard(shard);
  });
}

async function rangeOf(
  log: Log,
  topic: string,
  partition: number,
): Promise<{ readonly range: PartitionRange; readonly partitions: number }> {
  const ranges = (await log.ranges(topic)) ?? [];
  const range = ranges.find((candidate) => candidate.partition === partition);
  if (range === undefined) {
    throw new SkewlessError('topic_missing', `topic ${topic} has no partition ${partition} any more`);
  }
  return { range, partitions: ranges.length };
}
