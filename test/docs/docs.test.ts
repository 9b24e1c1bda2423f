/** What the documents say was run: each of their shell blocks, and what they print where that is shown. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { startOwnKafka } from '../services/kafka.ts';
import { type RedisCluster, startRedisCluster } from '../services/redis-cluster.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { blocksOf, isPrinted } from './blocks.ts';
import { type DocOptions, runDoc } from './run-doc.ts';

const ROOT = join(import.meta.dirname, '../..');
const TIMEOUT_MS = 300_000;

const OPTIONS: Readonly<Record<string, DocOptions>> = {
  'docs/contracts.md': {
    files: 'contracts',
    before: 'skewless ingest --source orders --definitions deployed/ orders.jsonl',
    findings: ['skewless plan features/ --deployed deployed/'],
  },
  'docs/audit.md': { files: 'training-sets' },
  'docs/comparison.md': { except: { 'npx vitest run': 'tests of their own: they run beside this one' } },
  'docs/load-tests.md': { except: { 'npm run load': 'minutes of load: CI runs the first of them by itself' } },
  'docs/training-sets.md': {
    files: 'training-sets',
    before: 'npm start',
    places: Object.fromEntries(
      ['departures', 'arrivals', 'weather'].map((name) => [
        `=${name}.jsonl.gz`,
        `=examples/flights/data/${name}.jsonl.gz`,
      ]),
    ),
  },
};

/** Those that need a Kafka and a Redis, with the topics of their sources. */
const ON_SERVICES: Readonly<Record<string, DocOptions & { readonly topics: readonly string[] }>> = {
  'docs/guides/kafka-and-redis.md': { topics: [] },
  'docs/operations.md': {
    files: 'operations',
    topics: ['orders'],
    findings: ['skewless erase --definitions features/ --log kafka://broker:9092 --entity card --key card=4711'],
  },
};

const DOCS = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]
  .filter((file) => blocksOf(readFileSync(join(ROOT, file), 'utf8')).length > 0)
  .filter((file) => ON_SERVICES[file] === undefined)
  .toSorted();

async function check(file: string, options: DocOptions): Promise<void> {
  for (const { block, output } of await runDoc(file, options)) {
    if (block.output === null || isPrinted(block.output, output)) continue;
    expect(output, `${file}:${block.line}`).toBe(block.output);
  }
}

test.each(DOCS)('%s: its commands run, and print what it says', { timeout: TIMEOUT_MS }, async (file) => {
  await check(file, OPTIONS[file] ?? {});
});

describeWith(['own-kafka', 'own-redis', 'kcat', 'jq'], 'documents about Kafka and Redis', () => {
  let kafka: Awaited<ReturnType<typeof startOwnKafka>>;
  let redis: RedisService;
  let cluster: RedisCluster;
  beforeAll(async () => {
    [kafka, redis, cluster] = await Promise.all([startOwnKafka(), startRedis(), startRedisCluster()]);
    const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
    const topics = Object.values(ON_SERVICES).flatMap((each) => each.topics);
    await admin.connect();
    await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 2 })), waitForLeaders: true });
    await admin.disconnect();
  });
  afterAll(async () => {
    await cluster.stop();
    await redis.stop();
    await kafka.stop();
  });

  test.each(Object.entries(ON_SERVICES))(
    '%s: its commands run, and print what it says',
    { timeout: TIMEOUT_MS },
    async (file, options) => {
      const places = {
        'broker:9092': kafka.brokers.join(','),
        'redis://redis:6379': redis.url,
        'redis-cluster://redis:7000': cluster.url,
      };
      await check(file, { ...options, places, environment: { KAFKA_CLASSPATH: kafka.process.classpath } });
    },
  );
});

test('output is compared without its spaces, and … stands for anything', () => {
  expect(isPrinted('{ "a": [1, 2] }', '{"a":[1,2]}\n')).toBe(true);
  expect(isPrinted('{ "a": [1, 2] }', '{"a":[1,3]}')).toBe(false);
  expect(isPrinted('{ "a": "…", "b": 1 }', '{"a":"x.y","b":1}')).toBe(true);
  expect(isPrinted('{ "a": "…", "b": 1 }', '{"a":"x.y","b":2}')).toBe(false);
});
