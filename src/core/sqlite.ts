/**
 * A SQLite file of ours: opened in WAL mode, fully synchronous (what a transaction returned is on disk), its schema
 * versioned. The embedded log and store both stand on this; faults of SQLite become `SkewlessError`s here.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SkewlessError, messageOf } from './errors.ts';

/** How long a statement waits for another process's transaction, ms. */
const BUSY_TIMEOUT_MS = 5_000;

export interface SqliteSchema {
  /** Marks the file as ours and of this kind (SQLite's `application_id`). */
  readonly applicationId: number;
  readonly version: number;
  /** What the file holds, for messages. */
  readonly name: string;
  readonly statements: string;
}

export interface SqliteFile {
  readonly database: DatabaseSync;
  /** Runs `work` in one write transaction; everything it did is undone if it throws. */
  write<T>(work: () => T): T;
  /** Runs `work` in one read transaction: it sees a single moment of the file. */
  read<T>(work: () => T): T;
  close(): void;
}

/** Creates the file and its folder where missing. Throws `sqlite_unusable` for a file that is not ours or is newer. */
export function openSqliteFile(file: string, schema: SqliteSchema): SqliteFile {
  let database: DatabaseSync | null = null;
  try {
    mkdirSync(dirname(file), { recursive: true });
    database = new DatabaseSync(file);
    database.exec(
      `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON`,
    );
    prepareSchema(database, file, schema);
  } catch (error) {
    database?.close();
    throw translate(error, file);
  }
  return wrap(database, file);
}

function prepareSchema(
  database: DatabaseSync,
  file: string,
  { applicationId, version, name, statements }: SqliteSchema,
): void {
  const pragma = (of: string): number => Number(Object.values(database.prepare(`PRAGMA ${of}`).get() ?? {})[0] ?? 0);
  database.exec('BEGIN IMMEDIATE');
  const found = pragma('application_id');
  const foundVersion = pragma('user_version');
  const empty = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0;
  if (empty) {
    database.exec(`${statements}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}`);
  } else if (found !== applicationId) {
    throw new SkewlessError('sqlite_unusable', `${file} is a SQLite file, but not a Skewless ${name}`);
  } else if (foundVersion !== version) {
    throw new SkewlessError(
      'sqlite_unusable',
      `${file} is a ${name} of version ${foundVersion}; this program reads version ${version}`,
    );
  }
  database.exec('COMMIT');
}

function wrap(database: DatabaseSync, file: string): SqliteFile {
  function transact<T>(begin: string, work: () => T): T {
    try {
      database.exec(begin);
    } catch (error) {
      throw translate(error, file);
    }
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
      throw translate(error, file);
    }
  }
  return {
    database,
    write: (work) => transact('BEGIN IMMEDIATE', work),
    read: (work) => transact('BEGIN', work),
    close() {
      if (database.isOpen) database.close();
    },
  };
}

/** SQLite's primary result codes after which the same call may succeed: BUSY, LOCKED, IOERR, FULL. */
const RETRYABLE = new Set([5, 6, 10, 13]);

function translate(error: unknown, file: string): SkewlessError {
  if (error instanceof SkewlessError) return error;
  const code = (error as { errcode?: number }).errcode;
  const retryable = code !== undefined && RETRYABLE.has(code & 0xff);
  return new SkewlessError(retryable ? 'sqlite_unavailable' : 'sqlite_unusable', `${file}: ${messageOf(error)}`, {
    retryable,
    cause: error,
  });
}
