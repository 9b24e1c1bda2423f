/**
 * The contract over logs whose head is in an archive: before records are read or consumed, all that were appended are
 * archived, and then really gone from the log.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { partitionFolder } from '../../src/log/archive-files.ts';
import { runArchive } from '../../src/log/archive-run.ts';
import { withArchives } from '../../src/log/archived.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
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

  describeLogContract('Kafka with an archive', {
    async open() {
      const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock });
      base = { log, own: (name) => `${prefix}.${name}`, truncate };
      return archiving(base);
    },
    truncate: truncateBoth,
  });
});
