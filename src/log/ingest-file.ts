/**
 * A file's records into a source's topic, in bounded batches. How far it came is stored with each batch, under the
 * file's content: so a killed ingest goes on where it was, and a file that was loaded is not loaded twice.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { SourceDefinition } from '../definition/definition.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import { readFileRecords } from './file.ts';
import type { AppendRecord, Log } from './log.ts';

/** Records of one append. */
const BATCH_RECORDS_MAX = 5_000;
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
  /** After each batch: share of the file done, 0 to 1, null where it cannot be told. */
  readonly onProgress?: (done: number | null, result: IngestResult) => void;
  readonly signal?: AbortSignal;
}

export interface IngestResult {
  /** Lines or rows looked at. */
  read: number;
  appended: number;
  /** Already in the log from an earlier run. */
  skipped: number;
  rejected: number;
  /** The first few rejections, by line or row. */
  readonly rejections: { readonly number: number; readonly code: string; readonly message: string }[];
}

/** Appends what is valid and counts what is not. Throws `file_unreadable`, `aborted`, or what the log throws. */
export async function ingestFile({
  log,
  source,
  path,
  validate,
  onProgress,
  signal,
}: IngestOptions): Promise<IngestResult> {
  await log.ensureTopic(source.topic, 1);
  const id = `${source.name}:${await contentHash(path)}`;
  const resumeAfter = await log.progressOf(source.topic, id);
  const result: IngestResult = { read: 0, appended: 0, skipped: 0, rejected: 0, rejections: [] };
  let batch: AppendRecord[] = [];
  let done = resumeAfter;
  let share: number | null = 0;
  const flush = async (): Promise<void> => {
    if (done > resumeAfter) await log.append(source.topic, batch, { id, done });
    result.appended += batch.length;
    batch = [];
    onProgress?.(share, result);
  };
  for await (const { number, content, progress } of readFileRecords(path, source)) {
    result.read += 1;
    share = progress;
    if (number <= resumeAfter) {
      result.skipped += 1;
      continue;
    }
    done = number;
    const checked = content.ok
      ? validate(source, content.json)
      : { ok: false as const, code: 'malformed_json', message: content.message };
    if (checked.ok) batch.push({ key: checked.key, value: checked.value, timestampMs: null });
    else reject(result, number, checked);
    if (batch.length >= BATCH_RECORDS_MAX) await flush();
    if (signal?.aborted === true)
      throw new SkewlessError('aborted', `${path}: stopped after line ${done}; run it again to go on`);
  }
  share = 1;
  await flush();
  return result;
}

function reject(result: IngestResult, number: number, { code, message }: { code: string; message: string }): void {
  result.rejected += 1;
  if (result.rejections.length < REJECTIONS_TOLD_MAX) result.rejections.push({ number, code, message });
}

async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw new SkewlessError('file_unreadable', `${path}: ${messageOf(cause)}`, { cause });
  }
  return hash.digest('hex');
}
