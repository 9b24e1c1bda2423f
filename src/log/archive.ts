/**
 * What is kept of one topic, read by offset. The folder is looked at again from time to time, as `skewless archive` adds
 * files to it. Records come in blocks, so what is held in memory is that of one block for each cursor.
 */
import type { Clock } from '../core/clock.ts';
import type { LogRecord } from '../event/event.ts';
import { type ArchiveFile, type Stretch, fileAt, listArchive } from './archive-files.ts';
import type { ArchiveFacts, ArchiveParquet } from './archive-parquet.ts';

/** A listing is used for this long. */
const LISTED_MS = 5_000;
const BLOCK_RECORDS_MAX = 4_096;
/** Of keys and values, if the records of a block are as large as those of its file are on average. */
const BLOCK_BYTES = 2_097_152;

export interface FetchLimits {
  /** Nothing at or beyond it. */
  readonly beforeOffset: number;
  readonly recordsMax: number;
  /** One record comes, however large. */
  readonly bytesMax: number;
}

export interface ArchivePiece {
  /** In order; may be empty, for offsets need not have records. */
  readonly records: readonly LogRecord[];
  /** Everything below it is in `records` or was never delivered to anybody. */
  readonly nextPosition: number;
}

export interface ArchiveCursor {
  /** Null: `fromOffset` is not in the archive. */
  fetch(fromOffset: number, limits: FetchLimits): Promise<ArchivePiece | null>;
}

export interface Archive {
  readonly folder: string;
  /** In order; rejects with `archive_unreadable`, retryable. */
  stretches(partition: number): Promise<readonly Stretch[]>;
  /** By partition. */
  list(): Promise<ReadonlyMap<number, readonly Stretch[]>>;
  /** The folder is looked at again when it is next asked for. */
  forget(): void;
  /** Cheap; made for reading in one direction. */
  cursor(partition: number, blockRecordsMax?: number): ArchiveCursor;
}

interface Block extends ArchivePiece {
  readonly from: number;
}

export function createArchive(topic: string, folder: string, parquet: ArchiveParquet, clock: Clock): Archive {
  let listing: Promise<ReadonlyMap<number, readonly Stretch[]>> | null = null;
  let listedAtMs = Number.NEGATIVE_INFINITY;

  function list(): Promise<ReadonlyMap<number, readonly Stretch[]>> {
    if (listing === null || clock.nowMs() - listedAtMs >= LISTED_MS) {
      const asked = listArchive(folder);
      listing = asked;
      listedAtMs = clock.nowMs();
      asked.catch(() => {
        if (listing === asked) listing = null;
      });
    }
    return listing;
  }

  const stretches = async (partition: number): Promise<readonly Stretch[]> => (await list()).get(partition) ?? [];

  async function find(partition: number, offset: number): Promise<ArchiveFile | null> {
    for (const stretch of await stretches(partition)) {
      const file = fileAt(stretch, offset);
      if (file !== null) return file;
    }
    return null;
  }

  function cursor(partition: number, blockRecordsMax = BLOCK_RECORDS_MAX): ArchiveCursor {
    let block: Block | null = null;
    let opened: { readonly path: string; readonly facts: ArchiveFacts } | null = null;

    async function load(file: ArchiveFile, from: number): Promise<Block> {
      if (opened?.path !== file.path) opened = { path: file.path, facts: await parquet.facts(topic, file) };
      const count = Math.min(blockRecordsMax, blockRecords(opened.facts));
      const records = await parquet.read(file, opened.facts, from, count);
      const last = records.at(-1);
      return {
        from,
        records,
        nextPosition: last === undefined || records.length < count ? file.next : last.offset + 1,
      };
    }

    return {
      async fetch(fromOffset, limits) {
        if (block === null || fromOffset < block.from || fromOffset >= block.nextPosition) {
          const file = await find(partition, fromOffset);
          if (file === null) return null;
          block = await load(file, fromOffset);
        }
        return pieceOf(block, fromOffset, limits);
      },
    };
  }

  return {
    folder,
    list,
    stretches,
    forget() {
      listing = null;
    },
    cursor,
  };
}

function blockRecords({ records, bytes }: ArchiveFacts): number {
  return bytes === 0 ? BLOCK_RECORDS_MAX : Math.max(1, Math.floor((BLOCK_BYTES * records) / bytes));
}

function pieceOf(block: Block, fromOffset: number, { beforeOffset, recordsMax, bytesMax }: FetchLimits): ArchivePiece {
  const records: LogRecord[] = [];
  const first = block.records.findIndex(({ offset }) => offset >= fromOffset);
  let bytes = 0;
  for (const record of first < 0 ? [] : block.records.slice(first, first + recordsMax + 1)) {
    if (record.offset >= beforeOffset) break;
    bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (records.length === recordsMax || (records.length > 0 && bytes > bytesMax)) {
      return { records, nextPosition: (records.at(-1)?.offset ?? fromOffset - 1) + 1 };
    }
    records.push(record);
  }
  return { records, nextPosition: Math.min(block.nextPosition, beforeOffset) };
}
