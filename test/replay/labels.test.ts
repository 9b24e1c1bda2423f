/** Labels in all their forms, and what is told of those that no request can be made of. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { load } from '../property/engine.ts';
import { createMemoryReader, folderForTest, jsonOf, serviceOf, trainFor } from './support.ts';

const AT = Date.UTC(2024, 0, 1, 12);
const SERVICE = serviceOf(
  load(`
sources:
  - { name: orders, key: [shop], event_time: at, fields: { shop: string, number: int64, at: timestamp, amount: double, id: int64 } }
entities: [{ name: order, keys: { shop: string, number: int64 } }]
views:
  - name: totals
    entity: order
    source: orders
    features:
      - { name: n, agg: count, windows: [1h] }
      - { name: id, agg: last, of: id, windows: [1h] }
      - { name: at, agg: last, of: at, windows: [1h] }
services:
  - name: scoring
    inputs: { weight: "double?", tags: "string[]?", urgent: "bool?" }
    features: [totals.*]
    derived: [{ name: heavy, expr: "weight * n_1h" }]
`),
);

const BIG = '9007199254740993';
const RECORD = { shop: '007', number: BIG, at: AT - 1, amount: 1, id: BIG };
const READERS = new Map([
  [
    'orders',
    createMemoryReader([
      { partition: 0, offset: 0, timestampMs: AT, key: null, value: Buffer.from(JSON.stringify(RECORD)) },
    ]),
  ],
]);

function trainFile(name: string, content: string | Uint8Array, options: Partial<Parameters<typeof trainFor>[0]> = {}) {
  const labelsPath = join(folderForTest(), name);
  writeFileSync(labelsPath, content);
  return trainFor({ service: SERVICE, readers: READERS, statuses: false, labelsPath, ...options });
}

const typesOf = ({ columns }: { readonly columns: readonly { readonly name: string; readonly type: string }[] }) =>
  Object.fromEntries(columns.map(({ name, type }) => [name, type]));

const CSV = [
  'timestamp,shop,number,weight,tags,urgent,zip,target,share,note,flag,empty',
  `2024-01-01T12:00:00Z,007,${BIG},2,"[""a"",""b""]",true,0123,5,0.5,"a, ""b""\nc",true,`,
  `2024-01-01T12:00:00Z,008,7,,,,4567,-6,1e3,"",false,`,
  '',
].join('\n');

test('a CSV is text: its columns are what all their values are, and codes and declared strings stay as they are', async () => {
  for (const content of [CSV, gzipSync(CSV)]) {
    const { rows, manifest } = await trainFile(typeof content === 'string' ? 'l.csv' : 'l.csv.gz', content);
    expect(typesOf(manifest)).toEqual({
      timestamp: 'VARCHAR',
      shop: 'VARCHAR',
      number: 'BIGINT',
      weight: 'BIGINT',
      tags: 'VARCHAR',
      urgent: 'BOOLEAN',
      zip: 'VARCHAR',
      target: 'BIGINT',
      share: 'DOUBLE',
      note: 'VARCHAR',
      flag: 'BOOLEAN',
      empty: 'VARCHAR',
      n_1h: 'BIGINT',
      id_1h: 'BIGINT',
      at_1h: 'TIMESTAMP WITH TIME ZONE',
      heavy: 'DOUBLE',
    });
    expect(rows.map((row) => [row['zip'], row['note'], row['empty']])).toEqual([
      ['0123', 'a, "b"\nc', null],
      ['4567', '', null],
    ]);
    expect(rows.map((row) => [row['n_1h'], row['id_1h'], jsonOf(row['at_1h'] ?? null), row['heavy']])).toEqual([
      [1n, BigInt(BIG), '2024-01-01T11:59:59.999Z', 2],
      [null, null, null, null],
    ]);
  }
});

test('JSON lines keep what JSON says, and what is of several kinds stays JSON', async () => {
  const lines = [
    {
      timestamp: AT,
      shop: '007',
      number: BIG,
      weight: 2,
      tags: ['a'],
      note: 'x',
      mixed: 1,
      deep: { a: 1 },
      'a/b~"c': 1,
    },
    { number: 7, shop: '008', timestamp: '2024-01-01T13:00:00+01:00', mixed: 'one', late: true, note: null },
  ];
  const { rows, manifest } = await trainFile('l.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
  expect(typesOf(manifest)).toMatchObject({
    weight: 'BIGINT',
    note: 'VARCHAR',
    mixed: 'VARCHAR',
    deep: 'VARCHAR',
    late: 'BOOLEAN',
  });
  expect(manifest.columns.map(({ name }) => name).slice(0, 10)).toEqual([...Object.keys(lines[0] ?? {}), 'late']);
  expect(rows.map((row) => [row['mixed'], row['deep'], row['late'], row['a/b~"c']])).toEqual([
    ['1', '{"a":1}', null, 1n],
    ['"one"', null, true, null],
  ]);
  expect(rows.map((row) => row['n_1h'])).toEqual([1n, null]);
});

test('an explicit null of JSON lines is null, also where all are, or where the others are of several kinds', async () => {
  const lines = [
    { timestamp: AT, shop: '007', number: BIG, tags: null, none: null, mixed: 1, deep: { a: null } },
    { timestamp: AT, shop: '008', number: 7, tags: ['a'], none: null, mixed: 'null', deep: null },
    { timestamp: AT, shop: '008', number: 7, mixed: null },
  ];
  const { rows } = await trainFile('l.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
  expect(rows.map(({ none, mixed, tags, deep }) => [none, mixed, tags, deep])).toEqual([
    [null, '1', null, '{"a":null}'],
    [null, '"null"', '["a"]', null],
    [null, null, null, null],
  ]);
});

test('columns of Parquet keep their types, and timestamps are read at whatever grain', async () => {
  const labelsPath = join(folderForTest(), "it's.parquet");
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(`COPY (SELECT TIMESTAMPTZ '2024-01-01 12:00:00.000999+00' AS "timestamp", '007' AS shop, ${BIG} AS number,
    DATE '2024-01-02' AS day, 1.50::DECIMAL(9, 2) AS price, [1, NULL]::TINYINT[] AS list, 7::UTINYINT AS small) TO '${labelsPath.replace("'", "''")}'`);
  instance.closeSync();
  const { rows, manifest } = await trainFor({ service: SERVICE, readers: READERS, labelsPath });
  expect(typesOf(manifest)).toMatchObject({
    timestamp: 'TIMESTAMP WITH TIME ZONE',
    number: 'BIGINT',
    day: 'DATE',
    price: 'DECIMAL(9,2)',
    list: 'TINYINT[]',
    small: 'UTINYINT',
  });
  expect(rows.map((row) => [String(row['day']), String(row['price']), row['n_1h'], row['n_1h__status']])).toEqual([
    ['2024-01-02', '1.50', 1n, 'PRESENT'],
  ]);
});

const HEADER = 'timestamp,shop,number';

test('integers of a CSV keep their digits: as integers where all fit 64 bits, else as text, like numbers of telephones', async () => {
  const [most, beyond] = ['9223372036854775807', '9223372036854775808'];
  const header = `${HEADER},weight,fits,ids,phone,signed,mixed`;
  const file = `${header}\n1,a,${most},+2,-${most},${beyond},+15551234567,+1.5,1.5\n2,b,-${most},${beyond},7,7,15551234567,2,1e3\n`;
  const { rows, manifest } = await trainFile('l.csv', file);
  expect(typesOf(manifest)).toMatchObject({
    number: 'BIGINT',
    weight: 'DOUBLE',
    fits: 'BIGINT',
    ids: 'VARCHAR',
    phone: 'VARCHAR',
    signed: 'VARCHAR',
    mixed: 'DOUBLE',
  });
  expect(rows.map(({ number, weight, fits, ids, phone }) => [number, weight, fits, ids, phone])).toEqual([
    [BigInt(most), 2, -BigInt(most), beyond, '+15551234567'],
    [-BigInt(most), Number(beyond), 7n, '7', '15551234567'],
  ]);
});

test('a key that is declared int64 is read from a CSV as it is written, whatever stands in the other rows', async () => {
  const message = /row 2: the entity key number: expected int64/;
  await expect(trainFile('l.csv', `${HEADER}\n1,a,${BIG}\n2,b,1.5\n`)).rejects.toThrow(message);
  await expect(trainFile('l.csv', `${HEADER}\n1,a,${BIG}\n2,b,1.5\n`)).rejects.not.toThrow(/row 1/);
});

test('integers of JSON lines beyond 64 bits keep their digits as text; what is declared a number is one', async () => {
  const line = (shop: string, weight: string, id: string, share: string): string =>
    `{"timestamp":1,"shop":"${shop}","number":"${BIG}","weight":${weight},"id":${id},"share":${share}}`;
  const [id, much] = ['18446744073709551615', '12345678901234567890123'];
  const { rows, manifest } = await trainFile('l.jsonl', `${line('a', id, id, '1.5')}\n${line('b', '7', much, '7')}\n`);
  expect(typesOf(manifest)).toMatchObject({ weight: 'DOUBLE', id: 'VARCHAR', share: 'DOUBLE' });
  expect(rows.map((row) => [row['weight'], row['id']])).toEqual([
    [Number(id), id],
    [7, much],
  ]);
});

test.each([
  ['no time', 'shop,number\na,1\n', /no column for timestamp \(the as_of of each row\); there are: shop, number/],
  ['no key', 'timestamp,number\n1,1\n', /no column for shop \(entity key, string\)/],
  ['a name of a feature', `${HEADER},N_1h\n1,a,1,1\n`, /column N_1h would have the name of a feature: rename it/],
  [
    'a time without an offset',
    `${HEADER}\n2024-01-01T12:00:00,a,1\n`,
    /row 1: timestamp: expected RFC 3339 with an offset/,
  ],
  ['a key that is null', `${HEADER}\n1,a,1\n2,"",1\n`, /row 2: the entity key shop is an empty string/],
  [
    'another type',
    `${HEADER}\n1,a,x\n`,
    /row 1: the entity key number: expected int64 .*\n.*mend them or leave them out/,
  ],
  ['a row cut short', `${HEADER}\n1,a,1\n2,b\n`, /l\.csv: .*Line: 3/s],
  ['nothing', '', /l\.csv: it has no header/],
  ['a column without a name', `,${HEADER}\n0,1,a,1\n`, /l\.csv: column 1 has no name.*pandas.*index=False/s],
  ['several', `,${HEADER}, ,\n0,1,a,1,2,3\n`, /l\.csv: columns 1 and 6 have no names/],
  ['names that differ in case', `${HEADER},x,X\n1,a,1,2,3\n`, /l\.csv: columns 4 \(x\) and 5 \(X\).*rename/],
  ['a name twice', `${HEADER},x,x\n1,a,1,2,3\n`, /l\.csv: columns 4 \(x\) and 5 \(x\).*rename/],
])('labels with %s are refused, and nothing is left behind', async (_what, content, message) => {
  const folder = folderForTest();
  const outPath = join(folder, 'train.parquet');
  await expect(trainFile('l.csv', content, { outPath })).rejects.toThrow(message);
  expect(readdirSync(folder)).toEqual([]);
});

test('labels without rows give a file without rows', async () => {
  const { rows, manifest } = await trainFile('l.csv', `${HEADER}\n`);
  expect([rows, manifest.rows, manifest.columns.length]).toEqual([[], 0, 7]);
});

test('a sample is chosen by what rows ask, so that neither their order nor the others matter', async () => {
  const lines = Array.from({ length: 400 }, (_none, index) => ({ timestamp: AT + index, shop: 'a', number: index }));
  const ask = async (some: readonly object[], sample: number) => {
    const { rows } = await trainFor({ service: SERVICE, readers: READERS, labels: some, sample, statuses: false });
    return rows.map((row) => Number(row['number']));
  };
  const chosen = await ask(lines, 0.25);
  expect(chosen.length).toBeGreaterThan(60);
  expect(chosen.length).toBeLessThan(140);
  expect((await ask(lines.toReversed(), 0.25)).toReversed()).toEqual(chosen);
  expect(await ask(lines.slice(100), 0.25)).toEqual(chosen.filter((number) => number >= 100));
  const more = await ask(lines, 0.5);
  expect(chosen.every((number) => more.includes(number))).toBe(true);
});

test('some of the features are given in the order they are named, and their inputs are not', async () => {
  const labels = [{ timestamp: AT, shop: '007', number: BIG, weight: 3 }];
  const { rows, manifest, out } = await trainFor({
    service: SERVICE,
    readers: READERS,
    labels,
    features: ['heavy', 'id_1h'],
  });
  expect(manifest.columns.map(({ name, role }) => [name, role])).toEqual([
    ['timestamp', 'timestamp'],
    ['shop', 'key'],
    ['number', 'key'],
    ['weight', 'input'],
    ['heavy', 'feature'],
    ['id_1h', 'feature'],
    ['heavy__status', 'status'],
    ['id_1h__status', 'status'],
  ]);
  expect(rows.map((row) => [row['heavy'], row['heavy__status']])).toEqual([[3, 'PRESENT']]);
  expect(existsSync(out.replace('.parquet', '.manifest.json'))).toBe(true);
});
