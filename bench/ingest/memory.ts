/**
 * Peak memory of a process that reads a topic, and one four times as long, with as many events a day: states come to hold what
 * they ever hold in the first, so what grows beyond is what depends on the topic's length.
 */
import type { ReaderFigures } from './reader.ts';
import { readStates } from './reader.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { type World, work } from './throughput.ts';

export const LONGER = 4;
const ALONE_MS = 5_000;

export interface MemoryFigures {
  readonly rss_peak_mib: number;
  readonly longer_rss_peak_mib: number;
  /** A reader beside the ingest of the longer topic, at full speed, and afterwards. */
  readonly reader: ReaderFigures;
  readonly reader_alone: ReaderFigures;
}

export interface MemoryPlan {
  readonly topic: string;
  readonly longerTopic: string;
  readonly events: number;
  readonly definitions: string;
  readonly longerDefinitions: string;
}

export async function benchMemory(world: World, plan: MemoryPlan): Promise<MemoryFigures> {
  const { topic, longerTopic, events, definitions, longerDefinitions } = plan;
  await world.redis.command('flushall');
  const short = await work(world, { mode: 'materialize', namespace: 'short', topic, events, definitions });
  await world.redis.command('flushall');
  const running = work(world, {
    mode: 'materialize',
    namespace: 'longer',
    topic: longerTopic,
    events: events * LONGER,
    definitions: longerDefinitions,
  });
  const reader = await readStates(world.redis.url, running);
  const longer = await running;
  return {
    rss_peak_mib: short.rss_peak_mib,
    longer_rss_peak_mib: longer.rss_peak_mib,
    reader,
    reader_alone: await readStates(world.redis.url, delay(ALONE_MS)),
  };
}
