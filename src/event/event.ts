/**
 * A record of the log on its way into views. Decoding never throws on user data: what is wrong is a `Rejection`.
 * Shapes only; decode.ts compiles a source and its views into the functions described here.
 */
import type { Value } from '../core/value.ts';

/** Names → bytes; of several headers with one name, the last. */
export type RecordHeaders = Readonly<Record<string, Uint8Array>>;

/** A raw record with its coordinates, as every `Log` adapter delivers it. */
export interface LogRecord {
  readonly partition: number;
  readonly offset: number;
  /** Append time: broker's or producer's record timestamp, ms. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Absent: none. */
  readonly headers?: RecordHeaders;
}

/** What of a record is not its content. */
export type RecordPlace = Pick<LogRecord, 'partition' | 'offset' | 'timestampMs'>;

/** One event of one view: what `fold` takes. */
export interface ViewEvent {
  /** The entity's keys, encoded (see entity-key.ts). */
  readonly entityKey: string;
  readonly tsMs: number;
  readonly partition: number;
  readonly offset: number;
  /** Append time of the record, ms. */
  readonly appendedMs: number;
  /** Aligned with the view's `columns`; in upsert mode one, of which `row` is null where there is none any more. */
  readonly columns: readonly Value[];
  /** Bit i is set where the view's `filters[i]` is true (not false, not null). */
  readonly filterBits: number;
  /** Value of the source's `event_id` field as text, or null when none is declared. */
  readonly eventId: string | null;
}

/** Why a record did not count for a view. `code` is snake_case and one of a closed list in decode.ts. */
export interface Rejection {
  readonly kind: 'rejected';
  readonly code: string;
  /** The column at fault, or null. */
  readonly column: string | null;
  readonly message: string;
}

export type ViewOutcome =
  | { readonly kind: 'event'; readonly event: ViewEvent }
  /** Not an event of this view: its `where` is not true, or the record is about no row. */
  | { readonly kind: 'filtered' }
  /** An entity key is null: skipped and counted. */
  | { readonly kind: 'null_key' }
  | Rejection;
