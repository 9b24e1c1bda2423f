import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
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
