import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { SkewlessError } from '../../src/core/errors.ts';
import { validateEvent } from '../../src/event/validate.ts';
import { ingestFile } from '../../src/log/ingest-file.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { randomFrom } from '../contract/random.ts';
import { ordersSource, temporaryDirectory } from './support.ts';

const SOURCE = ordersSource();
const line = (id: number): string => JSON.stringify({ id: `order-${id}`, at: 1_000 + id });

async function logIn(directory: string) {
  return openSqliteLog({ file: join(directory, 'log.sqlite'), clock: systemClock });
}

test('valid records are appended in order, others are told by line, and loading again adds nothing', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'orders.jsonl');
  writeFileSync(path, [line(1), 'nonsense', '{"id":"x"}', '[1]', line(2)].join('\n'));
  const log = await logIn(directory);
  const shares: (number | null)[] = [];
  const options = {
    log,
    source: SOURCE,
    path,
    validate: validateEvent,
    onProgress: (share: number | null) => void shares.push(share),
  };
  const result = await ingestFile(options);
  expect(result).toMatchObject({ read: 5, appended: 2, skipped: 0, rejected: 3 });
  expect(result.rejections.map(({ number, code }) => [number, code])).toEqual([
    [2, 'malformed_json'],
    [3, expect.any(String)],
    [4, 'not_an_object'],
  ]);
  expect(shares.at(-1)).toBe(1);
  const records = await log.read('orders', 0, 0, 10);
  expect(records.map(({ value }) => (JSON.parse(Buffer.from(value ?? []).toString()) as { id: string }).id)).toEqual([
    'order-1',
    'order-2',
  ]);
  expect(records.map(({ key }) => Buffer.from(key ?? []).toString())).toEqual(['order-1', 'order-2']);
  expect(await ingestFile(options)).toMatchObject({ appended: 0, skipped: 5, rejected: 0 });
  expect((await log.ranges('orders'))?.[0]?.endOffset).toBe(2);
  await log.close();
});

test('a file with other content is another file, whatever its name', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'orders.jsonl');
  const log = await logIn(directory);
  for (const id of [1, 2]) {
    writeFileSync(path, line(id));
    expect(await ingestFile({ log, source: SOURCE, path, validate: validateEvent })).toMatchObject({ appended: 1 });
  }
  await log.close();
});

test('a file with rejected records alone is remembered, too', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'orders.jsonl');
  writeFileSync(path, '1\n2\n'.repeat(6_000));
  const log = await logIn(directory);
  const options = { log, source: SOURCE, path, validate: validateEvent };
  const result = await ingestFile(options);
  expect(result).toMatchObject({ read: 12_000, appended: 0, rejected: 12_000 });
  expect(result.rejections.length).toBe(20);
  expect(await ingestFile(options)).toMatchObject({ skipped: 12_000, rejected: 0 });
  await log.close();
});

test('large records make small batches', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'orders.jsonl');
  const large = JSON.stringify({ id: 'a', at: 1, note: 'x'.repeat(500_000) });
  writeFileSync(path, `${large}\n`.repeat(30));
  const log = await logIn(directory);
  const sizes: number[] = [];
  const counting = {
    ...log,
    append: (...call: Parameters<typeof log.append>) => {
      sizes.push(call[1].length);
      return log.append(...call);
    },
  };
  await ingestFile({ log: counting, source: SOURCE, path, validate: validateEvent });
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(12);
  expect((await log.ranges('orders'))?.[0]?.endOffset).toBe(30);
  await log.close();
});

test.for([
  ['orders.csv', `id,at\n${'a,1\n'.repeat(8_000)}"b,2\n`],
  ['orders.jsonl.gz', gzipSync(`${line(1)}\n`.repeat(20_000)).subarray(0, -20)],
] as const)('of %s, which is broken near its end, nothing is appended', async ([name, content]) => {
  const directory = temporaryDirectory();
  const path = join(directory, name);
  writeFileSync(path, content);
  const log = await logIn(directory);
  await expect(ingestFile({ log, source: SOURCE, path, validate: validateEvent })).rejects.toMatchObject({
    code: 'file_unreadable',
  });
  expect(await log.ranges('orders')).toBeNull();
  await log.close();
});

test('when two processes load one file at once, every record is there once', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'orders.jsonl');
  writeFileSync(path, Array.from({ length: 20_000 }, (_, id) => line(id)).join('\n'));
  const logs = [await logIn(directory), await logIn(directory)];
  const results = await Promise.allSettled(
    logs.map((log) => ingestFile({ log, source: SOURCE, path, validate: validateEvent })),
  );
  for (const result of results) {
    if (result.status === 'rejected') expect((result.reason as SkewlessError).code).toBe('ingest_running');
  }
  expect(results.map(({ status }) => status)).toContain('fulfilled');
  const [log] = logs;
  expect((await log?.ranges('orders'))?.[0]?.endOffset).toBe(20_000);
  const read = (await log?.read('orders', 0, 0, 20_000)) ?? [];
  expect(new Set(read.map(({ key }) => Buffer.from(key ?? []).toString())).size).toBe(20_000);
  for (const each of logs) await each.close();
});

test('an ingest that is stopped goes on where it was', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'orders.jsonl');
  writeFileSync(path, Array.from({ length: 12_000 }, (_, id) => line(id)).join('\n'));
  const log = await logIn(directory);
  const stop = new AbortController();
  const options = { log, source: SOURCE, path, validate: validateEvent };
  await expect(ingestFile({ ...options, onProgress: () => stop.abort(), signal: stop.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(await ingestFile(options)).toMatchObject({ appended: 7_000, skipped: 5_000 });
  expect((await log.ranges('orders'))?.[0]?.endOffset).toBe(12_000);
  await log.close();
});

test('an ingest killed at random points and started again neither loses nor doubles a record', async () => {
  const seed = 20130131;
  const random = randomFrom(seed);
  const directory = temporaryDirectory();
  const path = join(directory, 'orders.jsonl');
  const count = 60_000;
  writeFileSync(path, Array.from({ length: count }, (_, id) => line(id)).join('\n'));
  let kills = 0;
  for (let run = 0; run < 12; run++) {
    const killed = await runChild([join(directory, 'log.sqlite'), path], random.int(4), random.int(30));
    if (!killed) break;
    kills += 1;
  }
  while (await runChild([join(directory, 'log.sqlite'), path], Infinity, 0)) kills += 1;
  expect(kills, `seed ${seed}: at least one kill landed`).toBeGreaterThan(0);
  const log = await logIn(directory);
  const seen: string[] = [];
  for (let offset = 0; offset < count; offset += 10_000) {
    for (const { value } of await log.read('orders', 0, offset, 10_000))
      seen.push((JSON.parse(Buffer.from(value ?? []).toString()) as { id: string }).id);
  }
  expect((await log.ranges('orders'))?.[0]?.endOffset).toBe(count);
  expect(seen).toEqual(Array.from({ length: count }, (_, id) => `order-${id}`));
  await log.close();
});

/** Runs the child, killing it `delayMs` after it said that it came on `reports` times; whether it was killed. */
async function runChild(args: readonly string[], reports: number, delayMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/ingest-child.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString().split('\n').length - 1;
    if (said > reports) setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal === 'SIGKILL')));
}
