/**
 * What a load test drives: a Kafka and a Redis of its own, the flights and as many cards as the scenario asks for, and the
 * program as it is run for real: one process that folds, one that serves.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { type Child, startChild, until } from '../../test/services/child.ts';
import { startOwnKafka, whyNoOwnKafka } from '../../test/services/kafka.ts';
import { type OwnRedis, startOwnRedis, whyNoOwnRedis } from '../../test/services/redis.ts';
import { paymentsOf } from '../payments.ts';
import { CannotRun } from './cannot-run.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/main.ts');
const EXAMPLE = join(ROOT, 'examples/flights');
const FLIGHT_SOURCES = ['departures', 'arrivals', 'weather'] as const;
const PARTITIONS = 2;
const READY_LIMIT_MS = 300_000;

export interface World {
  /** Of the process that serves. */
  readonly url: string;
  /** Bytes that it has in memory. */
  memoryBytes(): number;
  readonly redis: OwnRedis;
  readonly cards: number;
  stop(): Promise<void>;
}

/** Resolves when all is loaded and served. Throws `CannotRun`. */
export async function startWorld(cards: number, say: (line: string) => void): Promise<World> {
  const missing = [whyNoOwnKafka(), whyNoOwnRedis()].filter((reason) => reason !== null);
  if (missing.length > 0) throw new CannotRun(missing.join('; '));
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    say('starting Kafka and Redis');
    const [kafka, redis] = await Promise.all([startOwnKafka(), startOwnRedis()]);
    stops.push(kafka.stop, redis.stop);
    const folder = mkdtempSync(join(tmpdir(), 'skewless-load-'));
    stops.push(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
    const places: Places = { folder, definitions: writeDefinitions(folder), brokers: kafka.brokers, redis };
    say(`loading the flights and ${cards} cards`);
    await createTopics(kafka.brokers);
    loadEvents(places, cards);
    say('folding them');
    const folding = startRole(places, 'materialize');
    const serving = startRole(places, 'serve');
    for (const { child } of [folding, serving]) stops.push(() => child.stop());
    const url = await serving.url();
    await until('the server is ready', () => requireReady(url, [folding.child, serving.child]), READY_LIMIT_MS);
    return { url, memoryBytes: () => residentBytes(serving.child.pid), redis, cards, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Places {
  readonly folder: string;
  readonly definitions: string;
  readonly brokers: readonly string[];
  readonly redis: OwnRedis;
}

/** The example's and ours, in one folder. */
function writeDefinitions(folder: string): string {
  const definitions = join(folder, 'definitions');
  mkdirSync(definitions);
  cpSync(join(EXAMPLE, 'definitions'), join(definitions, 'flights'), { recursive: true });
  cpSync(join(import.meta.dirname, '../definitions'), join(definitions, 'payments'), { recursive: true });
  return definitions;
}

async function createTopics(brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = [...FLIGHT_SOURCES, 'payments'].map((topic) => ({ topic, numPartitions: PARTITIONS }));
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.disconnect();
}

function loadEvents(places: Places, cards: number): void {
  const file = join(places.folder, 'payments.jsonl');
  const nowMs = Date.now();
  const payments = Array.from({ length: cards }, (_none, number) => paymentsOf(number, nowMs)).flat();
  writeFileSync(file, payments.map((payment) => `${JSON.stringify(payment)}\n`).join(''));
  for (const source of FLIGHT_SOURCES) ingest(places, source, join(EXAMPLE, `data/${source}.jsonl.gz`));
  ingest(places, 'payments', file);
}

function ingest({ definitions, brokers }: Places, source: string, file: string): void {
  const args = [MAIN, 'ingest', '--definitions', definitions, '--source', source];
  args.push('--log', `kafka://${brokers.join(',')}`, file);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env: environment(), encoding: 'utf8' });
  if (status !== 0) throw new Error(`${source} was not loaded: ${stdout}${stderr}`);
}

function startRole({ definitions, brokers, redis }: Places, role: string) {
  const args = [MAIN, 'start', '--role', role, '--port', '0', '--definitions', definitions, '--log-level', 'warn'];
  args.push('--log', `kafka://${brokers.join(',')}`, '--store', redis.url);
  const child = startChild(process.execPath, args, environment());
  return {
    child,
    async url(): Promise<string> {
      let url: string | undefined;
      await until(`${role} listens`, () => {
        url = /listens on (\S+)/.exec(child.output())?.[1];
        if (url === undefined) throw new Error(child.output());
        return Promise.resolve();
      });
      return url as string;
    },
  };
}

/** As `ps` says on any system; it counts in KiB. */
function residentBytes(pid: number): number {
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  const bytes = Number(stdout) * 1_024;
  if (!(bytes > 0)) throw new Error(`ps does not say what memory process ${pid} takes`);
  return bytes;
}

/** Settings of whoever runs the load test are not those of what it starts. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SKEWLESS_')));
}

async function requireReady(url: string, children: readonly Child[]): Promise<void> {
  const ended = children.find((child) => !child.running());
  if (ended !== undefined) throw new Error(`a process of the program has ended: ${ended.output()}`);
  const response = await fetch(`${url}/readyz`);
  if (!response.ok) throw new Error(await response.text());
}
