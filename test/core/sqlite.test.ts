import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from 'vitest';
import { type SqlitePart, openSqliteFile } from '../../src/core/sqlite.ts';

const PART: SqlitePart = {
  name: 'store',
  version: 1,
  statements: 'CREATE TABLE t (x)',
  mend: 'delete the file',
};

let file = '';
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'skewless-sqlite-')), 'folder', 'file.sqlite');
});

const rowsOf = (sqlite: ReturnType<typeof openSqliteFile>): unknown[] =>
  sqlite.read(() =>
    sqlite
      .prepare('SELECT x FROM t ORDER BY x')
      .all()
      .map((row) => row['x']),
  );

function insert(sqlite: ReturnType<typeof openSqliteFile>, x: number): void {
  sqlite.write(() => sqlite.prepare('INSERT INTO t VALUES (?)').run(x));
}

test('the folder is made, what a transaction wrote is kept, and each commit is synced', () => {
  const sqlite = openSqliteFile(file, PART);
  insert(sqlite, 1);
  expect(sqlite.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 });
  expect(sqlite.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
  sqlite.close();
  const again = openSqliteFile(file, PART);
  expect(rowsOf(again)).toEqual([1]);
  again.close();
});

test("somebody else's SQLite file is refused, and not a byte of it is changed", () => {
  const other = openSqliteFile(file, PART);
  other.close();
  const foreign = `${file}.foreign`;
  const database = new DatabaseSync(foreign);
  database.exec('CREATE TABLE mine (x)');
  database.close();
  const before = readFileSync(foreign);
  expect(() => openSqliteFile(foreign, PART)).toThrow(/not one of Skewless/);
  expect(readFileSync(foreign).equals(before)).toBe(true);
});

test('a file that is no SQLite file is refused, and not a byte of it is changed', () => {
  openSqliteFile(file, PART).close();
  const text = 'a letter to somebody, long enough to be taken for a database. '.repeat(100);
  writeFileSync(`${file}.txt`, text);
  expect(() => openSqliteFile(`${file}.txt`, PART)).toThrow(
    expect.objectContaining({ code: 'sqlite_unusable', retryable: false }),
  );
  expect(readFileSync(`${file}.txt`, 'utf8')).toBe(text);
});

test('a folder in place of the file is refused with its name', () => {
  openSqliteFile(file, PART).close();
  expect(() => openSqliteFile(join(file, '..'), PART)).toThrow(expect.objectContaining({ code: 'sqlite_unusable' }));
  expect(() => openSqliteFile(join(file, 'x', 'y'), PART)).toThrow(
    expect.objectContaining({ code: 'sqlite_unusable', message: expect.stringContaining('file.sqlite') }),
  );
});

test('a file of another version is refused and says which versions', () => {
  openSqliteFile(file, { ...PART, version: 3 }).close();
  expect(() => openSqliteFile(file, PART)).toThrow(/holds a store of version 3; this program reads version 1/);
});

test('parts have versions of their own', () => {
  openSqliteFile(file, { ...PART, name: 'log', version: 3 }).close();
  openSqliteFile(file, { ...PART, statements: 'CREATE TABLE u (x)' }).close();
  openSqliteFile(file, { ...PART, name: 'log', version: 3 }).close();
  expect(() => openSqliteFile(file, { ...PART, name: 'log', version: 4 })).toThrow(/a log of version 3/);
});

test('a transaction that throws leaves nothing behind, and what it threw is passed on', () => {
  const sqlite = openSqliteFile(file, PART);
  const fault = new TypeError('a fault of ours');
  expect(() =>
    sqlite.write(() => {
      sqlite.prepare('INSERT INTO t VALUES (1)').run();
      throw fault;
    }),
  ).toThrow(fault);
  insert(sqlite, 2);
  expect(rowsOf(sqlite)).toEqual([2]);
  sqlite.close();
});

test('a file that another holds locked is unavailable for now; readers do not care', () => {
  const one = openSqliteFile(file, PART);
  const other = openSqliteFile(file, PART, { busyTimeoutMs: 1 });
  one.write(() => {
    expect(() => insert(other, 1)).toThrow(expect.objectContaining({ code: 'sqlite_unavailable', retryable: true }));
    expect(rowsOf(other)).toEqual([]);
  });
  insert(other, 1);
  expect(rowsOf(one)).toEqual([1]);
  one.close();
  other.close();
});

test('a full disk makes the file unavailable for now, and nothing of the transaction is kept', () => {
  const sqlite = openSqliteFile(file, PART);
  // The nearest thing to a full disk that a test can bring about.
  sqlite.prepare('PRAGMA max_page_count = 5').get();
  expect(() =>
    sqlite.write(() => {
      for (let x = 0; x < 100; x++) sqlite.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(1_000));
    }),
  ).toThrow(expect.objectContaining({ code: 'sqlite_unavailable', retryable: true }));
  sqlite.prepare('PRAGMA max_page_count = 1000').get();
  insert(sqlite, 1);
  expect(rowsOf(sqlite)).toEqual([1]);
  sqlite.close();
});

test('a closed file says that it is closed, and may be closed again', () => {
  const sqlite = openSqliteFile(file, PART);
  sqlite.close();
  sqlite.close();
  expect(() => sqlite.read(() => 1)).toThrow(expect.objectContaining({ code: 'closed', retryable: false }));
});
