/**
 * Whether an archive and a log are of the same records, where both hold the same offsets. The log may have lost some of
 * them (compaction); what it has, the archive has too.
 */
import { SkewlessError } from '../core/errors.ts';
import type { LogRecord } from '../event/event.ts';
import type { Archive } from './archive.ts';
import type { Stretch } from './archive-files.ts';
import type { Log, PartitionRange } from './log.ts';

/** Compared at one place, at most. */
export const COMPARED_RECORDS = 16;

export interface Overlap {
  readonly log: Log;
  readonly topic: string;
  readonly archive: Archive;
}

/** Compares from `fromOffset` on, which both hold if they overlap at all. Rejects with `archive_mismatch`. */
export async function compareOverlap(
  { log, topic, archive }: Overlap,
  { partition, endOffset }: PartitionRange,
  stretch: Stretch,
  fromOffset: number,
): Promise<void> {
  const mismatch = (what: string): SkewlessError => {
    const message =
      `the archive in ${archive.folder} is not of this log: partition ${partition} of topic ${topic} ${what}. ` +
      'Was the topic made anew? Give it another folder';
    return new SkewlessError('archive_mismatch', message);
  };
  if (stretch.next > endOffset) throw mismatch(`ends at offset ${endOffset}, and its archive at ${stretch.next}`);
  if (fromOffset >= stretch.next) return;
  const inLog = await readUnlessGone(log, topic, partition, fromOffset);
  const both = inLog.filter(({ offset }) => offset < stretch.next);
  const cursor = archive.cursor(partition, COMPARED_RECORDS);
  for (const record of both) {
    const limits = { beforeOffset: stretch.next, recordsMax: 1, bytesMax: 0 };
    const kept = (await cursor.fetch(record.offset, limits))?.records[0];
    if (kept === undefined || !isSame(kept, record)) throw mismatch(`has another record at offset ${record.offset}`);
  }
}

/** The log may have forgotten them since it was asked where it begins: then there is nothing to compare. */
async function readUnlessGone(
  log: Log,
  topic: string,
  partition: number,
  fromOffset: number,
): Promise<readonly LogRecord[]> {
  try {
    return await log.read(topic, partition, fromOffset, COMPARED_RECORDS);
  } catch (error) {
    if (error instanceof SkewlessError && error.code === 'log_gap') return [];
    throw error;
  }
}

function isSame(one: LogRecord, other: LogRecord): boolean {
  const isSameBytes = (some: Uint8Array | null, others: Uint8Array | null): boolean =>
    some === null || others === null ? some === others : Buffer.compare(some, others) === 0;
  return (
    one.offset === other.offset &&
    one.timestampMs === other.timestampMs &&
    isSameBytes(one.key, other.key) &&
    isSameBytes(one.value, other.value)
  );
}
