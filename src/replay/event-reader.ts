/**
 * Where a replay's events come from: a source's topic, or files that stand for it. Both give records with coordinates, as the
 * live driver gets them; a file is a partition, and its lines or rows are the offsets.
 */
import type { LogRecord } from '../event/event.ts';
import type { TableRows } from '../event/table-rows.ts';
import type { Schemas } from '../event/schemas.ts';

/** What is read of one partition: offsets `from` to `next`, the second not among them. */
export interface ReadRange {
  readonly partition: number;
  readonly from: number;
  /** Null: to the end, which is known when it is reached. */
  readonly next: number | null;
  /** Append time of the first record, where records before it are gone; null: nothing is missing, or nobody knows. */
  readonly startTimestampMs: number | null;
}

export interface EventBatch {
  readonly partition: number;
  /** In offset order. */
  readonly records: readonly LogRecord[];
  /** What there is in place of records. */
  readonly table?: TableRows;
  /** Codes of what could not become a record, as ingest would have refused it. */
  readonly rejected: readonly string[];
  /** Position after the batch. */
  readonly nextOffset: number;
  /** Share of the partition that was read, 0 to 1. */
  readonly share: number;
}

/**
 * What a record's timestamp says of when the server could know it: `append_time`: the log's clock; `arrival_column`: what the
 * files declare; `producer_time` and `nothing`: not when.
 */
export type TimestampMeaning = 'append_time' | 'arrival_column' | 'producer_time' | 'nothing';

export interface EventReader {
  /** For the manifest, and for the hash that tells one run from another: the topic's place, or the files and their contents. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** By which records name their schemas; null: they are events in JSON. */
  readonly schemas: Schemas | null;
  /** Whether records lie where their keys lead, so that one that does not is misplaced; files are in no such order. */
  readonly isPartitioned: boolean;
  timestamps(): Promise<TimestampMeaning>;
  /** What there is now, and what a run is then held to. */
  ranges(): Promise<readonly ReadRange[]>;
  /** Batches of one partition come in order; the next is read when `sink` has taken the one before. Rejects when aborted. */
  read(ranges: readonly ReadRange[], sink: (batch: EventBatch) => Promise<void>, run: ReadRun): Promise<void>;
}

export interface ReadRun {
  readonly signal: AbortSignal;
  /** When the run began that this one goes on with, ms: what ingest would give a file's records as append time. */
  readonly startedMs: number;
}
