/**
 * The contract over logs whose head is in an archive: before records are read or consumed, all that were appended are
 * archived, and then really gone from the log.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { partitionFolder } from '../../src/log/archive-files.ts';
import { runArchive } from '../../src/log/archive-run.ts';
import { withArchives } from '../../src/log/archived.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log, LogHandler } from '../../src/log/log.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { describeLogContract } from './log-contract.ts';

/** Topics of the contract. */
const TOPICS = ['t', 'many', 'to'];

interface Base {
  readonly log: Log;
  /** Topics of one test, of names that it does not know. */
  readonly own: (name: string) => string;
  readonly truncate: (topic: string, partition: number, beforeOffset: number) => Promise<void>;
}

let folder = '';
let base: Base | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skewless-archived-'));
});

const folderOf = (topic: string): string => join(folder, topic);

function archiving({ log, own, truncate }: Base): Log {
  const archives = new Map(TOPICS.map((topic) => [own(topic), folderOf(topic)]));
  const joined = withArchives(log, { archives, clock: systemClock, onWarning: () => undefined });
  /** Retention under a running consumer is another test's. */
  const consumed = new Map<string, number>();

  async function forget(topic: string): Promise<void> {
    if ((consumed.get(topic) ?? 0) > 0 || (await log.ranges(own(topic))) === null) return;
    const { problems, partitions } = await runArchive({
      log,
      topic: own(topic),
      folder: folderOf(topic),
      clock: systemClock,
      signal: new AbortController().signal,
      onProgress: () => undefined,
      bounds: { fileRecordsMax: 1_000 },
    });
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    for (const { partition, next } of partitions) await truncate(own(topic), partition, next);
  }

  return {
    ...joined,
    ensureTopic: (topic, partitions) => joined.ensureTopic(own(topic), partitions),
    ranges: (topic) => joined.ranges(own(topic)),
    append: (topic, records, options) => joined.append(own(topic), records, options),
    async openTransfer(options) {
      const { topic, id, group } = options;
      const transfer = await joined.openTransfer({ ...options, id: own(id), group: own(group), topic: own(topic) });
      return { ...transfer, append: (to, records, next) => transfer.append(own(to), records, next) };
    },
    progressOf: (topic, id) => joined.progressOf(own(topic), id),
    async consume(options, handler) {
      const { topic, group } = options;
      await forget(topic);
      const consumer = await joined.consume({ ...options, topic: own(topic), group: own(group) }, handler);
      consumed.set(topic, (consumed.get(topic) ?? 0) + 1);
      return {
        ...consumer,
        async close() {
          await consumer.close();
          consumed.set(topic, (consumed.get(topic) ?? 0) - 1);
        },
      };
    },
    async read(topic, partition, fromOffset, recordsMax) {
      await forget(topic);
      return joined.read(own(topic), partition, fromOffset, recordsMax);
    },
  };
}

/** From the log and from the archive. */
async function truncateBoth(_log: Log, topic: string, beforeOffset: number): Promise<void> {
  rmSync(partitionFolder(folderOf(topic), 0), { recursive: true, force: true });
  await base?.truncate(base.own(topic), 0, beforeOffset);
}

describeLogContract('SQLite with an archive', {
  async open() {
    const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
    base = { log, own: (name) => name, truncate: log.truncate };
    return archiving(base);
  },
  truncate: truncateBoth,
});

describeWith(['kafka'], 'a real Kafka', () => {
  let kafka: KafkaService;
  let admin: Admin;
  let prefix = '';
  beforeAll(async () => {
    kafka = await startKafka();
    admin = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterAll(async () => {
    await admin.disconnect();
    await kafka.stop();
  });
  beforeEach(() => {
    prefix = randomUUID();
  });

  async function truncate(topic: string, partition: number, beforeOffset: number): Promise<void> {
    // Without it kafkajs does not know where the partitions are.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(beforeOffset) }] });
  }

  test('an archive that takes longer to read than a session lasts costs no partition, and is handed over to who joins', async () => {
    const bounds = { sessionMs: 1_500, heartbeatMs: 300 };
    const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock, bounds });
    base = { log, own: (name) => `${prefix}.${name}`, truncate };
    const archived = archiving(base);
    await archived.ensureTopic('many', 2);
    const count = 60;
    const records = Array.from({ length: 2 * count }, (_none, index) => ({
      key: null,
      value: Buffer.from('x'),
      timestampMs: 1,
      partition: index % 2,
    }));
    await archived.append('many', records);
    const positions = [0, 0];
    const seen: string[] = [];
    const failures: unknown[] = [];
    const member = (name: string): LogHandler => ({
      assigned: async (partitions) => new Map(partitions.map((partition) => [partition, positions[partition] ?? 0])),
      revoked: () => Promise.resolve(),
      async batch({ partition, fetchPosition, nextPosition, records }) {
        if (fetchPosition !== positions[partition]) failures.push(`${fetchPosition} of ${partition} came again`);
        positions[partition] = nextPosition;
        if (records.length === 0) return;
        seen.push(name);
        await delay(100);
      },
      failed: (error) => void failures.push(error),
    });
    const options = { topic: 'many', group: 'g', batchRecordsMax: 1, batchBytesMax: 1_000, idleMs: 50 };
    const first = await archived.consume(options, member('first'));
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBeGreaterThan(50);
    const second = await archived.consume(options, member('second'));
    await expect.poll(() => positions, { timeout: 20_000 }).toEqual([count, count]);
    expect(failures).toEqual([]);
    expect([seen.length, seen.includes('second')]).toEqual([2 * count, true]);
    await first.close();
    await second.close();
    await archived.close();
  });

  describeLogContract('Kafka with an archive', {
    async open() {
      const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock });
      base = { log, own: (name) => `${prefix}.${name}`, truncate };
      return archiving(base);
    },
    truncate: truncateBoth,
  });
});
