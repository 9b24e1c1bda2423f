/** One run of `skewless archive`: where each partition goes on, what stands in the way, and the writing. */
import type { Clock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import { type Archive, createArchive } from './archive.ts';
import { type Stretch, removeLeftovers } from './archive-files.ts';
import { COMPARED_RECORDS, compareOverlap } from './archive-overlap.ts';
import { type ArchiveParquet, createArchiveParquet } from './archive-parquet.ts';
import { type ArchiveBounds, type ArchiveWork, DEFAULT_ARCHIVE_BOUNDS, archiveTopic } from './archive-topic.ts';
import type { Log, PartitionRange } from './log.ts';

export interface ArchiveRunOptions {
  /** The log alone: what an archive adds to it is not archived again. */
  readonly log: Log;
  readonly topic: string;
  readonly folder: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (share: number, readOffsets: number) => void;
  readonly bounds?: Partial<ArchiveBounds>;
}

export interface ArchiveProblem {
  readonly partition: number;
  /** `archive_gap`, `archive_mismatch`, `archive_damaged` or `archive_too_new`. */
  readonly code: string;
  readonly message: string;
}

export interface ArchiveResult {
  /** Those that could be gone on with. */
  readonly partitions: readonly ArchiveWork[];
  /** Of the others; what keeps one partition keeps no other. */
  readonly problems: readonly ArchiveProblem[];
}

/** Rejects with `unknown_topic`, and with what the log or the disk failed with. */
export async function runArchive(options: ArchiveRunOptions): Promise<ArchiveResult> {
  const { log, topic, folder, clock, signal } = options;
  const ranges = await log.ranges(topic);
  if (ranges === null) throw new SkewlessError('unknown_topic', `there is no topic ${topic}`);
  const parquet = createArchiveParquet();
  try {
    await removeLeftovers(folder, clock.nowMs());
    const archive = createArchive(topic, folder, parquet, clock);
    const partitions: ArchiveWork[] = [];
    const problems: ArchiveProblem[] = [];
    for (const range of ranges) {
      try {
        partitions.push(await beginOf({ log, topic, archive }, parquet, range));
      } catch (error) {
        problems.push(problemOf(range, error));
      }
    }
    const total = partitions.reduce((sum, { from, target }) => sum + target - from, 0);
    const onProgress = (readOffsets: number): void =>
      options.onProgress(total === 0 ? 1 : readOffsets / total, readOffsets);
    const bounds = { ...DEFAULT_ARCHIVE_BOUNDS, ...options.bounds };
    await archiveTopic({ log, topic, folder, parquet, bounds, signal, onProgress }, partitions);
    return { partitions, problems };
  } finally {
    await parquet.close();
  }
}

/** Checks that archive and log belong together, and nothing is lost between them. */
async function beginOf(
  { log, topic, archive }: { readonly log: Log; readonly topic: string; readonly archive: Archive },
  parquet: ArchiveParquet,
  range: PartitionRange,
): Promise<ArchiveWork> {
  const { partition, startOffset, endOffset } = range;
  const stretches = await archive.stretches(partition);
  const [first] = stretches;
  const from = first?.next ?? startOffset;
  const work = { partition, from, target: endOffset, next: from, records: 0, files: 0 };
  if (first === undefined) return work;
  const newest = first.files.at(-1);
  if (newest !== undefined) await parquet.facts(topic, newest);
  if (from < startOffset) throw gapAfter(topic, archive, range, stretches);
  // At its end, where both are most likely to still hold something.
  await compareOverlap({ log, topic, archive }, range, first, Math.max(startOffset, first.next - COMPARED_RECORDS));
  return work;
}

/** Later files, if there are some, were written by a run whose earlier files are gone. */
function gapAfter(
  topic: string,
  { folder }: Archive,
  { partition, startOffset }: PartitionRange,
  [first, second]: readonly Stretch[],
): SkewlessError {
  const from = first?.next ?? 0;
  const next = second?.from ?? startOffset;
  const message =
    `partition ${partition} of topic ${topic} begins at offset ${startOffset}, and its archive in ${folder} ends at ${from}: ` +
    `offsets ${from} to ${next - 1} are lost. Restore their files; or move what is below offset ${next} out of ` +
    `partition-${partition}, which begins history there, and archive more often than the log forgets`;
  return new SkewlessError('archive_gap', message);
}

function problemOf({ partition }: PartitionRange, error: unknown): ArchiveProblem {
  if (error instanceof SkewlessError && !error.retryable && error.code.startsWith('archive_')) {
    return { partition, code: error.code, message: error.message };
  }
  throw error;
}
