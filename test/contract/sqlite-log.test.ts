import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type SqliteLog, openSqliteLog } from '../../src/log/sqlite.ts';
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

test('an append in this process wakes its consumers, however long the idle wait', async () => {
  const log = await openSqliteLog({ file, clock: systemClock });
  await log.ensureTopic('t', 1);
  const caughtUp = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<void>();
  await log.consume(
    { topic: 't', group: 'g', batchRecordsMax: 10, batchBytesMax: 1_000, idleMs: 1_000_000 },
    {
      assigned: async () => new Map([[0, 0]]),
      revoked: async () => {},
      batch: async ({ records }) => (records.length > 0 ? seen.resolve() : caughtUp.resolve()),
      failed: seen.reject,
    },
  );
  await caughtUp.promise;
  await log.append('t', [{ key: null, value: Buffer.from('a'), timestampMs: null }]);
  await seen.promise;
  await log.close();
});

test('a partition is assigned to one consumer of a group at a time', async () => {
  const log = await openSqliteLog({ file, clock: systemClock });
  await log.ensureTopic('t', 6);
  const holders = new Map<number, string>();
  const clashes: string[] = [];
  const join = (name: string) =>
    log.consume(
      { topic: 't', group: 'g', batchRecordsMax: 10, batchBytesMax: 1_000, idleMs: 2 },
      {
        async assigned(partitions) {
          for (const partition of partitions) {
            if (holders.has(partition)) clashes.push(`${name} got ${partition} of ${holders.get(partition)}`);
            holders.set(partition, name);
          }
          await new Promise((resolve) => setTimeout(resolve, 1));
          return new Map(partitions.map((partition) => [partition, 0]));
        },
        async revoked(partitions) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          for (const partition of partitions) holders.delete(partition);
        },
        async batch({ partition }) {
          if (holders.get(partition) !== name) clashes.push(`${name} was given ${partition}`);
        },
        failed: (error) => void clashes.push(String(error)),
      },
    );
  const all = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    all.push(await join(name));
    await new Promise((resolve) => setTimeout(resolve, 8));
  }
  expect([...new Set(holders.values())].toSorted()).toEqual(['a', 'b', 'c', 'd']);
  for (const consumer of all.slice(0, 3)) await consumer.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(holders).toEqual(new Map([0, 1, 2, 3, 4, 5].map((partition) => [partition, 'd'])));
  await log.close();
  expect(clashes).toEqual([]);
  expect(holders.size).toBe(0);
});
