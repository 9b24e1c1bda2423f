/**
 * A file's records into a source's topic, in bounded batches. How far it came is stored with each batch, under the
 * file's content: so a killed ingest goes on where it was, a file that was loaded is not loaded twice, and of two
 * processes that load it at once one gives up. A file that is broken somewhere is refused before its first record is
 * appended: mended, it would be another file, and what it shares with the broken one would be appended twice.
 */
import { contentHash } from '../core/content-hash.ts';
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { type FileRecord, checkFile, readFileRecords } from './file.ts';
import type { AppendRecord, Log } from './log.ts';

/** Of one append. Rejected records count, too: the progress beyond them is worth keeping. */
const BATCH_RECORDS_MAX = 5_000;
const BATCH_BYTES_MAX = 4_194_304;
/** Rejections told one by one; all are counted. */
const REJECTIONS_TOLD_MAX = 20;

export type Validate = (
  source: SourceDefinition,
  json: unknown,
) =>
  | { readonly ok: true; readonly key: Uint8Array | null; readonly value: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface IngestOptions {
  readonly log: Log;
  readonly source: SourceDefinition;
  readonly path: string;
  readonly validate: Validate;
  /** After each batch: share of the file done, 0 to 1. */
  readonly onProgress?: (done: number, result: IngestResult) => void;
  readonly signal?: AbortSignal;
}

export interface IngestResult {
  /** Lines or rows looked at. */
  read: number;
  appended: number;
  /** Looked at in an earlier run. */
  skipped: number;
  rejected: number;
  /** The first few rejections, by line or row. */
  readonly rejections: { readonly number: number; readonly code: string; readonly message: string }[];
}

interface Batch {
  readonly records: AppendRecord[];
  bytes: number;
  read: number;
}

/**
 * Appends what is valid and counts what is not. Throws `file_unreadable`, `aborted`, `ingest_running` when another
 * process loads the same file, or what the log throws.
 */
export async function ingestFile(options: IngestOptions): Promise<IngestResult> {
  const { log, source, path, validate, onProgress, signal } = options;
  const id = `${source.name}:${await contentHash(path)}`;
  const resumeAfter = await log.progressOf(source.topic, id);
  if (resumeAfter === 0) await checkFile(path, source);
  await log.ensureTopic(source.topic, 1);
  const result: IngestResult = { read: 0, appended: 0, skipped: 0, rejected: 0, rejections: [] };
  let stored = resumeAfter;
  let done = resumeAfter;
  let batch: Batch = { records: [], bytes: 0, read: 0 };

  async function flush(share: number): Promise<void> {
    if (done > stored) await append(options, batch.records, { id, from: stored, done });
    stored = done;
    result.appended += batch.records.length;
    batch = { records: [], bytes: 0, read: 0 };
    onProgress?.(share, result);
  }

  for await (const record of readFileRecords(path, source)) {
    result.read += 1;
    if (record.number <= resumeAfter) {
      result.skipped += 1;
      continue;
    }
    done = record.number;
    batch.read += 1;
    const checked = check(record, source, validate);
    if (checked.ok) {
      batch.records.push({ key: checked.key, value: checked.value, timestampMs: null });
      batch.bytes += checked.value.length + (checked.key?.length ?? 0);
    } else reject(result, record.number, checked);
    if (batch.read >= BATCH_RECORDS_MAX || batch.bytes >= BATCH_BYTES_MAX) await flush(record.progress);
    if (signal?.aborted === true) {
      throw new SkewlessError('aborted', `${path}: stopped after line ${stored}; run it again to go on`);
    }
  }
  await flush(1);
  return result;
}

async function append(
  { log, source, path }: IngestOptions,
  records: readonly AppendRecord[],
  progress: { readonly id: string; readonly from: number; readonly done: number },
): Promise<void> {
  try {
    await log.append(source.topic, records, { partitioner: source.partitioner, progress });
  } catch (cause) {
    if (!(cause instanceof SkewlessError) || cause.code !== 'progress_moved') throw cause;
    throw new SkewlessError('ingest_running', `${path}: another process is loading it`, { cause });
  }
}

function check({ content }: FileRecord, source: SourceDefinition, validate: Validate): ReturnType<Validate> {
  return content.ok ? validate(source, content.json) : content;
}

function reject(result: IngestResult, number: number, { code, message }: { code: string; message: string }): void {
  result.rejected += 1;
  if (result.rejections.length < REJECTIONS_TOLD_MAX) result.rejections.push({ number, code, message });
}
