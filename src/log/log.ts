/**
 * The `Log` port: an ordered, partitioned, durable log of records. Adapters: sqlite.ts (embedded), later Kafka; one
 * contract suite runs over every adapter. Offsets of a partition grow by one or more per record, from 0.
 */
import type { Partitioner } from '../definition/definition.ts';
import type { LogRecord, RecordHeaders } from '../event/event.ts';

export interface AppendRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Append time, ms; the adapter's own clock when null. */
  readonly timestampMs: number | null;
  /** Absent: the partitioner decides by the key. */
  readonly partition?: number;
  readonly headers?: RecordHeaders;
}

export interface AppendOptions {
  /** How keys become partitions; default murmur2. Records without a key, or by `unknown`, go anywhere. */
  readonly partitioner?: Partitioner;
  readonly progress?: AppendProgress;
}

/** Where appended records went: partition and offset, aligned with the input. */
export interface AppendedAt {
  readonly partition: number;
  readonly offset: number;
}

/** How far a resumable piece of work has come, in its own units: from `from` to `done` with these records. */
export interface AppendProgress {
  readonly id: string;
  readonly from: number;
  readonly done: number;
}

export interface LogBatch {
  readonly partition: number;
  /** The position this batch was fetched from: a driver at any other position discards it. */
  readonly fetchPosition: number;
  /** In offset order; may be empty (the consumer confirms that the end was reached). */
  readonly records: readonly LogRecord[];
  /** Position after the batch: the next offset to fetch. */
  readonly nextPosition: number;
  /** End of the partition when fetched: the offset the next appended record will get. */
  readonly endOffset: number;
  /**
   * Nothing readable was beyond `nextPosition` when fetched. Not the same as `nextPosition = endOffset`: a transaction's
   * markers take offsets and are never delivered.
   */
  readonly reachedEnd: boolean;
}

export interface PartitionRange {
  readonly partition: number;
  /** First offset still held. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** Append time of the first record still held, ms; null when empty. May be null at `startOffset` 0: nothing is missing. */
  readonly startTimestampMs: number | null;
}

/**
 * Calls about one partition are awaited, one at a time: that is the back-pressure. `assigned` and `revoked` overlap with
 * nothing; batches of different partitions may overlap.
 */
export interface LogHandler {
  /** Answers the position to start from for each assigned partition (0 or more). */
  assigned(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** No batch of these partitions is delivered after it resolves. */
  revoked(partitions: readonly number[]): Promise<void>;
  batch(batch: LogBatch): Promise<void>;
  /** The consumer cannot go on (a gap below the start position, an I/O fault): it is closed after this call. */
  failed(error: unknown): void;
}

export interface ConsumeOptions {
  readonly topic: string;
  /** Consumers of one group share the partitions; different groups each see all. */
  readonly group: string;
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** At a partition's end an empty batch is delivered at once, and then each time this has passed, ms. */
  readonly idleMs: number;
}

export interface LogConsumer {
  /** Next batch of the partition is fetched from `position`. */
  seek(partition: number, position: number): void;
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  /** Stops fetching, awaits the handler's running call, revokes. Must not be awaited by the handler itself. */
  close(): Promise<void>;
}

export interface TransferOptions {
  /** Names the work: at most one holder is live, the last that opened it. */
  readonly id: string;
  /** Where the position is kept, as consumer groups keep theirs. */
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** Makes records of what one partition of a topic holds, exactly once, whoever does it and however often they are killed. */
export interface Transfer {
  /** Next offset of the partition to work on; null: none was. May be older than the last append: skip what was seen. */
  position(): Promise<number | null>;
  /** Appends, and moves the position, or neither. Rejects with `fenced` once another has opened the work. */
  append(topic: string, records: readonly AppendRecord[], nextPosition: number): Promise<void>;
  close(): Promise<void>;
}

/** What the broker's defaults must not decide; adapters without such settings have nothing to do. */
export interface TopicSettings {
  /** Nothing is ever deleted for its age or the topic's size. */
  readonly keepsAll: boolean;
  /** Of one record. */
  readonly recordBytesMax: number;
}

/** Whose clock gave a topic's records their timestamps: the log's own when it took them, or anybody's. */
export type TimestampOrigin = 'log' | 'producer';

export interface Log {
  /** Whether a topic that is named comes into being; else its owner makes it, with the partitions it needs. */
  readonly makesTopics: boolean;
  /** Creates the topic where it is missing; an existing one keeps its partitions and settings. */
  ensureTopic(topic: string, partitions: number, settings?: TopicSettings): Promise<void>;
  /** As the topic is set now: what was appended under another setting shows nothing of it. Rejects with `unknown_topic`. */
  timestampOrigin(topic: string): Promise<TimestampOrigin>;
  /** Null when the topic does not exist. */
  ranges(topic: string): Promise<readonly PartitionRange[] | null>;
  /**
   * Durable when it resolves; order of the input is kept per partition. `progress` is stored with the records or not at all (a transaction, where the log has them). Rejects with `unknown_topic`, or with
   * `progress_moved` when the stored progress is not `from`: somebody else does the same work.
   */
  append(topic: string, records: readonly AppendRecord[], options?: AppendOptions): Promise<readonly AppendedAt[]>;
  /** How far the work called `id` had come when it last appended to the topic; 0 if it never did. */
  progressOf(topic: string, id: string): Promise<number>;
  /** Fences whoever held the work before: nothing of theirs is appended any more. */
  openTransfer(options: TransferOptions): Promise<Transfer>;
  /** Rejects with `unknown_topic`. */
  consume(options: ConsumeOptions, handler: LogHandler): Promise<LogConsumer>;
  /** Records by coordinates, in order, for explain and replay; none from the end on. Rejects with `log_gap` below the start. */
  read(topic: string, partition: number, fromOffset: number, recordsMax: number): Promise<readonly LogRecord[]>;
  close(): Promise<void>;
}
