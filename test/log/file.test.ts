import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { validateEvent } from '../../src/event/validate.ts';
import { type FileRecord, readFileRecords } from '../../src/log/file.ts';
import { ordersSource, temporaryDirectory } from './support.ts';

const SOURCE = ordersSource();

async function all(path: string): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for await (const record of readFileRecords(path, SOURCE)) records.push(record);
  return records;
}

const jsonOf = (records: readonly FileRecord[]): unknown[] =>
  records.map(({ content }) => (content.ok ? content.json : content.message));

const LINES = '{"id":"a","at":1}\n\n{"id":"b",\r\n{"id":"c","at":3}';

test.for(['orders.jsonl', 'orders.ndjson', 'orders.jsonl.gz'])(
  'lines of %s are records, and a broken one is told with its number',
  async (name) => {
    const path = join(temporaryDirectory(), name);
    writeFileSync(path, name.endsWith('.gz') ? gzipSync(LINES) : LINES);
    const records = await all(path);
    expect(records.map(({ number }) => number)).toEqual([1, 3, 4]);
    expect(records.map(({ content }) => content.ok)).toEqual([true, false, true]);
    expect(jsonOf(records)[2]).toEqual({ id: 'c', at: 3 });
    expect(records.at(-1)?.progress).toBe(1);
  },
);

const CSV = `id,at,amount,items,account,paid,note,city,tags,extra
a,2013-01-31T17:00:00Z,12.5,3,9223372036854775807,true,"said ""hi"", left",New York,"[""x"",""y""]",1
b,1359651600000,,,,,,,,
c,1,oops,1.5,x,yes,,,,
`;

test.for(['orders.csv', 'orders.csv.gz'])('cells of %s have the types of their fields', async (name) => {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(CSV) : CSV);
  const records = await all(path);
  expect(records.map(({ number }) => number)).toEqual([2, 3, 4]);
  expect(jsonOf(records).slice(0, 2)).toEqual([
    {
      id: 'a',
      at: '2013-01-31T17:00:00Z',
      amount: 12.5,
      items: 3,
      account: '9223372036854775807',
      paid: true,
      note: 'said "hi", left',
      address: { city: 'New York' },
      tags: ['x', 'y'],
      extra: '1',
    },
    {
      id: 'b',
      at: 1359651600000,
      amount: null,
      items: null,
      account: null,
      paid: null,
      note: null,
      address: { city: null },
      tags: null,
      extra: null,
    },
  ]);
  const [good, empty, bad] = jsonOf(records).map((json) => validateEvent(SOURCE, json));
  expect([good?.ok, empty?.ok]).toEqual([true, true]);
  expect(bad).toMatchObject({ ok: false, message: expect.stringContaining('amount') });
});

test('rows of a Parquet file come as JSON would have carried them, 64-bit integers exactly', async () => {
  const path = join(temporaryDirectory(), 'orders.parquet');
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(`COPY (
    SELECT 'a' AS id, TIMESTAMP '2013-01-31 17:00:00.123' AS at, 12.5::DOUBLE AS amount, 3 AS items, 9223372036854775807 AS account, true AS paid, 'x' AS city, ['p', 'q'] AS tags
    UNION ALL SELECT 'b', TIMESTAMP '2013-01-31 18:00:00', NULL, NULL, -9007199254740993, NULL, NULL, NULL
  ) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  const records = await all(path);
  expect(jsonOf(records)).toEqual([
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
  for (const json of jsonOf(records)) expect(validateEvent(SOURCE, json)).toMatchObject({ ok: true });
});

test.for([
  ['a missing file', 'nothing.jsonl', null, /nothing\.jsonl/],
  ['an ending that says nothing', 'orders.txt', 'x', /expected \.jsonl/],
  ['a broken archive', 'orders.jsonl.gz', 'not gzip', /orders\.jsonl\.gz/],
  ['a broken Parquet file', 'orders.parquet', 'not parquet', /orders\.parquet/],
] as const)('%s is a file_unreadable error that names it', async ([, name, content, message]) => {
  const path = join(temporaryDirectory(), name);
  if (content !== null) writeFileSync(path, content);
  await expect(all(path)).rejects.toMatchObject({ code: 'file_unreadable', message: expect.stringMatching(message) });
});

test('a field named __proto__ is a field', async () => {
  const path = join(temporaryDirectory(), 'orders.csv');
  writeFileSync(path, 'id,at,__proto__\na,1,x\n');
  const [json] = jsonOf(await all(path));
  expect(Object.getOwnPropertyNames(json)).toContain('__proto__');
});
