import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { validateEvent } from '../../src/event/validate.ts';
import { checkFile } from '../../src/log/file.ts';
import { allRecords, jsonOf, ordersSource, temporaryDirectory } from './support.ts';

const SOURCE = ordersSource();

function csvOf(content: string | Buffer, name = 'orders.csv'): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(content) : content);
  return path;
}

const CSV = `id,at,amount,items,account,paid,note,city,tags,extra
a,2013-01-31T17:00:00Z,12.5,3,9223372036854775807,true,"said ""hi"", left",New York,"[""x"",""y""]",1
b,1359651600000,,,,,,,,
c,1,oops,1.5,x,yes,,,,
`;

test.for(['orders.csv', 'orders.csv.gz'])('cells of %s have the types of their fields', async (name) => {
  const records = await allRecords(csvOf(CSV, name), SOURCE);
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

test.for([
  ['amount', '-1e3', -1000],
  ['amount', '+.5', 0.5],
  ['amount', '7.', 7],
  ['amount', 'NaN', 'NaN'],
  ['amount', '0x10', '0x10'],
  ['amount', ' 5', ' 5'],
  ['amount', '1,5', '1,5'],
  ['items', '3.0', 3],
  ['items', '12e', '12e'],
  ['account', '007', '007'],
  ['paid', 'TRUE', true],
  ['paid', 'False', false],
  ['paid', '1', '1'],
  ['note', '12', '12'],
  ['note', 'true', 'true'],
  ['note', 'null', 'null'],
  ['note', ' x ', ' x '],
  ['tags', 'x', 'x'],
  ['tags', '[]', []],
  ['at', '-5', -5],
] as const)('%s "%s" is taken as JSON would carry it, or left for validation to name', async ([field, cell, json]) => {
  const required = field === 'at' ? 'id' : 'id,at';
  const path = csvOf(`${required},${field}\n${required === 'id' ? 'a' : 'a,1'},"${cell}"\n`);
  const [record] = jsonOf(await allRecords(path, SOURCE));
  expect((record as Record<string, unknown>)[field]).toEqual(json);
});

test('an empty cell is null, or the empty string where null is not allowed; "" is always the empty string', async () => {
  const records = await allRecords(csvOf('id,at,note,city,amount\n,1,,"",""\n"",2,"",,\n'), SOURCE);
  expect(jsonOf(records)).toEqual([
    { id: '', at: 1, note: null, address: { city: '' }, amount: null },
    { id: '', at: 2, note: '', address: { city: null }, amount: null },
  ]);
});

test('numbers are those of the line a row begins on, whatever is in cells and between rows', async () => {
  const text = 'id,at\n"a\nb\r\nc",1\n\n\nd,2\r\ne,3\n"f\n",x\n';
  const records = await allRecords(csvOf(text), SOURCE);
  expect(records.map(({ number }) => number)).toEqual([2, 7, 8, 9]);
  expect(jsonOf(records)[0]).toEqual({ id: 'a\nb\r\nc', at: 1 });
});

test('a row with more or fewer cells than the header is told with its line, and the others are records', async () => {
  const records = await allRecords(csvOf('id,at\na,1\nb\nc,3,4\nd,5\n'), SOURCE);
  expect(records.map(({ number, content }) => [number, content.ok])).toEqual([
    [2, true],
    [3, false],
    [4, false],
    [5, true],
  ]);
  expect(records[1]?.content).toMatchObject({
    code: 'malformed_row',
    message: 'expected 2 cells as in the header, found 1',
  });
});

test('a cell that is not UTF-8 is told with its line and column', async () => {
  const text = Buffer.concat([Buffer.from('id,at,note\na,1,caf'), Buffer.from([0xe9]), Buffer.from('\nb,2,ok\n')]);
  const records = await allRecords(csvOf(text), SOURCE);
  expect(records[0]).toMatchObject({
    number: 2,
    content: { ok: false, code: 'malformed_row', message: 'note: not UTF-8' },
  });
  expect(records[1]?.content.ok).toBe(true);
});

test.for([
  ['a quote within a cell', 'id,at\na,1\nb"c,2\nd,3\n', /orders\.csv:3: a quote within a cell/],
  ['text after a closing quote', 'id,at\n"a"b,1\n', /orders\.csv:2: text after a closing quote/],
  [
    'a quote that is never closed',
    'id,at\na,1\n"b,2\nc,3\n',
    /orders\.csv:2: a quote that is never closed, in the row after/,
  ],
  ['an endless row', `id,at\n${'x'.repeat(5_000_000)},1\n`, /orders\.csv:2: a row over \d+ bytes/],
  [
    'no column for a field that is needed',
    'id,note\na,b\n',
    /orders\.csv:1: no column for at \(timestamp\); there are: id, note/,
  ],
  ['another separator', 'id;at\na;1\n', /no column for id \(string\), at \(timestamp\); there are: id;at/],
  ['two columns of one name', 'id,at,at\na,1,2\n', /column "at": there are two/],
  [
    'columns for one place',
    'id,at,city,address\na,1,x,y\n',
    /column "address": it and "city" would fill the same place/,
  ],
  ['nothing at all', '', /there are: none/],
] as const)('%s is a file_unreadable error that says where, also when checked first', async ([, text, message]) => {
  const path = csvOf(text);
  const error = { code: 'file_unreadable', message: expect.stringMatching(message) };
  await expect(allRecords(path, SOURCE)).rejects.toMatchObject(error);
  await expect(checkFile(path, SOURCE)).rejects.toMatchObject(error);
});

test('a header alone has no records', async () => {
  expect(await allRecords(csvOf('id,at\n'), SOURCE)).toEqual([]);
  expect(await allRecords(csvOf('id,at'), SOURCE)).toEqual([]);
});

test('a byte order mark is no part of the first column', async () => {
  for (const header of ['id,at', '"id",at']) {
    expect(jsonOf(await allRecords(csvOf(`\ufeff${header}\na,1\n`), SOURCE))).toEqual([{ id: 'a', at: 1 }]);
  }
});

test('a field named __proto__ is a field, and touches nobody else', async () => {
  const [json] = jsonOf(await allRecords(csvOf('id,at,__proto__\na,1,x\n'), SOURCE));
  expect(Object.getOwnPropertyNames(json)).toContain('__proto__');
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('many rows keep their order and their numbers', async () => {
  const count = 30_000;
  const rows = Array.from({ length: count }, (_, index) => `"order ${index}",${index},${index / 4}`);
  const records = await allRecords(csvOf(`id,at,amount\n${rows.join('\n')}`, 'orders.csv.gz'), SOURCE);
  expect(records.length).toBe(count);
  expect(records.every(({ number }, index) => number === index + 2)).toBe(true);
  expect(jsonOf(records)[29_999]).toEqual({ id: 'order 29999', at: 29_999, amount: 7_499.75 });
});
