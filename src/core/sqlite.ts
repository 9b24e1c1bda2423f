/**
 * SQLite files of ours: WAL mode, fully synchronous (what a transaction returned is on disk, also after a power cut),
 * schema versioned. The embedded log and the embedded store are parts of such files, of one or of two. Faults of SQLite
 * become `SkewlessError`s here; whatever else is thrown is a fault of ours and passes as it is.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { assert } from './assert.ts';
import { SkewlessError, messageOf } from './errors.ts';

/** `application_id` of every file of ours: "skwl". */
const APPLICATION_ID = 0x736b776c;
/** How long a statement waits for another process's transaction, ms. */
const BUSY_TIMEOUT_MS = 5_000;

/** What a file may hold. Each part has one byte of `user_version` for its schema's version; 0: not in the file. */
export interface SqlitePart {
  readonly name: 'log' | 'store';
  /** 1 to 127. */
  readonly version: number;
  /** Creates the part's tables. */
  readonly statements: string;
  /** Version → statements that make of a file of that version one of the next. */
  readonly upgrades?: Readonly<Record<number, string>>;
  /** What an operator can do when the file is damaged. */
  readonly mend: string;
}

const VERSION_BYTE: Readonly<Record<SqlitePart['name'], number>> = { log: 0, store: 1 };

export interface SqliteFile {
  readonly path: string;
  prepare(sql: string): StatementSync;
  /** Runs `work` in one write transaction; everything it did is undone if it throws. */
  write<T>(work: () => T): T;
  /** Runs `work` in one read transaction: it sees a single moment of the file. */
  read<T>(work: () => T): T;
  close(): void;
}

export interface OpenSqliteOptions {
  readonly busyTimeoutMs?: number;
}

/** Creates the file, its folder and the part's tables where missing. Throws `sqlite_unusable` for a file that is not ours or is newer. */
export function openSqliteFile(path: string, part: SqlitePart, options: OpenSqliteOptions = {}): SqliteFile {
  let database: DatabaseSync | null = null;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? BUSY_TIMEOUT_MS}`);
    // Before anything is changed: the file may be somebody else's.
    identify(database, path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON');
    database.exec('BEGIN IMMEDIATE');
    identify(database, path);
    prepareSchema(database, path, part);
    database.exec('COMMIT');
  } catch (error) {
    if (database?.isOpen === true) database.close();
    throw unusable(error, path, part);
  }
  return wrap(database, path, part);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
}

function identify(database: DatabaseSync, path: string): void {
  const empty = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0;
  if (empty || pragma(database, 'application_id') === APPLICATION_ID) return;
  throw new SkewlessError('sqlite_unusable', `${path} is a SQLite file, but not one of Skewless`);
}

function prepareSchema(database: DatabaseSync, path: string, part: SqlitePart): void {
  const { name, version } = part;
  const shift = 8 * VERSION_BYTE[name];
  const versions = pragma(database, 'user_version');
  const found = (versions >> shift) & 0xff;
  if (found === version) return;
  const statements = statementsFrom(found, part);
  if (statements === null) {
    const message = `${path} holds a ${name} of version ${found}; this program reads version ${version}`;
    throw new SkewlessError('sqlite_unusable', message);
  }
  const versionsAfter = (versions & ~(0xff << shift)) | (version << shift);
  database.exec(`${statements}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${versionsAfter}`);
}

/** Null: no way leads from that version to the part's. */
function statementsFrom(found: number, { version, statements, upgrades = {} }: SqlitePart): string | null {
  if (found === 0) return statements;
  const steps: string[] = [];
  for (let from = found; from < version; from++) {
    const step = upgrades[from];
    if (step === undefined) return null;
    steps.push(step);
  }
  return found > version ? null : steps.join('; ');
}

function wrap(database: DatabaseSync, path: string, part: SqlitePart): SqliteFile {
  function transact<T>(begin: string, work: () => T): T {
    if (!database.isOpen) throw new SkewlessError('closed', `the ${part.name} ${path} is closed`);
    try {
      database.exec(begin);
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite itself has rolled back after some faults, as of a full disk.
      if (database.isTransaction) database.exec('ROLLBACK');
      throw translate(error, path, part);
    }
  }
  return {
    path,
    prepare(sql) {
      try {
        return database.prepare(sql);
      } catch (error) {
        throw translate(error, path, part);
      }
    },
    write: (work) => transact('BEGIN IMMEDIATE', work),
    read: (work) => transact('BEGIN', work),
    close() {
      if (!database.isOpen) return;
      assert(!database.isTransaction, 'a file is closed between transactions');
      database.close();
    },
  };
}

/** SQLite's primary result codes after which the same call may succeed: BUSY, LOCKED, IOERR, FULL, PROTOCOL. */
const RETRYABLE_CODES = new Set([5, 6, 10, 13, 15]);
const CORRUPT = 11;

function translate(error: unknown, path: string, part: SqlitePart): unknown {
  const extendedCode = (error as { errcode?: unknown } | null)?.errcode;
  if (typeof extendedCode !== 'number') return error;
  const code = extendedCode & 0xff;
  if (code === CORRUPT) return damaged(path, part, messageOf(error), error);
  const retryable = RETRYABLE_CODES.has(code);
  const message = `${path}: ${messageOf(error)}`;
  return new SkewlessError(retryable ? 'sqlite_unavailable' : 'sqlite_unusable', message, { retryable, cause: error });
}

/** Whatever keeps a file from being opened, a folder that cannot be made included. */
function unusable(error: unknown, path: string, part: SqlitePart): unknown {
  const translated = translate(error, path, part);
  if (translated instanceof SkewlessError) return translated;
  return new SkewlessError('sqlite_unusable', `${path}: ${messageOf(error)}`, { cause: error });
}

/** The file does not hold what was written to it. */
export function damaged(path: string, { name, mend }: SqlitePart, what: string, cause?: unknown): SkewlessError {
  return new SkewlessError('sqlite_damaged', `the ${name} ${path} is damaged (${what}): ${mend}`, { cause });
}
