/** `skewless audit` as a user runs it, beside a server that logs what it serves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { parseReport } from '../../src/vector/audit-report.ts';
import { ORDERS, writeDefinitions } from './definitions.ts';
import { type Running, launch, run, start, temporaryFolder } from './run.ts';

const PLACES = ['--definitions', 'features', '--log', 'sqlite:log.sqlite'];
const audit = (folder: string, ...more: readonly string[]) => run(['audit', ...PLACES, ...more], folder);

async function startServer(folder: string): Promise<Running> {
  writeDefinitions(folder, ORDERS);
  return start([...PLACES, '--store', 'sqlite:store.sqlite', '--served-sample', '1'], folder);
}

/** As the answer asks, once more where the embedded log has another writer just then. */
async function post(server: Running, path: string, body: unknown): Promise<{ readonly position: string }> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const json = (await response.json()) as { readonly position: string; readonly code?: string };
  if (json.code === 'log_unavailable') {
    await delay(1_000);
    return post(server, path, body);
  }
  expect([response.status, json.code]).toEqual([200, undefined]);
  return json;
}

/** One order, and the vector that holds it. */
async function orderAndAsk(server: Running, customer: string): Promise<void> {
  const events = [{ customer, at: Date.now() - 1_000, amount: 2 }];
  const { position } = await post(server, '/v1/sources/orders/events', { events });
  await post(server, '/v1/feature-services/scoring/vectors', {
    entities: [{ customer }],
    after: position,
    budget_ms: 20_000,
  });
}

const openLog = (folder: string) => openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });

async function recordsIn(folder: string, topic: string) {
  const log = await openLog(folder);
  try {
    const [range] = (await log.ranges(topic)) ?? [];
    return range === undefined ? [] : await log.read(topic, 0, range.startOffset, 1_000);
  } finally {
    await log.close();
  }
}

async function servedCount(folder: string, count: number): Promise<void> {
  while ((await recordsIn(folder, 'default.served')).length < count) await delay(20);
}

test('what a server served is audited, reported, published and listed; what it never served is a finding', async () => {
  const folder = temporaryFolder();
  const server = await startServer(folder);
  for (const customer of ['a', 'b', 'c']) await orderAndAsk(server, customer);
  await servedCount(folder, 3);
  const first = await audit(folder, '--out', 'audit.md');
  expect([first.code, first.stderr]).toEqual([0, '']);
  expect(first.stdout).toMatch(/^scoring@1 \([0-9a-f]+\), 3 rows served from /);
  expect(first.stdout).toMatch(/\n3 rows: 6 values compared, all the same to the last bit\.\n$/);
  expect(readFileSync(join(folder, 'audit.md'), 'utf8')).toMatch(/^# Audit\n\n3 rows: .*\n\n## scoring@1\n/);

  const [row] = await recordsIn(folder, 'default.served');
  const text = Buffer.from(row?.value ?? []).toString();
  const log = await openLog(folder);
  const value = Buffer.from(text.replace(/"values":\[[^\]]*\]/, '"values":[7,7]'));
  await log.append('default.served', [{ key: null, value, timestampMs: null }]);
  await log.close();
  const second = await audit(folder, '--json');
  expect(second.code).toBe(1);
  const found = JSON.parse(second.stdout) as { rows: number; mismatched: number; mismatches: object[] };
  expect(found).toMatchObject({ rows: 4, mismatched: 2 });
  expect(found.mismatches).toEqual([
    expect.objectContaining({ partition: 0, offset: 3, served: 7, receipt: expect.stringMatching(/^\w/) as string }),
    expect.objectContaining({ partition: 0, offset: 3, served: 7 }),
  ]);
  // A report that cannot be kept takes nothing away: it is shown, and what it is of stays new.
  const unkept = await audit(folder, '--new', '--out', 'nowhere/audit.md');
  expect([unkept.code, unkept.stderr]).toEqual([1, expect.stringContaining('nowhere/audit.md cannot be written')]);
  expect(unkept.stdout).toMatch(/\n4 rows: .*2 are not what the log gives/);
  const listed = (await (await fetch(`${server.url}/v1/audits`)).json()) as { items: { mismatched: number }[] };
  expect(listed.items.map(({ mismatched }) => mismatched)).toEqual([2, 0]);
  const kept = await audit(folder, '--new', '--out', 'audit.md');
  expect([kept.code, kept.stdout]).toEqual([1, unkept.stdout]);
  expect((await audit(folder, '--new')).stdout).toMatch(/^No rows were served in this range\.\n$/);
  const other = await openLog(folder);
  const foreign = Buffer.from(text.replace('"customer":"a"', '"customer":"b"'));
  await other.append('default.served', [{ key: null, value: foreign, timestampMs: null }]);
  await other.close();
  const invalid = await audit(folder, '--new');
  expect(invalid.code).toBe(1);
  expect(invalid.stdout).toMatch(/1 receipt_invalid\n/);
  expect(invalid.stdout).toMatch(/\n1 row: nothing was compared, 1 row has no receipt of its own\.\n$/);
  await server.stop();
}, 120_000);

test('killed and started again, an audit of what is new sees each row once', async () => {
  const folder = temporaryFolder();
  const server = await startServer(folder);
  const audits = () => recordsIn(folder, 'default.audits');
  const reports = async () => (await audits()).flatMap(({ value }) => parseReport(value) ?? []);
  for (let life = 0; life < 3; life++) {
    const follower = launch(['audit', ...PLACES, '--every', '1s', '--json'], folder, {});
    const before = (await reports()).length;
    for (const customer of ['a', 'b']) await orderAndAsk(server, `${customer}${life}`);
    while ((await reports()).length === before) await delay(50);
    follower.process.kill(life === 2 ? 'SIGINT' : 'SIGKILL');
    const { code } = await follower.finished;
    expect(code).toBe(life === 2 ? 0 : null);
  }
  expect((await audit(folder, '--new')).code).toBe(0);
  await server.stop();
  const all = await reports();
  let next = 0;
  for (const { positions } of all) {
    expect(positions['0']?.from).toBe(next);
    next = positions['0']?.next ?? -1;
  }
  expect(next).toBe(6);
  expect(all.reduce((sum, { rows }) => sum + rows, 0)).toBe(6);
}, 120_000);

test.each([
  ['a range and what is new', ['--new', '--from', '2024-01-01T00:00:00Z'], 2, /leave out one/],
  ['no report', ['--out', 'audit.pdf'], 2, /\.json or a \.md/],
  ['nothing was served', [], 1, /--served-sample/],
  ['no broker', ['--log', 'kafka://127.0.0.1:1'], 3, /cannot be reached|connect/i],
])('%s: the exit code and the message', async (_what, flags, code, message) => {
  const folder = temporaryFolder();
  writeDefinitions(folder, ORDERS);
  const finished = await audit(folder, ...flags);
  expect([finished.code, finished.stderr]).toEqual([code, expect.stringMatching(message)]);
});
