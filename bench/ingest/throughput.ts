/** Contestants in turn, so that what else the machine does hits them alike; of each figure, the median of the rounds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { OwnRedis } from '../../test/services/redis.ts';
import type { Figures } from './meter.ts';
import { type StateFigures, eventsPerCommit, stateBytes } from './states.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');

export interface World {
  readonly brokers: readonly string[];
  readonly redis: OwnRedis;
}

export interface Work {
  readonly mode: 'raw' | 'materialize';
  readonly namespace: string;
  readonly topic: string;
  readonly events: number;
  /** Not read by `raw`. */
  readonly definitions: string;
}

export interface Rates {
  readonly events_per_second: number;
  readonly events_per_cpu_second: number;
}

export interface ThroughputFigures {
  readonly raw: Rates;
  readonly keyed: Rates;
  readonly repartitioned: Rates;
  readonly two_processes_events_per_second: number;
  readonly states: StateFigures;
  readonly events_per_commit: number;
}

export interface ThroughputPlan {
  readonly topic: string;
  readonly events: number;
  readonly rounds: number;
  readonly keyed: string;
  readonly repartitioned: string;
}

/** A process of its own, from start to end. */
export async function work(world: World, { mode, namespace, topic, events, definitions }: Work): Promise<Figures> {
  const args = ['--mode', mode, '--brokers', world.brokers.join(','), '--redis', world.redis.url, '--topic', topic];
  args.push('--namespace', namespace, '--definitions', definitions, '--events', String(events));
  const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', WORKER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`the ${mode} worker of ${namespace} ended with ${code}: ${output}`);
  return JSON.parse(output) as Figures;
}

export async function benchThroughput(world: World, plan: ThroughputPlan): Promise<ThroughputFigures> {
  const { topic, events, rounds } = plan;
  const raw: Figures[] = [];
  const keyed: Figures[] = [];
  const repartitioned: Figures[] = [];
  const two: number[] = [];
  const perCommit: number[] = [];
  let states: StateFigures | null = null;
  const materialize = async (namespace: string, definitions: string): Promise<Figures> =>
    work(world, { mode: 'materialize', namespace, topic, events, definitions });
  for (let round = 0; round < rounds; round++) {
    raw.push(await work(world, { mode: 'raw', namespace: `raw-${round}`, topic, events, definitions: '' }));
    await empty(world);
    keyed.push(await materialize(`keyed-${round}`, plan.keyed));
    perCommit.push(await eventsPerCommit(world, events));
    states ??= await stateBytes(world);
    await empty(world);
    const both = await Promise.all([0, 1].map(() => materialize(`two-${round}`, plan.keyed)));
    two.push(events / Math.max(...both.map(({ seconds }) => seconds)));
    await empty(world);
    repartitioned.push(await materialize(`repartitioned-${round}`, plan.repartitioned));
  }
  if (states === null) throw new Error('there is no round');
  return {
    raw: ratesOf(raw),
    keyed: ratesOf(keyed),
    repartitioned: ratesOf(repartitioned),
    two_processes_events_per_second: median(two),
    states,
    events_per_commit: median(perCommit),
  };
}

async function empty({ redis }: World): Promise<void> {
  await redis.command('flushall');
  await redis.command('config', 'resetstat');
}

/** Of the whole topic: a shard's records may be counted by whoever folds them. */
function ratesOf(rounds: readonly Figures[]): Rates {
  return {
    events_per_second: median(rounds.map(({ events, seconds }) => events / seconds)),
    events_per_cpu_second: median(rounds.map(({ events, cpu_seconds }) => events / cpu_seconds)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
