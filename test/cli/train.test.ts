/** `skewless train` as a user runs it: what it prints, what it refuses, and how events of files are taken. */
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import type { RunEvent } from '../../src/openlineage/event.ts';
import type { Manifest } from '../../src/replay/manifest.ts';
import { expectValid } from '../openlineage/support.ts';
import { readRows } from '../replay/support.ts';
import { ORDERS, writeDefinitions } from './definitions.ts';
import { run, temporaryFolder } from './run.ts';

const AT = Date.parse('2024-01-31T12:00:00Z');
const ORDER_LINES = [
  { customer: 'a', at: AT, amount: 1, seen: '2024-01-31T12:00:01Z' },
  { customer: 'a', at: AT + 60_000, amount: 2, seen: '2024-01-31T12:05:00Z' },
  { customer: 'b', at: AT, amount: 'lots', seen: '2024-01-31T12:00:01Z' },
];
const LABELS = 'customer,timestamp,target\na,2024-01-31T12:02:00Z,1\nb,2024-01-31T12:02:00Z,0\n';

function setUp(definitions = ORDERS): string {
  const folder = temporaryFolder();
  writeDefinitions(folder, definitions);
  writeFileSync(join(folder, 'labels.csv'), LABELS);
  writeFileSync(join(folder, 'orders.jsonl'), ORDER_LINES.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return folder;
}

const train = (folder: string, ...more: readonly string[]) =>
  run(
    [
      'train',
      '--service',
      'scoring',
      '--labels',
      'labels.csv',
      '--out',
      'train.parquet',
      '--definitions',
      'features',
      ...more,
    ],
    folder,
  );

const spentIn = async (folder: string): Promise<unknown[]> =>
  (await readRows(join(folder, 'train.parquet'))).map((row) => row['spent_1h']);

test('from a file, with the records counted that ingest would have refused', async () => {
  const folder = setUp();
  const { code, stdout, stderr } = await train(folder, '--events', 'orders=orders.jsonl');
  expect([code, stderr, stdout]).toEqual([
    0,
    '',
    'train.parquet: 2 rows, 2 features, from 2 events (train.manifest.json)\n',
  ]);
  expect(await spentIn(folder)).toEqual([3, null]);
  const manifest = JSON.parse(readFileSync(join(folder, 'train.manifest.json'), 'utf8')) as Manifest;
  expect(manifest.sources[0]).toMatchObject({ records: 3, unreadable: { wrong_type: 1 }, known_by: 'event_time' });
  expect(manifest.sources[0]?.positions).toEqual({ 0: { from: 1, next: 4 } });
});

test('by what a column says of arrival, the late one is not known yet, and the report says what that costs', async () => {
  const folder = setUp();
  const flags = ['--events', 'orders=orders.jsonl', '--knowledge', 'arrival'];
  const undeclared = await train(folder, ...flags);
  expect([undeclared.code, undeclared.stderr]).toEqual([1, expect.stringContaining('--arrival orders=COLUMN')]);
  const { code, stdout } = await train(folder, ...flags, '--arrival', 'orders=seen');
  expect(code).toBe(0);
  expect(stdout).toMatch(/spent_1h\s+1\s+0\s+0\s+2\.000\s+2\.000/);
  expect(await spentIn(folder)).toEqual([1, null]);
  const wrong = await train(folder, ...flags, '--arrival', 'orders=customer');
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringMatching(/orders\.jsonl:1: column customer is to say when/),
  ]);
  expect(readdirSync(folder).filter((name) => name.includes('.work-')).length).toBe(1);
});

test('from the embedded log, whose clock says when records came', async () => {
  const folder = setUp();
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  await log.ensureTopic('orders', 1);
  const records = ORDER_LINES.map(({ seen, ...order }) => ({
    key: Buffer.from(order.customer),
    value: Buffer.from(JSON.stringify(order)),
    timestampMs: Date.parse(seen),
  }));
  await log.append('orders', records);
  await log.close();
  const flags = ['--log', 'sqlite:log.sqlite', '--json'];
  const { code, stdout } = await train(folder, ...flags, '--knowledge', 'arrival');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    rows: 2,
    knowledge: 'arrival',
    sources: [{ known_by: 'append_time', records: 3 }],
  });
  expect(await spentIn(folder)).toEqual([1, null]);
  expect((await train(folder, ...flags)).code).toBe(0);
  expect(await spentIn(folder)).toEqual([3, null]);
});

test.each([
  ['no service', ['--service', 'scorin'], 2, /did you mean scoring\?/],
  ['no feature', ['--features', 'spent_1h,order_1h'], 2, /no feature "order_1h"; did you mean orders_1h\?/],
  ['a feature twice', ['--features', 'spent_1h,spent_1h'], 2, /spent_1h is named twice/],
  ['no share', ['--sample', '1.5'], 2, /"1\.5" is not a share/],
  ['no pair', ['--events', 'orders.jsonl'], 2, /not of the form source=/],
  ['arrival of no files', ['--arrival', 'orders=seen'], 2, /--arrival names a column of files.*--events orders=FILE/],
  ['no such source', ['--events', 'order=x.jsonl'], 2, /did you mean orders\?/],
  ['no such file', ['--events', 'orders=x.jsonl'], 1, /x\.jsonl: ENOENT/],
  ['no such topic', ['--log', 'sqlite:log.sqlite'], 1, /there is no topic orders in sqlite:/],
  ['no broker', ['--log', 'kafka://127.0.0.1:1'], 3, /./],
  ['no labels', ['--labels', 'x.csv'], 1, /x\.csv: ENOENT/],
  ['no such kind of labels', ['--labels', 'features/orders.yaml'], 1, /labels are \.parquet, \.csv or \.jsonl files/],
] as const)(
  '%s: the exit code and the message',
  async (_what, flags, code, message) => {
    const folder = setUp();
    const finished = await train(folder, ...flags);
    expect([finished.code, finished.stderr]).toEqual([code, expect.stringMatching(message)]);
    expect(readdirSync(folder).filter((name) => name.startsWith('train'))).toEqual([]);
  },
  30_000,
);

test.each(['event-time', 'served'])(
  'an output that would replace what is read, or that is a folder, is refused before anything is read: %s',
  async (knowledge) => {
    const folder = setUp();
    mkdirSync(join(folder, 'made.parquet'));
    symlinkSync(join(folder, 'labels.csv'), join(folder, 'link.csv'));
    symlinkSync('.', join(folder, 'here'));
    const read = '--log sqlite:none/log.sqlite'.split(' ');
    const refused = async (out: string, ...flags: readonly string[]) => {
      const { code, stderr } = await train(folder, '--knowledge', knowledge, ...flags, '--out', out);
      expect(code).toBe(2);
      return stderr;
    };
    for (const out of ['labels.csv', './features/../labels.csv', 'link.csv', 'here/labels.csv']) {
      expect(await refused(out, ...read)).toContain(`${out} is a file that --labels names`);
    }
    expect(await refused('labels.csv', ...read, '--labels', 'link.csv')).toContain('give --out another name');
    expect(await refused('here/orders.jsonl', '--events', 'orders=orders.jsonl')).toContain('that --events names');
    expect(await refused('made.parquet', ...read)).toContain('made.parquet is a folder');
    expect(readFileSync(join(folder, 'labels.csv'), 'utf8')).toBe(LABELS);
  },
  120_000,
);

test('what it needs is said, and a service that reads two sources needs files for both', async () => {
  const folder = setUp();
  for (const needed of ['--service', '--labels', '--out']) {
    const all = { '--service': 'scoring', '--labels': 'labels.csv', '--out': 'train.parquet' };
    const given = Object.entries(all).filter(([flag]) => flag !== needed);
    const { code, stderr } = await run(['train', '--definitions', 'features', ...given.flat()], folder);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`train needs ${needed}`)]);
  }
  const flights = ['train', '--service', 'departure_delay', '--labels', 'labels.csv', '--out', 'train.parquet'];
  const { code, stderr } = await run([...flights, '--events', 'departures=orders.jsonl'], folder);
  expect([code, stderr]).toEqual([2, expect.stringContaining('--events arrivals=FILE')]);
});

const TABLE = `
sources:
  - { name: orders, mode: upsert, envelope: debezium, key: { fields: [customer], encoding: json }, event_time: at, fields: { at: { type: timestamp, path: ts_ms }, customer: string, amount: "double?" } }
entities: [{ name: customer, keys: { customer: string } }]
views:
  - { name: spending, entity: customer, source: orders, features: [{ name: spent_1h, agg: last, of: amount }] }
services: [{ name: scoring, features: [spending.*] }]
`;

test('a row that a file deletes is deleted when the record arrived, which must be known', async () => {
  const folder = setUp(TABLE);
  const lines = [
    { op: 'c', ts_ms: AT, after: { customer: 'a', amount: 1 }, seen: AT },
    { op: 'c', ts_ms: AT, after: { customer: 'b', amount: 2 }, seen: AT },
    { op: 'd', ts_ms: AT + 1, before: { customer: 'a', amount: 1 }, after: null, seen: AT + 1 },
    { op: 'm', ts_ms: AT },
  ];
  writeFileSync(
    join(folder, 'orders.jsonl'),
    lines.map((line) => `${JSON.stringify({ seen: AT, ...line })}\n`).join(''),
  );
  const unsaid = await train(folder, '--events', 'orders=orders.jsonl');
  expect([unsaid.code, unsaid.stderr]).toEqual([
    1,
    expect.stringMatching(/orders\.jsonl:3: a row is deleted.*--arrival orders=COLUMN/),
  ]);
  expect(existsSync(join(folder, 'train.parquet'))).toBe(false);
  expect((await train(folder, '--events', 'orders=orders.jsonl', '--arrival', 'orders=seen')).code).toBe(0);
  expect(await spentIn(folder)).toEqual([null, 2]);
});

test('it tells of its run as OpenLineage events, whether it ends well or not', async () => {
  const folder = setUp();
  const told = ['--openlineage', 'file:events.jsonl'];
  await train(folder, '--events', 'orders=orders.jsonl', ...told);
  const failed = await train(folder, '--log', 'sqlite:empty.sqlite', ...told);
  expect(failed.code).toBe(1);
  const events = readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
  expectValid(events);
  expect(events.map(({ eventType, job }) => `${eventType} ${job.name}`)).toEqual([
    'START train.scoring@1',
    'COMPLETE train.scoring@1',
    'START train.scoring@1',
    'FAIL train.scoring@1',
  ]);
  expect(events[1]?.inputs.map(({ name }) => basename(name))).toEqual(['orders.jsonl', 'labels.csv']);
  expect(events[1]?.outputs.map(({ name }) => basename(name))).toEqual(['train.parquet']);
  expect(events[2]?.inputs[0]?.name).toBe(join(folder, 'empty.sqlite', 'orders'));
});
