/**
 * The files of an archive as Parquet, written and read by DuckDB, which is loaded only for it. One thing is done at a
 * time, so memory stays that of one file. What is read is checked: the file is of the topic and the range that its name
 * says, every record is the one that was written, in its place, and none is missing.
 */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBInstance, DuckDBType } from '@duckdb/node-api';
import { type DuckDB, fileLiteral, literal } from '../core/duckdb.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { LogRecord } from '../event/event.ts';
import type { ArchiveFile } from './archive-files.ts';
import { COLUMNS, columnsOf, recordOf } from './archive-record.ts';

/** Raised when files are written in another way. */
const FORMAT = 1;
/** Rows that are compressed, and so read, together. */
const ROW_GROUP_RECORDS = 4_096;
/** DuckDB's own unit: a chunk holds no more. */
const CHUNK_RECORDS = 2_048;

/** What a file says of itself, in its metadata. */
export interface ArchiveFacts {
  readonly records: number;
  /** Of keys and values. */
  readonly bytes: number;
}

export interface ArchiveParquet {
  /** Durable, whole and under its name when it resolves; `temporary` is where it is until then. */
  write(topic: string, file: ArchiveFile, records: readonly LogRecord[], temporary: string): Promise<void>;
  facts(topic: string, file: ArchiveFile): Promise<ArchiveFacts>;
  /** Records from `fromOffset` on, in order: `recordsMax` of them, or all that are left in the file. */
  read(file: ArchiveFile, facts: ArchiveFacts, fromOffset: number, recordsMax: number): Promise<readonly LogRecord[]>;
  /** When what was begun is done. */
  close(): Promise<void>;
}

export function createArchiveParquet(): ArchiveParquet {
  let opening: Promise<Duck> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  function next<T>(work: (duck: Duck) => Promise<T>): Promise<T> {
    const turn = last.then(async () => {
      if (closed) throw new SkewlessError('archive_closed', 'the archive is closed', { retryable: true });
      opening ??= openDuck();
      return work(await opening);
    });
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    write: (topic, file, records, temporary) => next((duck) => writeFile(duck, topic, file, records, temporary)),
    facts: (topic, file) => next((duck) => checked(file, () => readFacts(duck, topic, file))),
    read: (file, facts, fromOffset, recordsMax) =>
      next((duck) => checked(file, () => readRecords(duck, file, facts, fromOffset, recordsMax))),
    async close() {
      await last;
      closed = true;
      (await opening)?.instance.closeSync();
    },
  };
}

interface Duck {
  readonly duckdb: DuckDB;
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  /** Of the table that a file is made of. */
  readonly types: readonly DuckDBType[];
}

async function openDuck(): Promise<Duck> {
  const duckdb = await import('@duckdb/node-api');
  const instance = await duckdb.DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE records (${COLUMNS})`);
  const types = (await connection.run('SELECT * FROM records')).columnTypes();
  return { duckdb, instance, connection, types };
}

async function writeFile(
  { duckdb, connection, types }: Duck,
  topic: string,
  file: ArchiveFile,
  records: readonly LogRecord[],
  temporary: string,
): Promise<void> {
  try {
    const appender = await connection.createAppender('records');
    for (let from = 0; from < records.length; from += CHUNK_RECORDS) {
      const some = records.slice(from, from + CHUNK_RECORDS);
      const chunk = duckdb.DuckDBDataChunk.create(types, some.length);
      chunk.setColumns(columnsOf(duckdb, some, from));
      appender.appendDataChunk(chunk);
      // Consumers' heartbeats must get through.
      await nextTurn();
    }
    appender.closeSync();
    const metadata = metadataOf(topic, file, records).map(([name, value]) => `${name}: ${literal(value)}`);
    await connection.run(
      `COPY records TO ${literal(temporary)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_RECORDS}, ` +
        `USE_TMP_FILE false, KV_METADATA { ${metadata.join(', ')} })`,
    );
    await sync(temporary);
    await rename(temporary, file.path);
    await sync(dirname(file.path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const message = `${file.path} cannot be written: ${messageOf(error)}`;
    throw new SkewlessError('archive_unwritable', message, { cause: error });
  } finally {
    await connection.run('DELETE FROM records');
  }
}

function metadataOf(topic: string, file: ArchiveFile, records: readonly LogRecord[]): readonly [string, string][] {
  const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
  const facts = { skewless_archive: FORMAT, topic, ...coordinatesOf(file), records: records.length, bytes };
  return Object.entries(facts).map(([name, value]) => [`"${name}"`, String(value)]);
}

function coordinatesOf({ partition, from, next }: ArchiveFile) {
  return { partition, from, next };
}

async function readFacts({ connection }: Duck, topic: string, file: ArchiveFile): Promise<ArchiveFacts> {
  const query = `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${fileLiteral(file.path)})`;
  const facts = new Map((await connection.runAndReadAll(query)).getRows() as [string, string][]);
  const numberOf = (name: string): number => {
    const number = Number(facts.get(name) ?? Number.NaN);
    if (!Number.isSafeInteger(number)) throw damaged(file, `it does not say its ${name}`);
    return number;
  };
  const format = numberOf('skewless_archive');
  if (format > FORMAT) {
    const message = `${file.path} has format ${format}, and this version reads ${FORMAT}: use the version that wrote it, or a later one`;
    throw new SkewlessError('archive_too_new', message);
  }
  if (facts.get('topic') !== topic) throw otherTopic(file, topic, String(facts.get('topic')));
  for (const [name, expected] of Object.entries(coordinatesOf(file))) {
    if (numberOf(name) !== expected) throw damaged(file, `its name and its metadata do not agree about ${name}`);
  }
  const counted = await connection.runAndReadAll(
    `SELECT num_rows FROM parquet_file_metadata(${fileLiteral(file.path)})`,
  );
  if (Number(counted.getRows()[0]?.[0]) !== numberOf('records'))
    throw damaged(file, 'it does not hold all its records');
  return { records: numberOf('records'), bytes: numberOf('bytes') };
}

async function readRecords(
  { duckdb, connection }: Duck,
  file: ArchiveFile,
  facts: ArchiveFacts,
  fromOffset: number,
  recordsMax: number,
): Promise<readonly LogRecord[]> {
  const query =
    `SELECT file_row_number, "offset", "timestamp", "key", "value", "headers", "checksum" ` +
    `FROM read_parquet(${fileLiteral(file.path)}, hive_partitioning = false, file_row_number = true) ` +
    `WHERE "offset" >= ${fromOffset} LIMIT ${recordsMax}`;
  const rows = (await connection.runAndReadAll(query)).getRows();
  const [first] = rows;
  const firstRow = first === undefined ? facts.records : Number(first[0]);
  let before = fromOffset - 1;
  const records = rows.map(([, ...columns], index) => {
    const record = recordOf(duckdb, file.partition, firstRow + index, columns);
    if (record === null) throw damaged(file, `row ${firstRow + index} is not what was written`);
    if (record.offset <= before || record.offset >= file.next) throw damaged(file, `offset ${record.offset} is astray`);
    before = record.offset;
    return record;
  });
  const rowsSeen = firstRow + records.length;
  if (records.length < recordsMax && rowsSeen !== facts.records)
    throw damaged(file, `${facts.records - rowsSeen} records are gone`);
  return records;
}

/** What DuckDB cannot read is damaged, unless it cannot be opened at all. */
async function checked<T>(file: ArchiveFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SkewlessError) throw error;
    try {
      await (await open(file.path)).close();
    } catch (cause) {
      const message = `the archive cannot be read: ${messageOf(cause)}`;
      throw new SkewlessError('archive_unreadable', message, { retryable: true, cause });
    }
    throw damaged(file, messageOf(error));
  }
}

function damaged({ path, partition, from, next }: ArchiveFile, what: string): SkewlessError {
  const mend =
    `restore it from a backup; or delete it and run skewless archive, ` +
    `as long as the log still holds offsets ${from} to ${next - 1} of partition ${partition}`;
  return new SkewlessError('archive_damaged', `${path} is damaged (${what}): ${mend}`);
}

function otherTopic({ path }: ArchiveFile, topic: string, found: string): SkewlessError {
  const message = `${path} is of topic ${found}, and topic ${topic} is wanted: give each topic a folder of its own`;
  return new SkewlessError('archive_mismatch', message);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
