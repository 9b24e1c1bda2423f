import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, expect, test } from 'vitest';
import { validateEvent } from '../../src/event/validate.ts';
import { checkFile, readFileRecords } from '../../src/log/file.ts';
import { allRecords, jsonOf, ordersSource, temporaryDirectory } from './support.ts';

const SOURCE = ordersSource();
const zone = process.env['TZ'];
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

async function parquetOf(query: string, path = join(temporaryDirectory(), 'orders.parquet')): Promise<string> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'; COPY (${query}) TO '${path}' (FORMAT parquet)`);
  instance.closeSync();
  return path;
}

async function jsonOfQuery(query: string): Promise<unknown[]> {
  return jsonOf(await allRecords(await parquetOf(query), SOURCE));
}

test('rows of a Parquet file come as JSON would have carried them, 64-bit integers exactly', async () => {
  const rows = await jsonOfQuery(`
    SELECT 'a' AS id, TIMESTAMP '2013-01-31 17:00:00.123' AS at, 12.5::DOUBLE AS amount, 3 AS items,
      9223372036854775807 AS account, true AS paid, 'x' AS city, ['p', 'q'] AS tags
    UNION ALL SELECT 'b', TIMESTAMP '2013-01-31 18:00:00', NULL, NULL, -9007199254740993, NULL, NULL, NULL`);
  expect(rows).toEqual([
    {
      id: 'a',
      at: '2013-01-31T17:00:00.123Z',
      amount: 12.5,
      items: 3,
      account: '9223372036854775807',
      paid: true,
      address: { city: 'x' },
      tags: ['p', 'q'],
    },
    {
      id: 'b',
      at: '2013-01-31T18:00:00.000Z',
      amount: null,
      items: null,
      account: '-9007199254740993',
      paid: null,
      address: { city: null },
      tags: null,
    },
  ]);
  for (const json of rows) expect(validateEvent(SOURCE, json)).toMatchObject({ ok: true });
});

test.for(['UTC', 'America/New_York', 'Asia/Kolkata'])('timestamps do not depend on the time zone %s', async (name) => {
  process.env['TZ'] = name;
  const [row] = (await jsonOfQuery(`
    SELECT 'a' AS id, TIMESTAMPTZ '2013-01-31 12:00:00.5-05' AS at, TIMESTAMP '2013-01-31 17:00:00' AS plain,
      TIMESTAMP_NS '2013-01-31 17:00:00.999999999' AS ns, TIMESTAMP_MS '2013-01-31 17:00:00.001' AS ms,
      TIMESTAMP_S '2013-01-31 17:00:00' AS s, TIMESTAMP '1969-12-31 23:59:59.999999' AS before,
      DATE '2013-01-31' AS day`)) as Record<string, unknown>[];
  expect(row).toEqual({
    id: 'a',
    at: '2013-01-31T17:00:00.500Z',
    plain: '2013-01-31T17:00:00.000Z',
    ns: '2013-01-31T17:00:00.999Z',
    ms: '2013-01-31T17:00:00.001Z',
    s: '2013-01-31T17:00:00.000Z',
    before: '1969-12-31T23:59:59.999Z',
    day: '2013-01-31',
  });
});

test('numbers of every width, decimals and nested values', async () => {
  const [row] = await jsonOfQuery(`
    SELECT 'a' AS id, 1::BIGINT AS at, 5::TINYINT AS t, 4294967295::UINTEGER AS u, 18446744073709551615::UBIGINT AS ub,
      9007199254740991::BIGINT AS safe, 9007199254740992::BIGINT AS beyond, 0.1::DECIMAL(5,2) AS d,
      12345678901234567890::DECIMAL(20,0) AS big, 1.5::FLOAT AS f, {'city': 'x', 'at': TIMESTAMP '2013-01-31 17:00:00'} AS address,
      [[1, 2], NULL] AS lists, MAP {'k': 1} AS m`);
  expect(row).toEqual({
    id: 'a',
    at: 1,
    t: 5,
    u: 4294967295,
    ub: '18446744073709551615',
    safe: 9007199254740991,
    beyond: '9007199254740992',
    d: 0.1,
    big: '12345678901234567890',
    f: 1.5,
    address: { city: 'x', at: '2013-01-31T17:00:00.000Z' },
    lists: [[1, 2], null],
    m: [{ key: 'k', value: 1 }],
  });
  expect(validateEvent(SOURCE, row)).toMatchObject({ ok: true });
});

test('a value that no JSON can carry is told by validation', async () => {
  const rows = await jsonOfQuery(`SELECT 'a' AS id, 1 AS at, 'NaN'::DOUBLE AS amount
    UNION ALL SELECT 'b', 1, 'infinity'::DOUBLE UNION ALL SELECT 'c', 1, 2`);
  expect(rows.map((json) => validateEvent(SOURCE, json).ok)).toEqual([false, false, true]);
});

test('names that look like patterns or partitions are names', async () => {
  const folder = join(temporaryDirectory(), 'year=2013');
  mkdirSync(folder);
  const path = join(folder, "it's orders[1]*?.parquet");
  await parquetOf(`SELECT 'not asked for' AS id, 1 AS at`, join(folder, "it''s orders1xx.parquet"));
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(`COPY (SELECT 'a' AS id, 1 AS at) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);
  instance.closeSync();
  expect(jsonOf(await allRecords(path, SOURCE))).toEqual([{ id: 'a', at: 1 }]);
  await checkFile(path, SOURCE);
});

test('many rows keep their order and their numbers, and reading may stop early', async () => {
  const count = 300_000;
  const path = await parquetOf(`SELECT 'order ' || i AS id, i AS at FROM range(${count}) r(i)`);
  let expected = 0;
  for await (const { number, content, progress } of readFileRecords(path, SOURCE)) {
    if (number !== expected + 1 || !content.ok) throw new Error(`row ${number} after ${expected}`);
    if ((content.json as { at: number }).at !== expected) throw new Error(`row ${number} is not the one written there`);
    expected = number;
    if (progress !== number / count) throw new Error(`row ${number} tells ${progress}`);
    if (number === 250_000) break;
  }
  expect(expected).toBe(250_000);
});

test('a file without a column that is needed is refused at once', async () => {
  const path = await parquetOf(`SELECT 'a' AS id, 1 AS moment`);
  const error = { code: 'file_unreadable', message: expect.stringMatching(/no column for at .*: id, moment/) };
  await expect(allRecords(path, SOURCE)).rejects.toMatchObject(error);
  await expect(checkFile(path, SOURCE)).rejects.toMatchObject(error);
});
