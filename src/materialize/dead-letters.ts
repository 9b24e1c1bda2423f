/**
 * Rejected records, kept in a topic beside the source's (`<topic>.dlq`, one partition) with coordinates, views, reason
 * and the original bytes. Letters are durable before a checkpoint passes their record, and each is written once: what
 * is already there is read back when a partition opens, as far as `LETTERS_REMEMBERED` letters.
 */
import type { LogRecord, Rejection } from '../event/event.ts';
import { RECORD_BYTES_MAX } from '../event/parse-record.ts';
import type { AppendRecord, Log } from '../log/log.ts';

/** The JSON value of a dead letter's record; its key is `<source>/<partition>/<offset>`. */
export interface DeadLetter {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly appended_ms: number;
  readonly rejections: readonly DeadLetterRejection[];
  readonly key_base64: string | null;
  /** Null where the record had no value, and where it was too large to keep (`record_too_large`). */
  readonly value_base64: string | null;
}

export interface DeadLetterRejection {
  readonly code: string;
  readonly column: string | null;
  readonly message: string;
  /** Ids of the views for which the record was rejected, and their state fingerprints. */
  readonly views: readonly string[];
  readonly fingerprints: readonly string[];
}

/** One view's (or several views of one fingerprint's) rejection of a record. */
export interface RejectedFor {
  readonly rejection: Rejection;
  readonly viewIds: readonly string[];
  readonly fingerprint: string;
}

export interface DeadLetters {
  /** Reads back what others wrote, so that a replay after a crash writes no letter twice; for each partition taken over. */
  open(): Promise<void>;
  /** Collects a record's rejections; nothing is written yet. */
  add(record: LogRecord, rejected: readonly RejectedFor[]): void;
  /** Makes all collected letters durable. What was collected stays collected if it rejects. */
  write(): Promise<void>;
  /** Letters written by this process. */
  written(): number;
}

export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;

const LETTERS_REMEMBERED = 10_000;
const READ_RECORDS_MAX = 500;
const WRITE_RECORDS_MAX = 100;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

export function createDeadLetters(log: Log, source: { readonly name: string; readonly topic: string }): DeadLetters {
  const topic = deadLetterTopic(source.topic);
  /** `<partition>/<offset>/<fingerprint>` of letters in the topic or collected. */
  const known = new Set<string>();
  let pending: AppendRecord[] = [];
  /** Partitions share the letters, and are handled at once: one writes at a time. */
  let writing: Promise<void> = Promise.resolve();
  let writtenCount = 0;
  /** Letters below this offset are known. */
  let readTo = 0;

  async function readBack(): Promise<void> {
    const range = (await log.ranges(topic))?.[0];
    if (range === undefined) return;
    readTo = Math.max(readTo, range.startOffset, range.endOffset - LETTERS_REMEMBERED);
    while (readTo < range.endOffset) {
      const records = await log.read(topic, 0, readTo, READ_RECORDS_MAX);
      const last = records.at(-1);
      if (last === undefined) return;
      for (const record of records) for (const name of namesOf(record)) known.add(name);
      readTo = last.offset + 1;
    }
  }

  async function writePending(): Promise<void> {
    while (pending.length > 0) {
      const some = pending.slice(0, WRITE_RECORDS_MAX);
      await log.append(topic, some);
      pending = pending.slice(some.length);
      writtenCount += some.length;
    }
  }

  return {
    async open() {
      await log.ensureTopic(topic, 1);
      await readBack();
    },
    add(record, rejected) {
      const fresh = rejected.filter(({ fingerprint }) => {
        const name = nameOf(record.partition, record.offset, fingerprint);
        if (known.has(name)) return false;
        known.add(name);
        return true;
      });
      if (fresh.length > 0) pending.push(encodeLetter(source, record, fresh));
      forgetOldest(known);
    },
    write() {
      const turn = writing.then(writePending);
      writing = turn.catch(() => undefined);
      return turn;
    },
    written: () => writtenCount,
  };
}

function nameOf(partition: number, offset: number, fingerprint: string): string {
  return `${partition}/${offset}/${fingerprint}`;
}

/** Of one letter; none if it is not one of ours. */
function namesOf(record: LogRecord): readonly string[] {
  if (record.value === null) return [];
  try {
    const letter = JSON.parse(TEXT_DECODER.decode(record.value)) as DeadLetter;
    return letter.rejections.flatMap(({ fingerprints }) =>
      fingerprints.map((fingerprint) => nameOf(letter.partition, letter.offset, fingerprint)),
    );
  } catch {
    return [];
  }
}

/** Sets keep the order of insertion. */
function forgetOldest(names: Set<string>): void {
  if (names.size <= LETTERS_REMEMBERED * 2) return;
  for (const name of names) {
    if (names.size <= LETTERS_REMEMBERED) return;
    names.delete(name);
  }
}

function encodeLetter(
  source: { readonly name: string; readonly topic: string },
  record: LogRecord,
  rejected: readonly RejectedFor[],
): AppendRecord {
  const { partition, offset, key, value } = record;
  const kept = (value?.length ?? 0) + (key?.length ?? 0) <= RECORD_BYTES_MAX;
  const letter: DeadLetter = {
    source: source.name,
    topic: source.topic,
    partition,
    offset,
    appended_ms: record.timestampMs,
    rejections: mergeAlike(rejected),
    key_base64: kept ? base64(key) : null,
    value_base64: kept ? base64(value) : null,
  };
  return {
    key: TEXT_ENCODER.encode(`${source.name}/${partition}/${offset}`),
    value: TEXT_ENCODER.encode(JSON.stringify(letter)),
    timestampMs: null,
  };
}

/** Views that fail on one column share the decoder's one `Rejection`. */
function mergeAlike(rejected: readonly RejectedFor[]): readonly DeadLetterRejection[] {
  const byRejection = Map.groupBy(rejected, ({ rejection }) => rejection);
  return [...byRejection].map(([{ code, column, message }, alike]) => ({
    code,
    column,
    message,
    views: alike.flatMap(({ viewIds }) => viewIds),
    fingerprints: alike.map(({ fingerprint }) => fingerprint),
  }));
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
