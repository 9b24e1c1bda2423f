/** What all parts of `bench:serve` share: Kafka and Redis of its own, the topic folded into states, and the program that keeps them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startKafka } from '../../test/services/kafka.ts';
import { type OwnRedis, startOwnRedis } from '../../test/services/redis.ts';
import { type Program, startProgram } from '../program.ts';
import { fillTopic } from '../ingest/topic.ts';
import { ON_SERVER_CORE, moveToRestCore } from './cores.ts';
import { type CardState, loadViewPlan, readStates } from './states.ts';
import { DEFINITIONS, NAMESPACE, TOPIC } from './workload.ts';

const READY_MS = 120_000;

export interface World {
  readonly brokers: readonly string[];
  readonly redis: OwnRedis;
  readonly materializer: Program;
  /** States of all cards, as they are until a part of the benchmark writes. */
  readonly states: ReadonlyMap<string, CardState>;
  readonly say: (text: string) => void;
  /** States of all cards as they are now. */
  readStates(): Promise<ReadonlyMap<string, CardState>>;
  /** A `serve` process on the server's core, ready. It ends with the world. */
  serve(flags?: readonly string[]): Promise<Program>;
  /** A file for the generator: one body a line. */
  writeBodies(bodies: readonly unknown[]): string;
  /** An empty folder that ends with the world. */
  makeFolder(name: string): string;
  /** Closes with the world, newest first. */
  onClose(close: () => Promise<unknown>): void;
  close(): Promise<void>;
}

export async function createWorld(events: number, say: (text: string) => void): Promise<World> {
  const closers: (() => Promise<unknown>)[] = [];
  const onClose = (close: () => Promise<unknown>): void => void closers.push(close);
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).toReversed()) await each();
  };
  try {
    return { ...(await build(events, say, onClose)), say, onClose, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  events: number,
  say: World['say'],
  onClose: World['onClose'],
): Promise<Omit<World, 'say' | 'onClose' | 'close'>> {
  moveToRestCore(process.pid);
  const folder = mkdtempSync(join(tmpdir(), 'skewless-bench-'));
  onClose(async () => rmSync(folder, { recursive: true, force: true }));
  const makeFolder = (name: string): string => {
    const made = join(folder, name);
    mkdirSync(made);
    return made;
  };
  const definitions = makeFolder('definitions');
  writeFileSync(join(definitions, 'bench.yaml'), DEFINITIONS);
  const kafka = await startKafka();
  onClose(() => kafka.stop());
  const redis = await startOwnRedis();
  onClose(() => redis.stop());
  const { brokers } = kafka;
  const options = { brokers, redisUrl: redis.url, definitions, namespace: NAMESPACE, under: ON_SERVER_CORE };
  say(`filling the topic with ${events} events …`);
  await fillTopic(brokers, TOPIC, events, 1);
  say('folding it …');
  const materializer = await startProgram({ ...options, role: 'materialize' });
  onClose(() => materializer.stop());
  const serve = async (flags: readonly string[] = []): Promise<Program> => {
    const program = await startProgram({ ...options, role: 'serve', flags });
    onClose(() => program.stop());
    await untilReady(program);
    return program;
  };
  // Ready once all is folded; then it leaves the server's core.
  await (await serve()).stop();
  moveToRestCore(materializer.pid);
  const plan = loadViewPlan(definitions, 'spend');
  const readNow = (): Promise<ReadonlyMap<string, CardState>> => readStates(redis.url, plan);
  const states = await readNow();
  let files = 0;
  const writeBodies = (bodies: readonly unknown[]): string => {
    const file = join(folder, `bodies-${files++}.jsonl`);
    writeFileSync(file, bodies.map((body) => `${JSON.stringify(body)}\n`).join(''));
    return file;
  };
  return { brokers, redis, materializer, states, readStates: readNow, serve, writeBodies, makeFolder };
}

async function untilReady({ url }: Program): Promise<void> {
  for (const deadlineMs = performance.now() + READY_MS; performance.now() < deadlineMs; await delay(100)) {
    if ((await fetch(`${url}/readyz`)).ok) return;
  }
  throw new Error(`${url} is not ready within ${READY_MS} ms`);
}
