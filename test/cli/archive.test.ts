/** `skewless archive` as a user runs it, and what `plan`, `doctor` and `start` make of what it keeps. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { ORDERS, writeDefinitions } from './definitions.ts';
import { run, start, temporaryFolder } from './run.ts';

const AT = Date.parse('2024-01-31T12:00:00Z');
const FLAGS = ['--log', 'sqlite:log.sqlite'];
const STORE = ['--store', 'sqlite:store.sqlite'];

/** A folder with definitions that name an archive, and orders in an embedded log. */
async function setUp(count: number): Promise<string> {
  const folder = temporaryFolder();
  writeDefinitions(folder, ORDERS.replace('key: [customer]', 'key: [customer]\n    archive: ../kept'));
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  await log.ensureTopic('orders', 1);
  await log.append(
    'orders',
    Array.from({ length: count }, (_none, index) => ({
      key: Buffer.from('c'),
      value: Buffer.from(JSON.stringify({ customer: 'c', at: AT + index, amount: 1 })),
      timestampMs: AT + index,
      headers: { traceparent: Buffer.from('00-aa') },
    })),
  );
  await log.close();
  return folder;
}

async function truncate(folder: string, beforeOffset: number): Promise<void> {
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  await log.truncate('orders', 0, beforeOffset);
  await log.close();
}

const archive = (folder: string, ...more: string[]) =>
  run(['archive', '--source', 'orders', '--definitions', 'features', ...FLAGS, ...more], folder);

test('it keeps what is new each time, in files that any reader of Parquet reads', async () => {
  const folder = await setUp(20);
  const first = await archive(folder);
  expect([first.code, first.stderr, first.stdout]).toEqual([
    0,
    '',
    expect.stringContaining('20 records in 1 new file'),
  ]);
  const again = await archive(folder, '--json');
  expect(JSON.parse(again.stdout)).toEqual({
    source: 'orders',
    topic: 'orders',
    folder: 'kept',
    partitions: [{ partition: 0, from: 20, next: 20, records: 0, files: 0 }],
    problems: [],
  });
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const read = await connection.runAndReadAll(
    `SELECT "partition", "offset", "timestamp", decode("key"), decode("value"), headers[1].name
     FROM '${folder}/kept/*/*.parquet' ORDER BY "offset" DESC LIMIT 1`,
  );
  expect(read.getRows()).toEqual([
    [0, 19n, BigInt(AT + 19), 'c', JSON.stringify({ customer: 'c', at: AT + 19, amount: 1 }), 'traceparent'],
  ]);
  instance.closeSync();
});

test('what stands in the way has an exit code, and a message with the mend', async () => {
  const folder = await setUp(20);
  expect(await archive(folder, '--out', 'other')).toMatchObject({ code: 0 });
  const unnamed = await run(['archive', '--definitions', 'features', ...FLAGS], folder);
  expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('archive needs --source')]);
  const misspelt = await run(['archive', '--source', 'order', '--definitions', 'features', ...FLAGS], folder);
  expect([misspelt.code, misspelt.stderr]).toEqual([2, expect.stringContaining('did you mean orders?')]);
  mkdirSync(join(folder, 'plain'));
  writeFileSync(join(folder, 'plain/orders.yaml'), ORDERS);
  const nowhere = await run(['archive', '--source', 'orders', '--definitions', 'plain', ...FLAGS], folder);
  expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringMatching(/names no archive.*--out FOLDER/)]);
  await archive(folder);
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  const record = { key: Buffer.from('c'), value: Buffer.from('{}'), timestampMs: 1 };
  await log.append('orders', [record, record, record]);
  await log.close();
  await truncate(folder, 22);
  const gap = await archive(folder);
  expect([gap.code, gap.stdout]).toEqual([
    1,
    expect.stringMatching(/archive_gap: .*offsets 20 to 21 are lost\. .*move/),
  ]);
  const away = await run(
    ['archive', '--source', 'orders', '--definitions', 'features', '--log', 'kafka://127.0.0.1:1'],
    folder,
  );
  expect(away.code).toBe(3);
});

test('plan, doctor and start see a topic that reaches back into its archive', async () => {
  const folder = await setUp(20);
  const doctor = async (): Promise<{
    findings: { level: string; what: string; message: string; mend: string | null }[];
  }> =>
    JSON.parse(
      (await run(['doctor', '--definitions', 'features', ...FLAGS, ...STORE, '--json'], folder)).stdout,
    ) as never;
  const about = async (what: string): Promise<unknown> =>
    (await doctor()).findings.filter((each) => each.what === what);
  expect(await about('archive of source orders')).toMatchObject([
    {
      level: 'warn',
      message: expect.stringContaining('nothing yet'),
      mend: expect.stringContaining('skewless archive --source orders'),
    },
  ]);
  await archive(folder);
  await truncate(folder, 15);
  const planned = await run(['plan', 'features', ...FLAGS, ...STORE, '--json'], folder);
  expect(JSON.parse(planned.stdout)).toMatchObject({ views: [{ action: 'build', records: 20 }] });
  expect(await about('archive of source orders')).toMatchObject([
    { level: 'ok', message: expect.stringContaining('1 file; 0 records') },
  ]);
  expect(await about('source orders')).toMatchObject([{ level: 'ok' }]);

  const program = await start(['--definitions', 'features', ...FLAGS, ...STORE], folder);
  await expect.poll(async () => (await fetch(`${program.url}/readyz`)).ok, { timeout: 20_000 }).toBe(true);
  const asOf = AT + 1_000;
  const url = `${program.url}/v1/feature-services/scoring/vectors?customer=c&as_of=${asOf}`;
  expect(await (await fetch(url)).json()).toMatchObject({ vectors: [{ values: [20, 20] }] });
  expect((await program.stop()).stderr).not.toContain('lost');

  rmSync(join(folder, 'kept'), { recursive: true });
  expect(await about('archive')).toMatchObject([
    { level: 'warn', message: expect.stringContaining('offsets 0 to 14 are lost') },
  ]);
});

test('a damaged file is named, and nothing is built from it', async () => {
  const folder = await setUp(20);
  await archive(folder);
  await truncate(folder, 20);
  const name = '00000000000000000000-00000000000000000020.parquet';
  const path = join(folder, 'kept/partition-0', name);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0, 40, 120));
  const program = await start(['--definitions', 'features', ...FLAGS, ...STORE], folder);
  const state = async (): Promise<string> =>
    (await (await fetch(`${program.url}/readyz`)).text()) + (await (await fetch(`${program.url}/v1/sources`)).text());
  await expect.poll(state, { timeout: 20_000 }).toContain('archive_damaged');
  await program.stop();
});

test('two sources of one topic may not name two archives', async () => {
  const folder = await setUp(1);
  const text = readFileSync(join(folder, 'features/orders.yaml'), 'utf8');
  const second =
    '  - { name: more, topic: orders, archive: elsewhere, event_time: at, fields: { at: timestamp } }\nentities:';
  writeFileSync(join(folder, 'features/orders.yaml'), text.replace('entities:', second));
  const planned = await run(['plan', 'features', ...FLAGS, ...STORE], folder);
  expect([planned.code, planned.stderr]).toEqual([2, expect.stringMatching(/topic orders name two archives/)]);
});
