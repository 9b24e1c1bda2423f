/** What the parts of a shard's driver share. */
import type { Clock } from '../core/clock.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { LogRecord, ViewOutcome } from '../event/event.ts';
import type { PartitionRange } from '../log/log.ts';
import type { ShardId, Store } from '../store/store.ts';
import type { MaterializeBounds } from './bounds.ts';
import type { Lane } from './lane.ts';
import type { Owner } from './opening.ts';
import type { RetryPolicy } from './retry.ts';

export interface ShardContext {
  readonly id: ShardId;
  readonly source: SourceDefinition;
  readonly lanes: readonly Lane[];
  readonly store: Store;
  readonly clock: Clock;
  readonly owner: Owner;
  readonly bounds: MaterializeBounds;
  readonly retry: RetryPolicy;
  /** What the log holds of the shard's partition now, and how many partitions its topic has. */
  range(): Promise<{ readonly range: PartitionRange; readonly partitions: number }>;
}

/** Records in offset order without a gap between `fromOffset` and `nextOffset`, decoded for all lanes of the source. */
export interface Chunk {
  readonly fromOffset: number;
  readonly nextOffset: number;
  readonly records: readonly DecodedRecord[];
  /** When the log's end was at `nextOffset`, ms; null if it is further on. */
  readonly reachedEndAtMs: number | null;
}

export interface DecodedRecord {
  readonly record: LogRecord;
  /** By `outcomeIndex` of lanes. */
  readonly outcomes: readonly ViewOutcome[];
  readonly eventTimeMs: number | null;
}
