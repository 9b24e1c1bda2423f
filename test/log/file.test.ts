import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { checkFile } from '../../src/log/file.ts';
import { allRecords, ordersSource, jsonOf, temporaryDirectory } from './support.ts';

const SOURCE = ordersSource();

function fileOf(name: string, text: string | Buffer): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

const LINES = '{"id":"a","at":1}\n\n{"id":"b",\r\n{"id":"c","at":3}';

test.for(['orders.jsonl', 'orders.ndjson', 'orders.json', 'orders.jsonl.gz', 'orders.JSON.GZ'])(
  'lines of %s are records, and a broken one is told with its number',
  async (name) => {
    const path = join(temporaryDirectory(), name);
    writeFileSync(path, name.toLowerCase().endsWith('.gz') ? gzipSync(LINES) : LINES);
    const records = await allRecords(path, SOURCE);
    expect(records.map(({ number }) => number)).toEqual([1, 3, 4]);
    expect(records.map(({ content }) => content.ok)).toEqual([true, false, true]);
    expect(jsonOf(records)[2]).toEqual({ id: 'c', at: 3 });
    expect(records.at(-1)?.progress).toBe(1);
  },
);

test('only LF and CRLF end a line: other separators may stand in a JSON string', async () => {
  const notes = ['\u2028', '\u2029', '\u0085', '\u000b'].map((separator) => `a${separator}b`);
  const text = notes.map((note) => `{"note":${note.includes('\u000b') ? '"a\\u000bb"' : `"${note}"`}}\r\n`).join('');
  const records = await allRecords(fileOf('orders.jsonl', text), SOURCE);
  expect(jsonOf(records)).toEqual(notes.map((note) => ({ note })));
});

test('a byte order mark is no part of the first record', async () => {
  const records = await allRecords(fileOf('orders.jsonl', '\ufeff{"id":"a"}\n{"id":"b"}\n'), SOURCE);
  expect(jsonOf(records)).toEqual([{ id: 'a' }, { id: 'b' }]);
});

test('characters survive where the file is read in pieces', async () => {
  const notes = Array.from({ length: 3_000 }, (_, index) => `${'€𝄞é'.repeat(index % 40)}${index}`);
  const text = notes.map((note) => JSON.stringify({ note })).join('\n');
  for (const name of ['orders.jsonl', 'orders.jsonl.gz']) {
    const records = await allRecords(fileOf(name, text), SOURCE);
    expect(jsonOf(records)).toEqual(notes.map((note) => ({ note })));
  }
});

test('a line that is not UTF-8 is told, and none of it is replaced', async () => {
  const text = Buffer.concat([Buffer.from('{"note":"'), Buffer.from([0xe9]), Buffer.from('"}\n{"note":"good"}\n')]);
  const records = await allRecords(fileOf('orders.jsonl', text), SOURCE);
  expect(records[0]?.content).toMatchObject({ ok: false, code: 'malformed_json' });
  expect(jsonOf(records)[1]).toEqual({ note: 'good' });
});

test('a line that is too long is told, and the ones around it are records', async () => {
  const text = `{"id":"a"}\n{"note":"${'x'.repeat(5_000_000)}"}\n{"id":"b"}\n`;
  const records = await allRecords(fileOf('orders.jsonl', text), SOURCE);
  expect(records.map(({ number, content }) => [number, content.ok])).toEqual([
    [1, true],
    [2, false],
    [3, true],
  ]);
  expect(records[1]?.content).toMatchObject({ code: 'record_too_large' });
});

test('an empty file has no records', async () => {
  expect(await allRecords(fileOf('orders.jsonl', ''), SOURCE)).toEqual([]);
  expect(await allRecords(fileOf('orders.jsonl', '\n\n'), SOURCE)).toEqual([]);
});

test.for([
  ['a missing file', 'nothing.jsonl', null, /nothing\.jsonl/],
  ['an ending that says nothing', 'orders.txt', 'x', /expected \.jsonl/],
  ['a broken archive', 'orders.jsonl.gz', 'not gzip', /orders\.jsonl\.gz/],
  ['a broken archive of CSV', 'orders.csv.gz', 'not gzip', /orders\.csv\.gz/],
  ['a broken Parquet file', 'orders.parquet', 'not parquet', /orders\.parquet/],
] as const)('%s is a file_unreadable error that names it', async ([, name, content, message]) => {
  const path = join(temporaryDirectory(), name);
  if (content !== null) writeFileSync(path, content);
  const error = { code: 'file_unreadable', message: expect.stringMatching(message) };
  await expect(allRecords(path, SOURCE)).rejects.toMatchObject(error);
  await expect(checkFile(path, SOURCE)).rejects.toMatchObject(error);
});

test.for(['orders.jsonl.gz', 'orders.csv.gz'])(
  'a %s that was cut off is an error, not a shorter file',
  async (name) => {
    const rows = Array.from({ length: 20_000 }, (_, index) =>
      name.includes('csv') ? `${index},1` : `{"id":"${index}"}`,
    );
    const whole = gzipSync(`${name.includes('csv') ? 'id,at\n' : ''}${rows.join('\n')}\n`);
    const path = join(temporaryDirectory(), name);
    writeFileSync(path, whole.subarray(0, whole.length - 100));
    await expect(allRecords(path, SOURCE)).rejects.toMatchObject({ code: 'file_unreadable' });
    await expect(checkFile(path, SOURCE)).rejects.toMatchObject({ code: 'file_unreadable' });
  },
);

test('a reader that stops early leaves nothing open', async () => {
  const path = fileOf('orders.jsonl', '{"id":"a"}\n'.repeat(100_000));
  for (let round = 0; round < 20; round++) {
    const { readFileRecords } = await import('../../src/log/file.ts');
    for await (const record of readFileRecords(path, SOURCE)) if (record.number === 3) break;
  }
  const { readdirSync, readlinkSync } = await import('node:fs');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const open = readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });
  expect(open).toEqual([]);
});
