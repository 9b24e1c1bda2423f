/**
 * Builds on a real topic whose head is gone: with an archive they equal, bit for bit, a build made before it went, for
 * views whose entity the record key holds and for views that go through an internal topic. Real processes throughout.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Running, run, start } from '../cli/run.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { askServer, eventually } from './ask.ts';
import { createPayments, definitionsOf } from './payments.ts';

const PARTITIONS = 4;
/** Payments in a transaction: its marker takes an offset, and every fifth is aborted. */
const TRANSACTION = 100;

interface Freshness {
  readonly position: number | null;
  readonly complete_from: string | null;
}

describeWith(['kafka'], 'a topic whose head is gone', () => {
  let kafka: KafkaService;
  let client: Kafka;
  let admin: Admin;
  const running: Running[] = [];
  beforeAll(async () => {
    kafka = await startKafka();
    client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
    admin = client.admin();
    await admin.connect();
  });
  afterAll(async () => {
    for (const { stop } of running) await stop('SIGKILL');
    await admin.disconnect();
    await kafka.stop();
  });

  const logFlags = (): string[] => ['--log', `kafka://${kafka.brokers.join(',')}`];

  async function createTopic(): Promise<Topic> {
    const topic = `payments-${randomUUID().slice(0, 8)}`;
    const configEntries = [{ name: 'max.message.bytes', value: '4194304' }];
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, configEntries }], waitForLeaders: true });
    const folder = mkdtempSync(join(tmpdir(), 'skewless-history-'));
    const nowMs = Date.now();
    const pay = createPayments(7, nowMs);
    const write = (name: string, source: string): string => {
      const directory = mkdtempSync(join(folder, `${name}-`));
      const text = definitionsOf(topic).replace('format: json', `format: json\n${source}`);
      writeFileSync(join(directory, 'payments.yaml'), text);
      return directory;
    };
    const definitions = { plain: write('plain', ''), archived: write('archived', '    archive: ../kept') };
    const created: Topic = {
      topic,
      definitions,
      async produce(count) {
        const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
        const producer = client.producer({ transactionalId: topic, maxInFlightRequests: 1, createPartitioner });
        await producer.connect();
        for (let made = 0; made < count; made += TRANSACTION) {
          const transaction = await producer.transaction();
          await transaction.send({ topic, messages: [...pay(TRANSACTION)] });
          await ((made / TRANSACTION) % 5 === 4 ? transaction.abort() : transaction.commit());
        }
        await producer.disconnect();
      },
      async truncate(befores) {
        const partitions = befores.map((before, partition) => ({ partition, offset: String(before) }));
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({ topic, partitions });
      },
      async archive() {
        const args = [
          'archive',
          '--source',
          'payments',
          '--definitions',
          definitions.archived,
          '--json',
          ...logFlags(),
        ];
        const { code, stdout, stderr } = await run(args, folder);
        expect([code, stderr]).toEqual([0, '']);
        const { partitions } = JSON.parse(stdout) as { partitions: { next: number }[] };
        return partitions.map(({ next }) => next);
      },
      async start(directory, namespace) {
        const args = ['--definitions', directory, ...logFlags(), '--namespace', namespace];
        const program = await start([...args, '--store', `sqlite:${namespace}.sqlite`], folder);
        running.push(program);
        return program;
      },
      async answers({ url }) {
        await eventually('it is built', async () => ((await fetch(`${url}/readyz`)).ok ? true : null));
        return askServer(url, nowMs);
      },
      async build(directory, namespace) {
        const program = await created.start(directory, namespace);
        const answers = await created.answers(program);
        const freshness = await freshnessOf(program);
        const { stderr } = await program.stop();
        return { answers, freshness, stderr };
      },
    };
    return created;
  }

  test('a build with an archive equals one made before the head went, also when it is killed in the archive', async () => {
    const topic = await createTopic();
    await topic.produce(12_000);
    const kept = await topic.archive();
    await topic.produce(1_000);
    const before = await topic.build(topic.definitions.plain, 'before');
    // In one partition archive and log overlap, one is as it was, two are joined where the archive ends.
    await topic.truncate([kept[0] ?? 0, kept[1] ?? 0, Math.floor((kept[2] ?? 0) / 2), 0]);
    const after = await topic.build(topic.definitions.archived, 'after');
    expect(after.answers).toEqual(before.answers);
    expect(after.freshness.map(({ complete_from }) => complete_from)).toEqual(after.freshness.map(() => null));

    const killed = await topic.start(topic.definitions.archived, 'killed');
    const position = await eventually('it is in the archive', async () => {
      const positions = (await freshnessOf(killed)).map((each) => each.position ?? 0);
      return positions.some((each) => each > 0) ? positions : null;
    });
    await killed.stop('SIGKILL');
    expect(position.some((each, index) => each > 0 && each < (kept[index % PARTITIONS] ?? 0))).toBe(true);
    const resumed = await topic.build(topic.definitions.archived, 'killed');
    expect(resumed.answers).toEqual(before.answers);

    const without = await topic.build(topic.definitions.plain, 'without');
    expect(without.answers.filter((answer) => answer.includes('INCOMPLETE')).length).toBeGreaterThan(0);
    expect(before.answers.filter((answer) => answer.includes('INCOMPLETE'))).toEqual([]);
  });

  test('where an archive begins above offset 0, the same windows are INCOMPLETE as when the log began there', async () => {
    const topic = await createTopic();
    await topic.produce(2_000);
    await topic.truncate([50, 60, 70, 80]);
    const before = await topic.build(topic.definitions.plain, 'before');
    const kept = await topic.archive();
    await topic.truncate(kept);
    const after = await topic.build(topic.definitions.archived, 'after');
    expect(after.answers).toEqual(before.answers);
    expect(after.freshness).toEqual(before.freshness);
    expect(before.answers.every((answer) => answer.includes('INCOMPLETE'))).toBe(true);
    expect(after.stderr).toMatch(/offsets 0 to 49 are lost/);
  });
});

interface Topic {
  readonly topic: string;
  /** Folders; `archived` names an archive. */
  readonly definitions: { readonly plain: string; readonly archived: string };
  produce(count: number): Promise<void>;
  truncate(befores: readonly number[]): Promise<void>;
  /** Answers where each partition's archive ends. */
  archive(): Promise<readonly number[]>;
  start(directory: string, namespace: string): Promise<Running>;
  answers(program: Running): Promise<readonly string[]>;
  build(
    directory: string,
    namespace: string,
  ): Promise<{
    readonly answers: readonly string[];
    readonly freshness: readonly Freshness[];
    readonly stderr: string;
  }>;
}

/** Of each view and partition, what does not depend on the wall clock. */
async function freshnessOf({ url }: Running): Promise<readonly Freshness[]> {
  const response = await fetch(`${url}/v1/feature-views`);
  const { items } = (await response.json()) as { items: { freshness: Freshness[] }[] };
  return items.flatMap(({ freshness }) =>
    freshness.map(({ position, complete_from }) => ({ position, complete_from })),
  );
}
