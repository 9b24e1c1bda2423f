/**
 * One topic's archive and log, joined by offset. The archive counts only as far as it reaches the log's first record
 * without a hole: what lies in a hole is lost, and said. Where both hold the same offsets they must hold the same
 * records, or one of them is of another log.
 */
import type { Clock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import type { LogRecord } from '../event/event.ts';
import type { Archive } from './archive.ts';
import { type Stretch, stretchBefore } from './archive-files.ts';
import { compareOverlap } from './archive-overlap.ts';
import { gap } from './gap.ts';
import type { Log, PartitionRange } from './log.ts';

/** What the log holds is asked for again after this, while the archive is read. */
const HELD_MS = 1_000;
/** Of each warning one; after so many different ones, all again. */
const WARNINGS_MAX = 1_000;

export interface History {
  readonly archive: Archive;
  /** As `Log.ranges`: each partition begins where the archive does. Rejects with `archive_mismatch`, `archive_damaged`. */
  ranges(): Promise<readonly PartitionRange[] | null>;
  /** As `Log.read`. */
  read(partition: number, fromOffset: number, recordsMax: number): Promise<readonly LogRecord[]>;
  /** What the log alone holds, as of now or of lately. Rejects with `unknown_topic`. */
  held(partition: number, when: 'now' | 'lately'): Promise<PartitionRange>;
  /** Where the log began when it was last asked. */
  logStart(partition: number): number;
}

export function createHistory(
  log: Log,
  topic: string,
  archive: Archive,
  clock: Clock,
  onWarning: (message: string) => void,
): History {
  const logStarts = new Map<number, number>();
  /** `partition/from` → append time of the archive's first record. */
  const firstTimestamps = new Map<string, number | null>();
  /** Partition → start of the log when both were last compared there. */
  const compared = new Map<number, number>();
  const warned = new Set<string>();
  let held: Promise<readonly PartitionRange[] | null> = Promise.resolve(null);
  let askedAtMs = Number.NEGATIVE_INFINITY;

  function warn(message: string): void {
    if (warned.has(message)) return;
    if (warned.size >= WARNINGS_MAX) warned.clear();
    warned.add(message);
    onWarning(message);
  }

  function ask(): Promise<readonly PartitionRange[] | null> {
    askedAtMs = clock.nowMs();
    held = log.ranges(topic).then((ranges) => {
      for (const { partition, startOffset } of ranges ?? []) logStarts.set(partition, startOffset);
      return ranges;
    });
    held.catch(() => {
      askedAtMs = Number.NEGATIVE_INFINITY;
    });
    return held;
  }

  /** What does not reach the log may have been added to since the folder was last looked at. */
  async function lookAgain(ranges: readonly PartitionRange[]): Promise<void> {
    const truncated = ranges.filter(({ startOffset }) => startOffset > 0);
    if (truncated.length === 0) return;
    const listed = await archive.list();
    const isShort = ({ partition, startOffset }: PartitionRange): boolean =>
      stretchBefore(listed.get(partition), startOffset) === null;
    if (truncated.some(isShort)) archive.forget();
  }

  /** What the archive adds before the log's start; null: nothing. */
  async function before(range: PartitionRange): Promise<Stretch | null> {
    const { partition, startOffset } = range;
    if (startOffset === 0) return null;
    const stretches = await archive.stretches(partition);
    const stretch = stretchBefore(stretches, startOffset);
    const hole = holeBefore(stretches, stretch?.from ?? startOffset);
    if (hole !== null) warn(holeWarning(topic, archive.folder, range, stretch, hole));
    if (stretch === null) return null;
    if (compared.get(partition) !== startOffset) {
      await compareOverlap({ log, topic, archive }, range, stretch, startOffset);
      compared.set(partition, startOffset);
    }
    return stretch;
  }

  async function firstTimestampMs(partition: number, stretch: Stretch): Promise<number | null> {
    const name = `${partition}/${stretch.from}`;
    const known = firstTimestamps.get(name);
    if (known !== undefined) return known;
    let found: number | null = null;
    const cursor = archive.cursor(partition, 1);
    for (let position = stretch.from; found === null && position < stretch.next; ) {
      const piece = await cursor.fetch(position, { beforeOffset: stretch.next, recordsMax: 1, bytesMax: 0 });
      if (piece === null) break;
      found = piece.records[0]?.timestampMs ?? null;
      position = piece.nextPosition;
    }
    firstTimestamps.set(name, found);
    return found;
  }

  /** Of the archive, what the log does not hold. */
  async function readArchived(
    partition: number,
    fromOffset: number,
    recordsMax: number,
    range: PartitionRange,
  ): Promise<{ readonly records: LogRecord[]; readonly nextPosition: number }> {
    const records: LogRecord[] = [];
    const cursor = archive.cursor(partition, recordsMax);
    let position = fromOffset;
    while (records.length < recordsMax && position < range.startOffset) {
      const limits = { beforeOffset: range.startOffset, recordsMax: recordsMax - records.length, bytesMax: Infinity };
      const piece = await cursor.fetch(position, limits);
      if (piece === null) throw gap(topic, partition, position, range);
      records.push(...piece.records);
      position = piece.nextPosition;
    }
    return { records, nextPosition: position };
  }

  async function read(partition: number, fromOffset: number, recordsMax: number): Promise<readonly LogRecord[]> {
    const range = (await ask())?.find((each) => each.partition === partition);
    if (range === undefined || fromOffset >= range.startOffset) {
      return log.read(topic, partition, fromOffset, recordsMax);
    }
    await lookAgain([range]);
    const stretch = await before(range);
    if (stretch === null || fromOffset < stretch.from) return log.read(topic, partition, fromOffset, recordsMax);
    const { records, nextPosition } = await readArchived(partition, fromOffset, recordsMax, range);
    if (records.length === recordsMax) return records;
    // Anew: the log may have forgotten more meanwhile.
    return [...records, ...(await read(partition, nextPosition, recordsMax - records.length))];
  }

  return {
    archive,
    async ranges() {
      const ranges = await ask();
      if (ranges === null) return null;
      await lookAgain(ranges);
      const joined: PartitionRange[] = [];
      for (const range of ranges) {
        const stretch = await before(range);
        if (stretch === null) joined.push(range);
        else {
          const { from: startOffset } = stretch;
          const firstMs = startOffset === 0 ? null : await firstTimestampMs(range.partition, stretch);
          joined.push({ ...range, startOffset, startTimestampMs: firstMs ?? range.startTimestampMs });
        }
      }
      return joined;
    },
    read,
    async held(partition, when) {
      const ranges = await (when === 'now' || clock.nowMs() - askedAtMs >= HELD_MS ? ask() : held);
      const range = ranges?.find((each) => each.partition === partition);
      if (range === undefined)
        throw new SkewlessError('unknown_topic', `partition ${partition} of topic ${topic} is gone`);
      return range;
    },
    logStart: (partition) => logStarts.get(partition) ?? 0,
  };
}

/** What is missing right before `offset`; null: nothing. */
function holeBefore(
  stretches: readonly Stretch[],
  offset: number,
): { readonly from: number; readonly next: number } | null {
  if (offset === 0) return null;
  const from = stretches.findLast(({ next }) => next <= offset)?.next ?? 0;
  return from < offset ? { from, next: offset } : null;
}

function holeWarning(
  topic: string,
  folder: string,
  { partition, startOffset }: PartitionRange,
  stretch: Stretch | null,
  hole: { readonly from: number; readonly next: number },
): string {
  const where = `partition ${partition} of topic ${topic}`;
  const begins =
    stretch === null
      ? `the log begins at offset ${startOffset}, and the archive in ${folder} does not reach it`
      : `the archive in ${folder} begins at offset ${stretch.from}`;
  return `${where}: ${begins}: offsets ${hole.from} to ${hole.next - 1} are lost, and history is known from there on alone`;
}
