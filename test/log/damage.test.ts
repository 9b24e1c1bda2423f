/**
 * Files with bytes changed, zeroed or cut off: the log answers with what was appended, or with a typed error. (That a
 * whole topic is not found is such an answer, too: nobody goes on without it.)
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { SkewlessError } from '../../src/core/errors.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { damage } from '../contract/damage.ts';
import { randomFrom } from '../contract/random.ts';

const clock = { nowMs: () => 1_000 };
const RECORDS = Array.from({ length: 300 }, (_, index) => ({
  key: index % 3 === 0 ? null : Buffer.from(`key-${index % 17}`),
  value: Buffer.from(`{"n":${index},"text":"${'x'.repeat(index % 90)}"}`),
  timestampMs: index * 10,
}));

async function makeLog(file: string): Promise<void> {
  const log = await openSqliteLog({ file, clock });
  await log.ensureTopic('t', 2);
  await log.append('t', RECORDS);
  await log.close();
}

/** Everything, as `partition/offset: record`; null when the topic is not there. */
async function readAll(file: string): Promise<readonly string[] | null> {
  const log = await openSqliteLog({ file, clock });
  try {
    const found: string[] = [];
    const ranges = await log.ranges('t');
    if (ranges === null) return null;
    for (const { partition, startOffset, endOffset } of ranges) {
      found.push(`${partition}: ${startOffset} to ${endOffset}`);
      for (let offset = startOffset; offset < endOffset; ) {
        const records = await log.read('t', partition, offset, 50);
        for (const { key, value, ...rest } of records) {
          found.push(JSON.stringify({ ...rest, key: key && [...key], value: value && [...value] }));
        }
        offset += records.length;
        if (records.length === 0) return found;
      }
    }
    return found;
  } finally {
    await log.close();
  }
}

test.for([
  'DELETE FROM records WHERE partition = 1 AND offset = 0',
  'DELETE FROM records WHERE partition = 1 AND offset = 77',
  'DELETE FROM records WHERE partition = 1 AND offset = (SELECT max(offset) FROM records WHERE partition = 1)',
  'DELETE FROM records',
  'UPDATE records SET offset = offset + 1000 WHERE partition = 1 AND offset = 77',
  'UPDATE records SET appended_ms = appended_ms + 1 WHERE partition = 1 AND offset = 77',
  'UPDATE records SET value = CAST(value AS TEXT) WHERE partition = 1 AND offset = 77',
  'UPDATE records SET key = CAST(key AS TEXT) WHERE partition = 2 AND offset = 7',
  "UPDATE records SET value = x'' WHERE partition = 1 AND offset = 77",
  'UPDATE records SET value = NULL WHERE partition = 1 AND offset = 77',
  'UPDATE records SET key = value, value = key WHERE partition = 2 AND offset = 7',
  'UPDATE partitions SET end_offset = end_offset - 1 WHERE id = 1',
  'UPDATE partitions SET end_offset = end_offset + 1 WHERE id = 1',
  'UPDATE partitions SET start_offset = 1 WHERE id = 1',
])('a log after "%s" says that it is damaged', async (statement) => {
  const file = join(mkdtempSync(join(tmpdir(), 'skewless-damage-')), 'log.sqlite');
  await makeLog(file);
  const database = new DatabaseSync(file);
  expect(Number(database.prepare(statement).run().changes)).toBeGreaterThan(0);
  database.close();
  await expect(readAll(file)).rejects.toMatchObject({ code: 'sqlite_damaged', retryable: false });
});

test('a hole in the middle is found by whoever consumes up to it', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'skewless-damage-')), 'log.sqlite');
  await makeLog(file);
  const database = new DatabaseSync(file);
  database.exec('DELETE FROM records WHERE offset >= 77');
  database.close();
  const log = await openSqliteLog({ file, clock });
  const failed = Promise.withResolvers<unknown>();
  let seen = 0;
  await log.consume(
    { topic: 't', group: 'g', batchRecordsMax: 70, batchBytesMax: 1_000_000, idleMs: 5 },
    {
      assigned: async (partitions) => new Map(partitions.map((partition) => [partition, 0])),
      revoked: async () => {},
      batch: async ({ records }) => void (seen += records.length),
      failed: failed.resolve,
    },
  );
  expect(await failed.promise).toMatchObject({ code: 'sqlite_damaged' });
  expect(seen).toBe(140);
  await log.close();
});

test('a damaged log is an error or harmless: never a record less, never other bytes', async () => {
  const seed = 20130201;
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'skewless-damage-'));
  await makeLog(join(folder, 'good.sqlite'));
  const truth = await readAll(join(folder, 'good.sqlite'));
  expect(truth?.length).toBe(RECORDS.length + 2);
  const bytes = readFileSync(join(folder, 'good.sqlite'));
  const tally = { harmless: 0, told: 0, topicGone: 0 };
  for (let round = 0; round < 400; round++) {
    const file = join(folder, `${round}.sqlite`);
    writeFileSync(file, damage(bytes, random));
    const found = await readAll(file).catch((error: unknown) => error);
    if (found === null) tally.topicGone += 1;
    else if (found instanceof SkewlessError && !found.retryable) tally.told += 1;
    else {
      expect(found, `seed ${seed}, round ${round}`).toEqual(truth);
      tally.harmless += 1;
    }
  }
  expect(tally.told, JSON.stringify(tally)).toBeGreaterThan(100);
  expect(tally.topicGone, JSON.stringify(tally)).toBeLessThan(40);
});
