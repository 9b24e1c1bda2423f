/**
 * Real processes for fault tests: `skewless start` in its roles, on a Kafka and a Redis that the test may harm, and what
 * decides in the end: values over REST equal those of a clean replay of the topic, bit for bit, and every record of it is
 * accounted for (accounting.ts).
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Message } from 'kafkajs';
import { expect } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { systemClock } from '../../src/core/clock.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import type { Checkpoint, Store } from '../../src/store/store.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { type Child, startChild } from '../services/child.ts';
import {
  expectAllAccounted,
  expectedRejections,
  foldedCounts,
  recordsOf,
  sumOfView,
  writtenRejections,
} from './accounting.ts';
import { askServer, eventually } from './ask.ts';
import { VIEWS, createPayments, definitionsOf } from './payments.ts';
import { replayCleanly } from './replay.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PARTITIONS = 4;
const NAMESPACE = 'faults';

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
  readonly log: Log;
  /** Appends so many records; resolves when Kafka has them. */
  produce(count: number): Promise<void>;
  /** The same of given ones. */
  send(messages: readonly Message[]): Promise<void>;
  start(role: 'materialize' | 'serve' | 'all', extraDefinitions?: string): Promise<Process>;
  /** Checkpoints of the namespace, by `<entity key>/<partition>/<fingerprint>`; `url`: asked there, past a proxy. */
  checkpoints(url?: string): Promise<ReadonlyMap<string, Checkpoint>>;
  /** Of all shards together. */
  epochs(): Promise<number>;
  /** Records that all shards together have passed. */
  positions(url?: string): Promise<number>;
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

  const loaded = loadDefinitions([{ path: 'payments.yaml', text: definitionsOf(topic) }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { definitions } = loaded;

  async function withStore<T>(url: string, work: (store: Store) => Promise<T>): Promise<T> {
    const store = await openRedisStore({ location: parseRedisUrl(url), namespace: `${NAMESPACE}-${topic}` });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  async function checkpoints(url = redisUrl): Promise<ReadonlyMap<string, Checkpoint>> {
    const listed = await withStore(url, (store) => store.list());
    return new Map(
      listed.map(({ shard, fingerprint, checkpoint }) => [
        `${shard.entityKey}/${shard.partition}/${fingerprint}`,
        checkpoint,
      ]),
    );
  }

  async function send(messages: readonly Message[]): Promise<void> {
    for (let from = 0; from < messages.length; from += 50) {
      await producer.send({ topic, messages: messages.slice(from, from + 50) });
    }
  }

  const world: World = {
    topic,
    nowMs,
    log,
    produce: (count) => send(pay(count)),
    send,
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
    epochs: async () => [...(await checkpoints()).values()].reduce((sum, { epoch }) => sum + epoch, 0),
    positions: async (url) =>
      [...(await checkpoints(url)).values()].flatMap(({ position }) => Object.values(position)).reduce(add, 0),
    async caughtUp() {
      await eventually('all shards have folded everything', async () => {
        const ends = new Map((await log.ranges(topic))?.map(({ partition, endOffset }) => [partition, endOffset]));
        const found = [...(await checkpoints())];
        const views = new Set(found.map(([name]) => name.split('/')[2]));
        if (found.length < PARTITIONS * Math.max(VIEWS.length, views.size)) return null;
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
      const records = await recordsOf(log, topic);
      const replay = await replayCleanly(definitions, topic, records, nowMs);
      expectSame(await world.ask(server.url), replay.answers);
      expectAllAccounted(records, replay.counters);
      expect(await writtenRejections(log, topic)).toEqual(expectedRejections(records));
      const live = await withStore(redisUrl, (store) => foldedCounts(store, definitions, PARTITIONS));
      expect(live).toEqual(replay.folded);
      for (const view of VIEWS) expect(sumOfView(live, view), view).toBe(replay.counters.get(view)?.folded);
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

/** Shows what differs, a few of them: there are hundreds of answers. */
function expectSame(asked: readonly string[], replayed: readonly string[]): void {
  const different = asked.flatMap((answer, index) => (answer === replayed[index] ? [] : [[answer, replayed[index]]]));
  expect(different.slice(0, 2), `${different.length} of ${asked.length} answers differ`).toEqual([]);
  expect(asked.length).toBe(replayed.length);
}

const add = (one: number, other: number): number => one + other;
