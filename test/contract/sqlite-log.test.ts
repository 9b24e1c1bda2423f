import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type SqliteLog, openSqliteLog } from '../../src/log/sqlite.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { describeLogContract } from './log-contract.ts';

let file = '';
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'skewless-log-')), 'log.sqlite');
});

describeLogContract('SQLite', {
  open: () => openSqliteLog({ file, clock: systemClock }),
  truncate: (log, topic, beforeOffset) => (log as SqliteLog).truncate(topic, 0, beforeOffset),
});

test('records of another process are seen without being woken', async () => {
  const reader = await openSqliteLog({ file, clock: systemClock });
  const writer = await openSqliteLog({ file, clock: systemClock });
  await writer.ensureTopic('t', 1);
  const seen = Promise.withResolvers<number>();
  const consumer = await reader.consume(
    { topic: 't', group: 'g', batchRecordsMax: 10, batchBytesMax: 1_000, idleMs: 5 },
    {
      assigned: async (partitions) => new Map(partitions.map((partition) => [partition, 0])),
      revoked: async () => {},
      batch: async ({ records }) => (records.length > 0 ? seen.resolve(records.length) : undefined),
      failed: seen.reject,
    },
  );
  await writer.append('t', [{ key: null, value: Buffer.from('a'), timestampMs: null }]);
  expect(await seen.promise).toBe(1);
  await consumer.close();
  await reader.close();
  await writer.close();
});

test('a file that is not ours is refused, and says so', async () => {
  writeFileSync(file, 'not a database, but long enough to be taken for one'.repeat(100));
  await expect(openSqliteLog({ file, clock: systemClock })).rejects.toMatchObject({
    code: 'sqlite_unusable',
    retryable: false,
  });
});

test('a store is not taken for a log', async () => {
  const store = await openSqliteStore({ file, namespace: 'n' });
  await store.close();
  await expect(openSqliteLog({ file, clock: systemClock })).rejects.toThrow(/not a Skewless log/);
});
