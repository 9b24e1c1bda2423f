/**
 * Real processes for fault tests: `skewless start` in its roles, on a Kafka and a Redis that the test may harm, and what
 * decides in the end: values over REST equal those of a clean replay of the topic, bit for bit, and every record that no
 * view could take is in the dead-letter topic exactly once.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { expect } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { systemClock } from '../../src/core/clock.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import type { DeadLetter } from '../../src/materialize/dead-letters.ts';
import { createMaterializer } from '../../src/materialize/materializer.ts';
import { buildApp } from '../../src/serve/app.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Checkpoint } from '../../src/store/store.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { type Child, startChild } from '../services/child.ts';
import { POISON, ROWS, SERVICE, createPayments, definitionsOf } from './payments.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PARTITIONS = 4;
const VIEWS = 3;
const NAMESPACE = 'faults';
const LIMIT_MS = 90_000;

export interface WorldOptions {
  readonly brokers: readonly string[];
  /** As the store's URL; may be a proxy before it. */
  readonly redisUrl: string;
  /** As the log's brokers for the processes; may be a proxy. */
  readonly brokersOfProcesses?: readonly string[];
  readonly seed?: number;
}

export interface Process extends Child {
  readonly url: string;
}

export interface World {
  readonly topic: string;
  readonly nowMs: number;
  /** Appends so many records; resolves when Kafka has them. */
  produce(count: number): Promise<void>;
  start(role: 'materialize' | 'serve' | 'all', extraDefinitions?: string): Promise<Process>;
  /** Checkpoints of the namespace, by `<entity key>/<partition>/<fingerprint>`. */
  checkpoints(): Promise<ReadonlyMap<string, Checkpoint>>;
  /** Resolves when each shard has folded all that was produced. */
  caughtUp(): Promise<void>;
  /** Asks a serving process for every card, at several times; the texts of the answers. */
  ask(url: string): Promise<readonly string[]>;
  /** Fails unless what `server` answers equals a clean replay, and all records are accounted for. */
  check(server: Process): Promise<void>;
  /** As `check`, without waiting for all shards to be at the end: some may have no owner. */
  checkValues(server: Process): Promise<void>;
  close(): Promise<void>;
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const { brokers, redisUrl, brokersOfProcesses = brokers, seed = 1 } = options;
  const topic = `payments-${randomUUID().slice(0, 8)}`;
  const nowMs = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'skewless-faults-'));
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  const topicConfig = {
    topic,
    numPartitions: PARTITIONS,
    configEntries: [{ name: 'max.message.bytes', value: '4194304' }],
  };
  await admin.connect();
  await admin.createTopics({ topics: [topicConfig], waitForLeaders: true });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const log = await openKafkaLog({ brokers, clientId: 'test', clock: systemClock });
  const pay = createPayments(seed, nowMs);
  const children: Child[] = [];
  let duplicates = 0;

  async function checkpoints(): Promise<ReadonlyMap<string, Checkpoint>> {
    const store = await openRedisStore({ location: parseRedisUrl(redisUrl), namespace: `${NAMESPACE}-${topic}` });
    try {
      const listed = await store.list();
      return new Map(
        listed.map(({ shard, fingerprint, checkpoint }) => [
          `${shard.entityKey}/${shard.partition}/${fingerprint}`,
          checkpoint,
        ]),
      );
    } finally {
      await store.close();
    }
  }

  const world: World = {
    topic,
    nowMs,
    async produce(count) {
      const made = pay(count);
      duplicates += made.duplicates;
      for (let from = 0; from < made.messages.length; from += 50) {
        await producer.send({ topic, messages: made.messages.slice(from, from + 50) });
      }
    },
    async start(role, extra = '') {
      const definitions = mkdtempSync(join(folder, 'definitions-'));
      mkdirSync(definitions, { recursive: true });
      writeFileSync(join(definitions, 'payments.yaml'), definitionsOf(topic, extra));
      const args = [MAIN, 'start', '--port', '0', '--role', role, '--definitions', definitions];
      args.push('--log', `kafka://${brokersOfProcesses.join(',')}`, '--store', redisUrl);
      args.push('--namespace', `${NAMESPACE}-${topic}`);
      const child = startChild(process.execPath, args, { PATH: process.env['PATH'] });
      children.push(child);
      const url = await eventually(`${role} listens`, () => {
        if (!child.running()) throw new Error(child.output());
        return Promise.resolve(/listens on (\S+)/.exec(child.output())?.[1] ?? null);
      });
      return { ...child, url };
    },
    checkpoints,
    async caughtUp() {
      await eventually('all shards have folded everything', async () => {
        const ends = new Map((await log.ranges(topic))?.map(({ partition, endOffset }) => [partition, endOffset]));
        const found = [...(await checkpoints())];
        const views = new Set(found.map(([name]) => name.split('/')[2]));
        if (found.length < PARTITIONS * Math.max(VIEWS, views.size)) return null;
        const behind = found.filter(([, { position }]) =>
          Object.entries(position).some(([partition, next]) => next < (ends.get(Number(partition)) ?? 0)),
        );
        return behind.length === 0 ? true : null;
      });
    },
    ask: (url) => askServer(url, nowMs),
    async check(server) {
      await world.caughtUp();
      await world.checkValues(server);
    },
    async checkValues(server) {
      await eventually('the server is ready', async () => ((await fetch(`${server.url}/readyz`)).ok ? true : null));
      const { answers, poisoned } = await replayCleanly(log, topic, nowMs);
      expect(await world.ask(server.url)).toEqual(answers);
      const letters = await deadLetters(log, topic);
      expect(letters.toSorted()).toEqual(poisoned.toSorted());
      expect(poisoned.length).toBeGreaterThan(0);
      expect(duplicates).toBeGreaterThan(0);
    },
    async close() {
      for (const child of children) await child.kill();
      await producer.disconnect();
      await admin.disconnect();
      await log.close();
    },
  };
  return world;
}

/** Asks again until the answer is not null. */
export async function eventually<T>(what: string, probe: () => Promise<T | null>, limitMs = LIMIT_MS): Promise<T> {
  const deadlineMs = Date.now() + limitMs;
  let fault: unknown = null;
  for (;;) {
    const found = await probe().catch((error: unknown) => {
      fault = error;
      return null;
    });
    if (found !== null) return found;
    if (Date.now() > deadlineMs) throw new Error(`${what}: not within ${limitMs} ms`, { cause: fault });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Asks for every card, at several times about `nowMs`. */
export function askServer(url: string, nowMs: number): Promise<readonly string[]> {
  return askFor((body) => postJson(`${url}/v1/feature-services/${SERVICE}/vectors`, body), nowMs);
}

async function postJson(url: string, body: object): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return text;
}

/** Values and statuses alone: receipts and the like name positions of their own. */
async function askFor(post: (body: object) => Promise<string>, nowMs: number): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const asOf of [nowMs - 7_200_000, nowMs - 1_234_567, nowMs, nowMs + 60_000]) {
    const text = await post({ entities: ROWS, as_of: asOf, include: ['status'] });
    const { vectors } = JSON.parse(text) as { vectors: readonly { values: unknown; status: readonly string[] }[] };
    for (const [index, { values, status }] of vectors.entries()) {
      // Whether the owner confirmed the log's end lately is no part of a value.
      const settled = status.map((each) => (each === 'STALE' ? 'PRESENT' : each));
      answers.push(JSON.stringify([ROWS[index], asOf - nowMs, values, settled]));
    }
  }
  return answers;
}

/** The same records through the same definitions, once and in order, into another store. */
async function replayCleanly(
  log: Log,
  topic: string,
  nowMs: number,
): Promise<{ readonly answers: readonly string[]; readonly poisoned: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-replay-'));
  const loaded = loadDefinitions([{ path: 'payments.yaml', text: definitionsOf(topic) }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { definitions } = loaded;
  const copy = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  const store = await openSqliteStore({ file: join(folder, 'store.sqlite'), namespace: 'replay' });
  const ranges = (await log.ranges(topic)) ?? [];
  const poisoned: string[] = [];
  await copy.ensureTopic(topic, ranges.length);
  for (const { partition, endOffset } of ranges) {
    for (let from = 0; from < endOffset; ) {
      const records = await log.read(topic, partition, from, 1_000);
      await copy.append(topic, records);
      for (const { headers, offset } of records) {
        if (headers?.[POISON] !== undefined) poisoned.push(`${partition}/${offset}`);
      }
      from = (records.at(-1)?.offset ?? endOffset) + 1;
    }
  }
  const materializer = createMaterializer({
    definitions,
    aggregations: AGGREGATIONS,
    log: copy,
    store,
    clock: systemClock,
    namespace: 'replay',
    owner: 'replay',
    deadLetters: 'off',
  });
  await materializer.start();
  await eventually('the replay is through', () => {
    const lanes = materializer.status().sources.flatMap(({ views }) => views.flatMap(({ partitions }) => partitions));
    const ends = ranges.map(({ endOffset }) => endOffset);
    const whole = ends.reduce((sum, end) => sum + end, 0);
    const done =
      lanes.length === VIEWS * ranges.length &&
      lanes.every(
        ({ state, position, partition }) => state === 'live' && (position === ends[partition] || position === whole),
      );
    return Promise.resolve(done ? true : null);
  });
  const app = await buildApp({
    definitions,
    store,
    log: copy,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    materializerStatus: null,
    version: '0',
  });
  const url = `/v1/feature-services/${SERVICE}/vectors`;
  const answers = await askFor(async (payload) => (await app.inject({ method: 'POST', url, payload })).body, nowMs);
  await app.close();
  await materializer.stop();
  await store.close();
  await copy.close();
  return { answers, poisoned };
}

/**
 * `<partition>/<offset>` of each record that has a letter, and once more for each view that has several of them: views
 * of two deployments have letters of their own.
 */
async function deadLetters(log: Log, topic: string): Promise<readonly string[]> {
  const names: string[] = [];
  const found = new Set<string>();
  const [range] = (await log.ranges(`${topic}.dlq`)) ?? [];
  for (let from = range?.startOffset ?? 0; from < (range?.endOffset ?? 0); ) {
    const records = await log.read(`${topic}.dlq`, 0, from, 500);
    for (const { value } of records) {
      const letter = JSON.parse(Buffer.from(value ?? []).toString()) as DeadLetter;
      const name = `${letter.partition}/${letter.offset}`;
      const views = letter.rejections.flatMap(({ fingerprints }) => fingerprints.map((each) => `${name}/${each}`));
      if (!found.has(name) || views.some((view) => found.has(view))) names.push(name);
      for (const each of [name, ...views]) found.add(each);
    }
    from = (records.at(-1)?.offset ?? Number.MAX_SAFE_INTEGER) + 1;
  }
  return names;
}
