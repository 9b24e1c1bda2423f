/**
 * The files of an archive, by their names alone. The folder is of one topic; below it `partition-<n>` holds one file per
 * range of offsets, `<from>-<next>.parquet`, each with 20 digits. Ranges say what is there and not which offsets have
 * records: markers of transactions and compacted records take offsets, too. Files may overlap, as two runs at once make
 * them: they hold the same records.
 */
import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SkewlessError, messageOf } from '../core/errors.ts';

/** Offsets `from` to `next`, the second not among them. */
export interface OffsetRange {
  readonly from: number;
  readonly next: number;
}

export interface ArchiveFile extends OffsetRange {
  readonly partition: number;
  readonly path: string;
}

/** Files that follow one another without a hole, each reaching beyond the one before it. */
export interface Stretch extends OffsetRange {
  readonly files: readonly ArchiveFile[];
}

const PARTITION_FOLDER = /^partition-(0|[1-9]\d{0,9})$/;
const FILE_NAME = /^(\d{20})-(\d{20})\.parquet$/;
const DIGITS = 20;
const TEMPORARY = '.tmp';
/** What a killed run left is removed by a later one; a file takes seconds to write. */
const TEMPORARY_KEPT_MS = 3_600_000;

export function partitionFolder(folder: string, partition: number): string {
  return join(folder, `partition-${partition}`);
}

export function fileName({ from, next }: OffsetRange): string {
  return `${digits(from)}-${digits(next)}.parquet`;
}

/** Not a name of a file that counts, and never twice the same. */
export function temporaryName(): string {
  return `.${randomUUID()}${TEMPORARY}`;
}

/** By partition, in order of offsets; empty where there is no such folder. Throws `archive_unreadable`, retryable. */
export async function listArchive(folder: string): Promise<ReadonlyMap<number, readonly Stretch[]>> {
  const stretches = new Map<number, readonly Stretch[]>();
  for (const name of await namesIn(folder)) {
    const partition = PARTITION_FOLDER.exec(name)?.[1];
    if (partition === undefined) continue;
    const found = await filesOf(folder, Number(partition));
    if (found.length > 0) stretches.set(Number(partition), stretchesOf(found));
  }
  return stretches;
}

/** The file that holds `offset`; null: none does. */
export function fileAt(stretch: Stretch, offset: number): ArchiveFile | null {
  if (offset < stretch.from) return null;
  return stretch.files.find((file) => offset < file.next) ?? null;
}

/** What is stored of the offsets before `start`, up to there and without a hole; null: nothing that helps. */
export function stretchBefore(stretches: readonly Stretch[] | undefined, start: number): Stretch | null {
  return stretches?.find(({ from, next }) => from < start && start <= next) ?? null;
}

/** Removes what killed runs left half written. */
export async function removeLeftovers(folder: string, nowMs: number): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (!PARTITION_FOLDER.test(name)) continue;
    for (const file of await namesIn(join(folder, name))) {
      const path = join(folder, name, file);
      if (!file.startsWith('.') || !file.endsWith(TEMPORARY)) continue;
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: nowMs }));
      if (nowMs - mtimeMs >= TEMPORARY_KEPT_MS) await rm(path, { force: true });
    }
  }
}

async function filesOf(folder: string, partition: number): Promise<readonly ArchiveFile[]> {
  const directory = partitionFolder(folder, partition);
  return (await namesIn(directory)).flatMap((name) => {
    const [, from, next] = FILE_NAME.exec(name) ?? [];
    const range = { from: Number(from), next: Number(next) };
    return range.from < range.next ? [{ partition, ...range, path: join(directory, name) }] : [];
  });
}

function stretchesOf(files: readonly ArchiveFile[]): readonly Stretch[] {
  const stretches: { from: number; next: number; files: ArchiveFile[] }[] = [];
  for (const file of files.toSorted((one, other) => one.from - other.from || other.next - one.next)) {
    const last = stretches.at(-1);
    if (last === undefined || file.from > last.next)
      stretches.push({ from: file.from, next: file.next, files: [file] });
    else if (file.next > last.next) {
      last.files.push(file);
      last.next = file.next;
    }
  }
  return stretches;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const message = `the archive cannot be read: ${messageOf(error)}`;
    throw new SkewlessError('archive_unreadable', message, { retryable: true, cause: error });
  }
}

function digits(offset: number): string {
  return String(offset).padStart(DIGITS, '0');
}
