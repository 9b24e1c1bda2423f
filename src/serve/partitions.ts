/** In which shard an entity's state is: that of its record key, or of its own where the source is repartitioned. */
import { messageOf } from '../core/errors.ts';
import type { Value } from '../core/value.ts';
import type { SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { partitionOfEntity } from '../log/entity-partition.ts';
import type { ShardId } from '../store/store.ts';
import { RequestError, item } from './problem.ts';

const RETRY_AFTER_SECONDS = 1;

/** Number of partitions by source name. */
export type PartitionCounts = ReadonlyMap<string, number>;

export interface Partitions {
  /** Throws 503 `log_unavailable` where it must ask the log and cannot. */
  counts(sources: Iterable<SourceDefinition>): Promise<PartitionCounts>;
  /** The same where nobody needs to be asked; else null. */
  known(sources: Iterable<SourceDefinition>): PartitionCounts | null;
  /**
   * Whether `built`, the number that a checkpoint's states were built with, is the one in use here. If not, entities are
   * elsewhere than was looked, and the number is asked for again next time.
   */
  agrees(source: string, built: number): boolean;
}

/**
 * `ask` answers null while nothing is known: then there is one. A known count is kept: a topic that grows is a new
 * namespace.
 */
export function createPartitions(ask: (source: SourceDefinition) => Promise<number | null>): Partitions {
  const known = new Map<string, number>();
  return {
    async counts(sources) {
      const counts = new Map<string, number>();
      for (const source of sources) {
        const count = known.get(source.name) ?? (await askOrRefuse(ask, source));
        if (count !== null) known.set(source.name, count);
        counts.set(source.name, count ?? 1);
      }
      return counts;
    },
    known(sources) {
      const counts = new Map<string, number>();
      for (const { name } of sources) {
        const count = known.get(name);
        if (count === undefined) return null;
        counts.set(name, count);
      }
      return counts;
    },
    agrees(source, built) {
      if ((known.get(source) ?? 1) === built) return true;
      known.delete(source);
      return false;
    },
  };
}

async function askOrRefuse(
  ask: (source: SourceDefinition) => Promise<number | null>,
  source: SourceDefinition,
): Promise<number | null> {
  try {
    return await ask(source);
  } catch (error) {
    const message = `the log did not say how many partitions ${source.topic} has: ${messageOf(error)}`;
    throw new RequestError(503, [item('log_unavailable', null, message)], RETRY_AFTER_SECONDS);
  }
}

/** `keys` are the entity's, in the view's order, none of them null. */
export function shardOf(view: ViewDefinition, keys: readonly Value[], partitionCount: number): ShardId {
  return {
    source: view.source.name,
    entityKey: entityKeyOf(view),
    partition: partitionOfEntity(view.source, view.keyColumns, keys, partitionCount),
  };
}

export function entityKeyOf(view: ViewDefinition): string {
  return view.keyColumns.join(',');
}
