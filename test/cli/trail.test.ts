/** The audit trail: what is recorded of acts and definitions, where it may be, and what it must never hold. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type TrailBook, openFileBook, openTopicBook } from '../../src/cli/trail-book.ts';
import { recordDefinitions } from '../../src/cli/trail-write.ts';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { EXAMPLE, load } from '../definition/support.ts';
import { ORDERS, writeDefinitions } from './definitions.ts';

interface Told {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function folderForTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-trail-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command in this process. */
async function skewless(...args: readonly string[]): Promise<Told> {
  const output = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      output[name] += String(chunk);
      return true;
    }),
  );
  try {
    const code = await runProgram(args, () => Promise.reject(new Error('not started here')), '0');
    return { code, ...output };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const entriesIn = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('keys that are made and revoked are recorded, and no key is in the trail', async () => {
  const folder = folderForTest();
  const [keys, trail] = [join(folder, 'keys.yaml'), join(folder, 'trail.jsonl')];
  const flags = ['--keys', keys, '--trail', `file:${trail}`];
  const made = await skewless('keys', 'create', ...flags, '--name', 'scoring', '--scope', 'read:*');
  expect(made.code).toBe(0);
  expect((await skewless('keys', 'revoke', ...flags, 'scoring')).code).toBe(0);
  const entries = entriesIn(trail);
  expect(entries).toMatchObject([
    { act: 'keys_create', details: { name: 'scoring', scopes: ['read:*'] }, namespace: null },
    { act: 'keys_revoke', details: { name: 'scoring' } },
  ]);
  expect(entries[0]?.['subject']).toBe(entries[1]?.['subject']);
  expect(entries[0]?.['actor']).toMatch(/.@./);
  const [secret = 'nothing'] = made.stdout.split('\n');
  expect(readFileSync(trail, 'utf8')).not.toContain(secret);
  expect(readFileSync(trail, 'utf8')).not.toContain('sha256');

  const shown = await skewless('trail', '--trail', `file:${trail}`, '--act', 'keys_revoke');
  expect(shown.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(shown.stdout).toContain('keys_revoke');
  expect((await skewless('trail', '--trail', `file:${trail}`, '--since', '1h', '--json')).stdout).toBe(
    readFileSync(trail, 'utf8'),
  );
});

test('an erasure is recorded without the entity that it was about', async () => {
  const folder = folderForTest();
  const definitions = writeDefinitions(folder, ORDERS);
  const file = join(folder, 'log.sqlite');
  const log = await openSqliteLog({ file, clock: systemClock });
  await log.ensureTopic('orders', 1);
  await log.close();
  const trail = join(folder, 'trail.jsonl');
  const flags = ['--definitions', definitions, '--log', `sqlite:${file}`, '--trail', `file:${trail}`];
  const act = ['erase', ...flags, '--entity', 'customer', '--key', 'customer=jane.doe'];
  expect((await skewless(...act)).code).toBe(1);
  expect((await skewless(...act, '--yes')).code).toBe(0);
  expect(entriesIn(trail)).toMatchObject([
    { act: 'erase', subject: 'customer', details: { sources: [{ source: 'orders' }] } },
  ]);
  expect(readFileSync(trail, 'utf8')).not.toContain('jane');
});

test('what cannot be recorded is not done', async () => {
  const folder = folderForTest();
  mkdirSync(join(folder, 'trail.jsonl'));
  const keys = join(folder, 'keys.yaml');
  const flags = ['--keys', keys, '--trail', `file:${join(folder, 'trail.jsonl')}`];
  const made = await skewless('keys', 'create', ...flags, '--name', 'scoring', '--scope', 'read:*');
  expect(made.code).toBe(1);
  expect(made.stderr).toContain('cannot be written');
  expect(() => readFileSync(keys)).toThrow(/ENOENT/);
});

test('what is no entry is passed over and told', async () => {
  const trail = join(folderForTest(), 'trail.jsonl');
  const entry = { at: '2024-01-01T00:00:00Z', actor: 'a', act: 'prune', namespace: null, subject: 's', details: {} };
  appendFileSync(trail, `${JSON.stringify(entry)}\n{"at":"2024\n{"act":"other"}\n${JSON.stringify(entry)}\n`);
  const shown = await skewless('trail', '--trail', `file:${trail}`);
  expect(shown.stdout.trimEnd().split('\n')).toHaveLength(2);
  expect([shown.code, shown.stderr]).toEqual([1, '2 lines of the trail cannot be read\n']);
});

test.each(['file', 'topic'])('definitions are recorded in a %s when they are others, by deployment', async (kind) => {
  const folder = folderForTest();
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  const book: TrailBook =
    kind === 'file' ? await openFileBook(join(folder, 'trail.jsonl')) : await openTopicBook(log, 'trail');
  onTestFinished(async () => {
    await book.close();
    await log.close();
  });
  const record = (text: string, namespace: string) =>
    recordDefinitions(book, load(text), { namespace, actor: 'host/1/x', atMs: 0 });
  await record(EXAMPLE, 'blue');
  await record(EXAMPLE.replace('owner: ops-ml', 'owner: others'), 'blue');
  await record(EXAMPLE, 'green');
  await record(EXAMPLE.replace('dep_delay > 15', 'dep_delay > 20'), 'blue');
  await record(EXAMPLE.replace(/services:[\s\S]*/, ''), 'green');
  const told: unknown[] = [];
  for await (const entry of book.read()) {
    const { added, removed, changed } = (entry?.details ?? {}) as Record<string, unknown>;
    told.push([entry?.namespace, added, removed, changed]);
  }
  const [view, service] = ['view airport_delay@1', 'service departure_delay@1'];
  expect(told).toEqual([
    ['blue', [view, service], [], []],
    ['green', [view, service], [], []],
    ['blue', [], [], [view, service]],
    ['green', [], [service], []],
  ]);
});
