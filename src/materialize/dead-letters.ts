/**
 * Rejected records, kept in a topic beside the source's (`<topic>.dlq`, one partition) with coordinates, views, reason
 * and the original bytes, in the record's own trace. Letters are durable before a checkpoint passes their record, and each is written once: the first
 * letter of a partition fences whoever owned it before and reads back what they wrote, as far as `LETTERS_REMEMBERED`
 * letters.
 */
import type { LogRecord, Rejection } from '../event/event.ts';
import { SkewlessError } from '../core/errors.ts';
import { TRACEPARENT, traceHeadersOf } from '../event/trace-context.ts';
import type { AppendRecord, Log, Transfer } from '../log/log.ts';

/** The JSON value of a dead letter's record; its key is `<source>/<partition>/<offset>`. */
export interface DeadLetter {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly appended_ms: number;
  readonly rejections: readonly DeadLetterRejection[];
  readonly key_base64: string | null;
  /** Null where the record had no value, and where key and value were too large to keep (`KEPT_BYTES_MAX`). */
  readonly value_base64: string | null;
  /** Of the record: the trace in which it was appended. Absent: it came without. */
  readonly traceparent?: string;
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
  /** Makes the topic where it is missing. */
  open(): Promise<void>;
  /** Those of one partition of the source. */
  partition(partition: number): PartitionLetters;
  /** Letters written by this process. */
  written(): number;
}

/** Of a partition that this process was assigned; another may believe the same, and is fenced by the first letter. */
export interface PartitionLetters {
  /** Collects a record's rejections; nothing is written yet. */
  add(record: LogRecord, rejected: readonly RejectedFor[]): void;
  /** Makes all collected letters durable. What was collected stays collected if it rejects; with `fenced`, for good. */
  write(): Promise<void>;
  /** The partition is somebody else's now. */
  close(): Promise<void>;
}

export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;

const LETTERS_REMEMBERED = 10_000;
/** Of key and value: as text and with its reasons the letter is still less than the 1 MiB that brokers take by default. */
const KEPT_BYTES_MAX = 655_360;
const READ_RECORDS_MAX = 500;
const WRITE_RECORDS_MAX = 100;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/** `group`: the consumer group, which keeps deployments apart. `readTopic`: whose partitions it shares out. */
export function createDeadLetters(
  log: Log,
  source: { readonly name: string; readonly topic: string },
  group: string,
  readTopic = source.topic,
): DeadLetters {
  const topic = deadLetterTopic(source.topic);
  /** `<partition>/<offset>/<fingerprint>` of letters in the topic, as far as it was read. */
  const stored = new Set<string>();
  /** Letters below this offset are known. */
  let readTo = 0;
  let writtenCount = 0;
  /** Partitions are handled at once; the topic is read by one of them at a time. */
  let reading: Promise<void> = Promise.resolve();

  function readBack(): Promise<void> {
    const turn = reading.then(readNew);
    reading = turn.catch(() => undefined);
    return turn;
  }

  async function readNew(): Promise<void> {
    const range = (await log.ranges(topic))?.[0];
    if (range === undefined) return;
    readTo = Math.max(readTo, range.startOffset, range.endOffset - LETTERS_REMEMBERED);
    while (readTo < range.endOffset) {
      const records = await log.read(topic, 0, readTo, READ_RECORDS_MAX);
      const last = records.at(-1);
      if (last === undefined) return;
      for (const record of records) for (const name of namesOf(record)) stored.add(name);
      readTo = last.offset + 1;
    }
    forgetOldest(stored);
  }

  function partitionLetters(partition: number): PartitionLetters {
    const pending: Pending[] = [];
    const collected = new Set<string>();
    let transfer: Transfer | null = null;

    /** From here on no former owner writes letters of this partition; what they wrote is read. */
    async function take(): Promise<Transfer> {
      const id = `${group}/letters/${partition}`;
      const taken = await log.openTransfer({ id, group: `${group}/letters`, topic: readTopic, partition });
      await readBack();
      return taken;
    }

    async function write(): Promise<void> {
      if (pending.length === 0) return;
      transfer ??= await take();
      while (pending.length > 0) {
        const some = pending.slice(0, WRITE_RECORDS_MAX);
        const fresh = some
          .map(({ record, rejected }) => letterToWrite(record, rejected))
          .filter((letter) => letter !== null);
        const next = Math.max(...some.map(({ record }) => record.offset)) + 1;
        if (fresh.length > 0) await append(fresh, next);
        for (const { record, rejected } of some) {
          for (const { fingerprint } of rejected) stored.add(nameOf(record, fingerprint));
        }
        pending.splice(0, some.length);
        writtenCount += fresh.length;
      }
      collected.clear();
    }

    /** Of a record's rejections those that nobody has written: a former owner may have had some of the views only. */
    function letterToWrite(record: LogRecord, rejected: readonly RejectedFor[]): AppendRecord | null {
      const missing = rejected.filter(({ fingerprint }) => !stored.has(nameOf(record, fingerprint)));
      return missing.length === 0 ? null : encodeLetter(source, record, missing);
    }

    async function append(letters: readonly AppendRecord[], nextPosition: number): Promise<void> {
      const holder = transfer as Transfer;
      try {
        await holder.append(topic, letters, nextPosition);
      } catch (error) {
        transfer = null;
        await holder.close();
        if (!(error instanceof SkewlessError) || error.code !== 'fenced') throw error;
        const message = `partition ${partition} of topic ${readTopic} has another owner`;
        throw new SkewlessError('fenced', message, { cause: error });
      }
    }

    return {
      add(record, rejected) {
        const fresh = rejected.filter(({ fingerprint }) => {
          const name = nameOf(record, fingerprint);
          return !stored.has(name) && !collected.has(name);
        });
        if (fresh.length === 0) return;
        for (const { fingerprint } of fresh) collected.add(nameOf(record, fingerprint));
        pending.push({ record, rejected: fresh });
      },
      write,
      async close() {
        pending.length = 0;
        collected.clear();
        await transfer?.close();
        transfer = null;
      },
    };
  }

  return {
    open: () => log.ensureTopic(topic, 1),
    partition: partitionLetters,
    written: () => writtenCount,
  };
}

interface Pending {
  readonly record: LogRecord;
  readonly rejected: readonly RejectedFor[];
}

function nameOf({ partition, offset }: Pick<LogRecord, 'partition' | 'offset'>, fingerprint: string): string {
  return `${partition}/${offset}/${fingerprint}`;
}

/** Null if the record is no letter of ours. */
export function parseLetter({ value }: LogRecord): DeadLetter | null {
  if (value === null) return null;
  try {
    const letter = JSON.parse(TEXT_DECODER.decode(value)) as DeadLetter | null;
    return Array.isArray(letter?.rejections) ? letter : null;
  } catch {
    return null;
  }
}

function namesOf(record: LogRecord): readonly string[] {
  const letter = parseLetter(record);
  if (letter === null) return [];
  return letter.rejections.flatMap(({ fingerprints }) =>
    fingerprints.map((fingerprint) => nameOf(letter, fingerprint)),
  );
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
  const kept = (value?.length ?? 0) + (key?.length ?? 0) <= KEPT_BYTES_MAX;
  const trace = traceHeadersOf(record.headers);
  const letter: DeadLetter = {
    source: source.name,
    topic: source.topic,
    partition,
    offset,
    appended_ms: record.timestampMs,
    rejections: mergeAlike(rejected),
    key_base64: kept ? base64(key) : null,
    value_base64: kept ? base64(value) : null,
    ...(trace === null ? {} : { traceparent: TEXT_DECODER.decode(trace[TRACEPARENT]) }),
  };
  return {
    key: TEXT_ENCODER.encode(`${source.name}/${partition}/${offset}`),
    value: TEXT_ENCODER.encode(JSON.stringify(letter)),
    timestampMs: null,
    ...(trace === null ? {} : { headers: trace }),
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
