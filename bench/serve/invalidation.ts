/**
 * What it costs a `serve` process to be told of writes: four of them, which have read every card, while the materializer folds a
 * stream whose events are each of another card. CPU time of a process beside that stream, minus what it takes without. Each
 * is asked for a hundred rows twice a second meanwhile, so that none is idle and all follow every shard.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../ingest/percentile.ts';
import { connectProducer, messageOf } from '../ingest/topic.ts';
import { ENTITIES, createPayments } from '../ingest/workload.ts';
import type { Program } from '../program.ts';
import { sendSteadily } from '../steady.ts';
import { post, vectorsUrl } from './answers.ts';
import { moveToBothCores, moveToRestCore } from './cores.ts';
import { cpuSeconds } from './cpu.ts';
import { TOPIC } from './workload.ts';
import type { World } from './world.ts';

export const SERVERS = 4;
export const KEYS_PER_SECOND = 20_000;
/** An event changes a state of each. */
const VIEWS = 2;
const ROWS = 100;
const ASK_MS = 500;

export interface InvalidationFigures {
  readonly servers: number;
  /** Changed states that were committed. */
  readonly keys_per_second: number;
  /** Of one core, by server. */
  readonly cpu_share_without: readonly number[];
  readonly cpu_share_beside: readonly number[];
  /** The median difference, as if 20,000 keys/s had been reached. */
  readonly cpu_share: number;
}

export async function benchInvalidation(world: World, seconds: number): Promise<InvalidationFigures> {
  const servers: Program[] = [];
  for (let index = 0; index < SERVERS; index++) servers.push(await world.serve());
  try {
    for (const server of servers) await readAll(world, server);
    const without = await cpuShares(world, servers, seconds);
    // Kafka, Redis, the producer and the materializer at this rate are more than a core.
    moveToBothCores(world.materializer.pid);
    const over = new AbortController();
    const writing = writeEachCard(world, over.signal);
    await delay(1_000);
    const [foldedBefore, startedMs] = [await foldedStates(world), performance.now()];
    const beside = await cpuShares(world, servers, seconds);
    const folded = (await foldedStates(world)) - foldedBefore;
    const keysPerSecond = folded / ((performance.now() - startedMs) / 1e3);
    over.abort();
    await writing;
    moveToRestCore(world.materializer.pid);
    const differences = beside.map((share, index) => share - (without[index] ?? 0));
    return {
      servers: SERVERS,
      keys_per_second: keysPerSecond,
      cpu_share_without: without,
      cpu_share_beside: beside,
      cpu_share: (percentile(differences, 0.5) * KEYS_PER_SECOND) / keysPerSecond,
    };
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function readAll({ states }: World, { url }: Program): Promise<void> {
  const cards = [...states.keys()];
  for (let from = 0; from < cards.length; from += ROWS) {
    await post(vectorsUrl(url, 'spend'), { entities: cards.slice(from, from + ROWS).map((card) => ({ card })) });
  }
}

async function cpuShares({ states }: World, servers: readonly Program[], seconds: number): Promise<readonly number[]> {
  const entities = [...states.keys()].slice(0, ROWS).map((card) => ({ card }));
  const startedMs = performance.now();
  const before = servers.map(({ pid }) => cpuSeconds(pid));
  while (performance.now() < startedMs + seconds * 1_000) {
    for (const { url } of servers) await post(vectorsUrl(url, 'spend'), { entities });
    await delay(ASK_MS);
  }
  const passedSeconds = (performance.now() - startedMs) / 1e3;
  return servers.map(({ pid }, index) => (cpuSeconds(pid) - (before[index] ?? 0)) / passedSeconds);
}

/** Of all views, by this materializer since its start: each is a key of a commit, for no commit has two events of one card. */
async function foldedStates({ materializer }: World): Promise<number> {
  const text = await (await fetch(`${materializer.url}/metrics`)).text();
  const counters = text.matchAll(/^skewless_records_total\{[^}]*outcome="folded"[^}]*\} (\S+)/gm);
  return [...counters].reduce((sum, [, value]) => sum + Number(value), 0);
}

async function writeEachCard({ brokers }: World, over: AbortSignal): Promise<number> {
  const { producer, close } = await connectProducer(brokers);
  const next = createPayments();
  const reached = await sendSteadily(KEYS_PER_SECOND / VIEWS, over, ({ count, sent }) => {
    const messages = Array.from({ length: count }, (_none, index) =>
      messageOf({ ...next(Date.now(), 0), card: `card-${(sent + index) % ENTITIES}` }),
    );
    return producer.send({ topic: TOPIC, acks: -1, messages });
  });
  await close();
  return reached;
}
