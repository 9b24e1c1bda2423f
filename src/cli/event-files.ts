/** Files of events in place of a source's topic: what ingest would append of them, and when, as a replay reads it. */
import { resolve } from 'node:path';
import { contentHash } from '../core/content-hash.ts';
import { SkewlessError } from '../core/errors.ts';
import { parseTimestampMs } from '../core/time.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { changeOf, Deletion } from '../event/change.ts';
import type { LogRecord } from '../event/event.ts';
import { asJson } from '../event/schemas.ts';
import { validateEvent } from '../event/validate.ts';
import { type FileRecord, readFileRecords } from '../log/file.ts';
import type { EventBatch, EventReader, ReadRange, ReadRun } from '../replay/event-reader.ts';

const BATCH_RECORDS_MAX = 4_096;
const BATCH_BYTES_MAX = 4_194_304;

/**
 * Files are partitions in the order of their paths, whatever order they are named in; lines and rows are offsets, from 1.
 * `arrival`: the column that says when each record arrived; null: the files do not say. Rejects with `file_unreadable`.
 */
export async function openEventFiles(
  declared: SourceDefinition,
  paths: readonly string[],
  arrival: string | null,
): Promise<EventReader> {
  const source = asJson(declared);
  const sorted = [...new Set(paths.map((path) => resolve(path)))].toSorted();
  const files: { file: string; sha256: string }[] = [];
  for (const file of sorted) files.push({ file, sha256: await contentHash(file) });
  return {
    identity: { files, ...(arrival !== null && { arrival }) },
    schemas: null,
    isPartitioned: false,
    timestamps: () => Promise.resolve(arrival === null ? 'nothing' : 'arrival_column'),
    ranges: () =>
      Promise.resolve(sorted.map((_file, partition) => ({ partition, from: 1, next: null, startTimestampMs: null }))),
    async read(ranges, sink, run) {
      for (const range of ranges) {
        await readFile(source, sorted[range.partition] as string, arrival, range, sink, run);
      }
    },
  };
}

async function readFile(
  source: SourceDefinition,
  path: string,
  arrival: string | null,
  { partition, from }: ReadRange,
  sink: (batch: EventBatch) => Promise<void>,
  { signal, startedMs }: ReadRun,
): Promise<void> {
  let records: LogRecord[] = [];
  let rejected: string[] = [];
  let bytes = 0;

  async function deliver(nextOffset: number, share: number): Promise<void> {
    signal.throwIfAborted();
    await sink({ partition, records, rejected, nextOffset, share });
    records = [];
    rejected = [];
    bytes = 0;
  }

  let nextOffset = from;
  for await (const { number, content, progress } of readFileRecords(path, source)) {
    if (number < from) continue;
    nextOffset = number + 1;
    const record = recordOf(source, `${path}:${number}`, content, arrival, startedMs);
    if (typeof record === 'string') rejected.push(record);
    else {
      records.push({ ...record, partition, offset: number });
      bytes += (record.key?.length ?? 0) + record.value.length;
    }
    const isFull = records.length + rejected.length >= BATCH_RECORDS_MAX || bytes >= BATCH_BYTES_MAX;
    if (isFull) await deliver(nextOffset, progress);
  }
  await deliver(nextOffset, 1);
}

/** Or the code by which ingest would refuse it. */
function recordOf(
  source: SourceDefinition,
  where: string,
  content: FileRecord['content'],
  arrival: string | null,
  startedMs: number,
): { readonly key: Uint8Array | null; readonly value: Uint8Array; readonly timestampMs: number } | string {
  if (!content.ok) return content.code;
  const { json } = content;
  const checked = validateEvent(source, json);
  if (!checked.ok) return checked.code;
  const { key, value } = checked;
  if (arrival !== null) return { key, value, timestampMs: arrivalMs(where, json as object, arrival) };
  // A deletion happens when its record is appended, and nobody knows when that was.
  if (changeOf(source, json as object) instanceof Deletion) {
    const mend = `name the column that says when: --arrival ${source.name}=COLUMN`;
    throw new SkewlessError(
      'arrival_unknown',
      `${where}: a row is deleted, which happens when the record arrives; ${mend}`,
    );
  }
  return { key, value, timestampMs: startedMs };
}

function arrivalMs(where: string, json: object, column: string): number {
  const value = Object.hasOwn(json, column) ? (json as Readonly<Record<string, unknown>>)[column] : null;
  const ms = typeof value !== 'string' ? value : /^-?\d+$/.test(value) ? Number(value) : parseTimestampMs(value);
  if (typeof ms === 'number' && Number.isSafeInteger(ms)) return ms;
  const message = `${where}: column ${column} is to say when the record arrived, as RFC 3339 with an offset or integer milliseconds`;
  throw new SkewlessError('file_unreadable', message);
}
