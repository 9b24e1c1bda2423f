/**
 * Peak memory of a process that reads a topic, and one that is four times as long with as many events a day: states come to hold
 * what they ever hold in the first, so what grows beyond is what depends on the topic's length.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ReaderFigures, readStates } from './reader.ts';
import { type Work, type World, work } from './throughput.ts';

export const LONGER = 4;
const ALONE_MS = 5_000;

export interface MemoryFigures {
  readonly rss_peak_mib: number;
  readonly longer_rss_peak_mib: number;
  /** A reader beside the ingest of the longer topic, at full speed, and afterwards. */
  readonly reader: ReaderFigures;
  readonly reader_alone: ReaderFigures;
}

type Load = Pick<Work, 'topic' | 'events' | 'definitions'>;

export async function benchMemory(
  world: World,
  { shorter, longer }: { readonly shorter: Load; readonly longer: Load },
): Promise<MemoryFigures> {
  await world.redis.command('flushall');
  const first = await work(world, { mode: 'materialize', namespace: 'shorter', ...shorter });
  await world.redis.command('flushall');
  const running = work(world, { mode: 'materialize', namespace: 'longer', ...longer });
  const reader = await readStates(world.redis.url, running);
  const second = await running;
  return {
    rss_peak_mib: first.rss_peak_mib,
    longer_rss_peak_mib: second.rss_peak_mib,
    reader,
    reader_alone: await readStates(world.redis.url, delay(ALONE_MS)),
  };
}
