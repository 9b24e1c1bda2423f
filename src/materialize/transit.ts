/**
 * What an internal topic holds: records of the source as they are, with a header that says where they come from, and,
 * of each transaction that moved some, how far it went, for every partition. Written by mover.ts, read by lanes.
 */
import type { LogRecord, RecordHeaders } from '../event/event.ts';
import type { AppendRecord } from '../log/log.ts';
import { RECORD_BYTES_MAX } from '../event/parse-record.ts';

/** `<source partition>/<offset>/<append time, ms>`. */
const ORIGIN_HEADER = 'skewless-origin';
/** The record's own key: in the topic it is keyed by its entity. */
const KEY_HEADER = 'skewless-key';
const PROGRESS_HEADER = 'skewless-progress';
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/** All records of a source partition below `nextOffset` that belong to this internal partition come before this. */
export interface Progress {
  readonly partition: number;
  readonly nextOffset: number;
  /** When the partition's end was at `nextOffset`, by the mover's clock; null if it was further on. */
  readonly reachedEndAtMs: number | null;
  /**
   * Null but where records below `nextOffset` were gone before they could be moved: append time of the first one that was
   * there. It comes before that record.
   */
  readonly lostUntilMs: number | null;
}

export type Moved =
  | { readonly kind: 'record'; readonly record: LogRecord }
  | { readonly kind: 'progress'; readonly progress: Progress };

/**
 * A record too large to be read is cut to what is one byte too large still: whoever decodes it comes to the same end, and
 * the topic need not take what the source's takes.
 */
export function moved(record: LogRecord, partition: number, entityKey: string | null): AppendRecord {
  const { partition: from, offset, timestampMs, value } = record;
  const origin = TEXT_ENCODER.encode(`${from}/${offset}/${timestampMs}`);
  const isTooLarge = value !== null && value.length + (record.key?.length ?? 0) > RECORD_BYTES_MAX;
  return {
    key: entityKey === null ? null : TEXT_ENCODER.encode(entityKey),
    value: isTooLarge ? value.subarray(0, RECORD_BYTES_MAX + 1) : value,
    timestampMs: null,
    partition,
    headers: {
      ...record.headers,
      [ORIGIN_HEADER]: origin,
      ...(record.key === null ? {} : { [KEY_HEADER]: record.key }),
    },
  };
}

export function progressRecord(progress: Progress, partition: number): AppendRecord {
  const headers = { [PROGRESS_HEADER]: TEXT_ENCODER.encode(JSON.stringify(progress)) };
  return { key: null, value: null, timestampMs: null, partition, headers };
}

/** In the source's coordinates. Null: neither of the two, so somebody else's. */
export function parseMoved(record: LogRecord): Moved | null {
  const { headers = {} } = record;
  const origin = headers[ORIGIN_HEADER];
  if (origin !== undefined) return { kind: 'record', record: originalOf(record, headers, origin) };
  const progress = headers[PROGRESS_HEADER];
  if (progress === undefined) return null;
  return { kind: 'progress', progress: JSON.parse(TEXT_DECODER.decode(progress)) as Progress };
}

function originalOf({ value }: LogRecord, headers: RecordHeaders, origin: Uint8Array): LogRecord {
  const [partition = 0, offset = 0, timestampMs = 0] = TEXT_DECODER.decode(origin).split('/').map(Number);
  const { [ORIGIN_HEADER]: _origin, [KEY_HEADER]: key = null, ...others } = headers;
  const original = { partition, offset, timestampMs, key, value };
  return Object.keys(others).length === 0 ? original : { ...original, headers: others };
}
