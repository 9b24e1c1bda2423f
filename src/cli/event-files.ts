/** Files of events in place of a source's topic: what ingest would append of them, and when, as a replay reads it. */
import { resolve } from 'node:path';
import { contentHash } from '../core/content-hash.ts';
import { SkewlessError } from '../core/errors.ts';
import { parseTimestampMs } from '../core/time.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { changeOf, Deletion, memberOf } from '../event/change.ts';
import type { LogRecord } from '../event/event.ts';
import { asJson } from '../event/schemas.ts';
import { RECORD_BYTES_MAX } from '../event/parse-record.ts';
import { canBeTable } from '../event/table-rows.ts';
import { validateEvent } from '../event/validate.ts';
import { type FileRecord, isTable, readFileRecords, readTableChunks } from '../log/file.ts';
import type { ParquetChunk } from '../log/file-parquet.ts';
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
        const path = sorted[range.partition] as string;
        const read = isTable(path) && canBeTable(source) ? readTable : readRecords;
        await read({ source, path, arrival }, range, sink, run);
      }
    },
  };
}

interface EventFile {
  readonly source: SourceDefinition;
  readonly path: string;
  readonly arrival: string | null;
}

type Sink = (batch: EventBatch) => Promise<void>;

async function readRecords(file: EventFile, { partition, from }: ReadRange, sink: Sink, run: ReadRun): Promise<void> {
  const { path, source } = file;
  let batch = beginBatch();
  let nextOffset = from;
  for await (const { number, content, progress } of readFileRecords(path, source)) {
    if (number < from) continue;
    nextOffset = number + 1;
    take(file, batch, partition, number, content, run);
    if (!isFull(batch)) continue;
    run.signal.throwIfAborted();
    await sink({ partition, ...batch, nextOffset, share: progress });
    batch = beginBatch();
  }
  run.signal.throwIfAborted();
  await sink({ partition, ...batch, nextOffset, share: 1 });
}

interface PendingBatch {
  readonly records: LogRecord[];
  readonly rejected: string[];
  bytes: number;
}

function beginBatch(): PendingBatch {
  return { records: [], rejected: [], bytes: 0 };
}

function isFull({ records, rejected, bytes }: PendingBatch): boolean {
  return records.length + rejected.length >= BATCH_RECORDS_MAX || bytes >= BATCH_BYTES_MAX;
}

function take(
  { source, path, arrival }: EventFile,
  batch: PendingBatch,
  partition: number,
  offset: number,
  content: FileRecord['content'],
  { startedMs }: ReadRun,
): void {
  const record = recordOf(source, `${path}:${offset}`, content, arrival, startedMs);
  if (typeof record === 'string') {
    batch.rejected.push(record);
    return;
  }
  batch.records.push({ ...record, partition, offset });
  batch.bytes += (record.key?.length ?? 0) + record.value.length;
}

/** Key and value together may be as large as a record; a key says again what the value does. */
const TABLE_JSON_BYTES_MAX = RECORD_BYTES_MAX / 2;

async function readTable(file: EventFile, range: ReadRange, sink: Sink, run: ReadRun): Promise<void> {
  const { path, source } = file;
  let nextOffset = range.from;
  for await (const chunk of readTableChunks(path, source)) {
    if (chunk.first + chunk.rows <= nextOffset) continue;
    run.signal.throwIfAborted();
    const isSmall = chunk.jsonBytesMax <= TABLE_JSON_BYTES_MAX;
    // Whether a row is too large for a record is known when it was written as one.
    await (isSmall ? takeColumns : takeRecords)(file, chunk, { ...range, from: nextOffset }, sink, run);
    nextOffset = chunk.first + chunk.rows;
  }
  run.signal.throwIfAborted();
  await sink({ partition: range.partition, records: [], rejected: [], nextOffset, share: 1 });
}

function takeColumns(
  { path, source, arrival }: EventFile,
  { first, rows, total, cellOf }: ParquetChunk,
  { partition, from }: ReadRange,
  sink: Sink,
  run: ReadRun,
): Promise<void> {
  const arrivals = arrival === null ? null : { column: arrival, cell: cellOf(arrival) };
  const nextOffset = first + rows;
  const table = {
    cells: source.fields.map(({ path: [name] }) => cellOf(name as string)),
    from: Math.max(0, from - first),
    to: rows,
    offset: first,
    timestampMs: (row: number): number =>
      arrivals === null ? run.startedMs : arrivalMs(`${path}:${first + row}`, arrivals.cell(row), arrivals.column),
  };
  return sink({ partition, nextOffset, share: (nextOffset - 1) / total, records: [], rejected: [], table });
}

async function takeRecords(
  file: EventFile,
  { first, rows, total, jsonOf }: ParquetChunk,
  { partition, from }: ReadRange,
  sink: Sink,
  run: ReadRun,
): Promise<void> {
  let batch = beginBatch();
  for (let row = Math.max(0, from - first); row < rows; row++) {
    const offset = first + row;
    take(file, batch, partition, offset, { ok: true, json: jsonOf(row) }, run);
    if (!isFull(batch) && row + 1 < rows) continue;
    await sink({ partition, ...batch, nextOffset: offset + 1, share: offset / total });
    batch = beginBatch();
  }
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
  if (arrival !== null)
    return { key, value, timestampMs: arrivalMs(where, memberOf(json as object, arrival), arrival) };
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

function arrivalMs(where: string, value: unknown, column: string): number {
  const ms = typeof value !== 'string' ? value : /^-?\d+$/.test(value) ? Number(value) : parseTimestampMs(value);
  if (typeof ms === 'number' && Number.isSafeInteger(ms)) return ms;
  const message = `${where}: column ${column} is to say when the record arrived, as RFC 3339 with an offset or integer milliseconds`;
  throw new SkewlessError('file_unreadable', message);
}
