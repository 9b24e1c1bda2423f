/** A log of SQLite with an archive beside it, random records of every shape, and what a record is compared by. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import type { LogRecord } from '../../src/event/event.ts';
import { type ArchiveResult, runArchive } from '../../src/log/archive-run.ts';
import type { ArchiveBounds } from '../../src/log/archive-topic.ts';
import { withArchives } from '../../src/log/archived.ts';
import type { AppendRecord, Log } from '../../src/log/log.ts';
import { type SqliteLog, openSqliteLog } from '../../src/log/sqlite.ts';
import type { Random } from '../contract/random.ts';

export interface Archived {
  readonly log: SqliteLog;
  readonly folder: string;
  /** Of the log and the archive together. */
  readonly joined: Log;
  readonly warnings: readonly string[];
  archive(bounds?: Partial<ArchiveBounds>, signal?: AbortSignal): Promise<ArchiveResult>;
  /** A log and an archive that were just opened. */
  again(): Archived;
}

export async function openArchived(partitions: number, topic = 't'): Promise<Archived> {
  const directory = mkdtempSync(join(tmpdir(), 'skewless-archive-'));
  const log = await openSqliteLog({ file: join(directory, 'log.sqlite'), clock: systemClock });
  await log.ensureTopic(topic, partitions);
  return joinTo(log, join(directory, 'archive'), topic);
}

export function joinTo(log: SqliteLog, folder: string, topic = 't'): Archived {
  const warnings: string[] = [];
  const onWarning = (message: string): void => void warnings.push(message);
  const archives = new Map([[topic, folder]]);
  return {
    log,
    folder,
    joined: withArchives(log, { archives, clock: systemClock, onWarning }),
    warnings,
    archive: (bounds = {}, signal = new AbortController().signal) =>
      runArchive({ log, topic, folder, clock: systemClock, signal, onProgress: () => undefined, bounds }),
    again: () => joinTo(log, folder, topic),
  };
}

export function randomRecord(random: Random, partition: number): AppendRecord {
  const bytes = (): Uint8Array => Buffer.from(Array.from({ length: random.int(40) }, () => random.int(256)));
  const maybe = (): Uint8Array | null => (random.chance(0.2) ? null : random.chance(0.1) ? new Uint8Array(0) : bytes());
  const names = ['skewless-replay', 'traceparent', '', 'ünïcode ☃', "it's", '__proto__'];
  const headers = Object.fromEntries(names.filter(() => random.chance(0.3)).map((name) => [name, bytes()]));
  const record = { partition, key: maybe(), value: maybe(), timestampMs: random.int(2 ** 31) * 1_000 };
  return random.chance(0.5) ? record : { ...record, headers };
}

/** Which of key, value and headers are absent counts, too. */
export function plain({ partition, offset, timestampMs, key, value, headers }: LogRecord): string {
  const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
  const named = headers && Object.entries(headers).map(([name, bytes]) => [name, hex(bytes)]);
  return JSON.stringify([partition, offset, timestampMs, hex(key), hex(value), named]);
}
