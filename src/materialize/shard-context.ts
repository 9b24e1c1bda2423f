/** What the parts of a shard's driver share. */
import type { Clock } from '../core/clock.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { Erasure } from '../event/erasure.ts';
import type { LogRecord, ViewOutcome } from '../event/event.ts';
import type { PartitionRange } from '../log/log.ts';
import type { Position, ShardId, Store } from '../store/store.ts';
import type { MaterializeBounds } from './bounds.ts';
import type { Lane } from './lane.ts';
import type { Owner } from './opening.ts';
import type { Placement } from './placement.ts';
import type { PositionNotes } from './position-notes.ts';
import type { RetryPolicy } from './retry.ts';
import type { Progress } from './transit.ts';

export interface ShardContext {
  readonly id: ShardId;
  readonly source: SourceDefinition;
  readonly lanes: readonly Lane[];
  readonly store: Store;
  readonly clock: Clock;
  readonly owner: Owner;
  readonly bounds: MaterializeBounds;
  readonly retry: RetryPolicy;
  readonly notes: PositionNotes;
  /** Null: its records are not told from misplaced ones (see placement.ts). */
  readonly placement: Placement | null;
  /** What the log holds for the shard now. */
  extent(): Promise<Extent>;
}

export interface Extent {
  /** Of the shard's partition in the topic that is read. */
  readonly range: PartitionRange;
  /** Of the source's topic. */
  readonly partitions: number;
  /** Ends of the source's partitions, where another topic than its own is read. */
  readonly sourceEnds: Position | null;
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
  /** Offset in the topic that is read; several have one, where a bundle was read. */
  readonly at: number;
  /** Where to read on once it is folded: the same again, as long as others of its bundle are to come. */
  readonly next: number;
  /** In the source's coordinates. */
  readonly record: LogRecord;
  /** By `outcomeIndex` of lanes. */
  readonly outcomes: readonly ViewOutcome[];
  readonly eventTimeMs: number | null;
  /** Neither of these is an event, nor has outcomes: how far a partition of the source has been moved. */
  readonly progress?: Progress;
  /** A control record. */
  readonly erasure?: Erasure;
}
