/** A reader beside ingest: plain GETs of states, one at a time, as fast as a serving process that is not busy asks. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { percentile } from './percentile.ts';
import { stateKeys } from './states.ts';

const KEYS_MAX = 1_000;
const PAUSE_MS = 1;

export interface ReaderFigures {
  readonly gets: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** Reads until `until` resolves; keys are looked for anew while there are none. Times are from the call to its answer. */
export async function readStates(redisUrl: string, until: Promise<unknown>): Promise<ReaderFigures> {
  const client = new Redis(redisUrl);
  const over = new AbortController();
  const stop = (): void => over.abort();
  void until.then(stop, stop);
  let keys: string[] = [];
  const times: number[] = [];
  while (!over.signal.aborted) {
    if (keys.length < KEYS_MAX && times.length % KEYS_MAX === 0) keys = await someKeys(client);
    const key = keys[times.length % Math.max(1, keys.length)];
    if (key !== undefined) {
      const startedMs = performance.now();
      await client.getBuffer(key);
      times.push(performance.now() - startedMs);
    }
    await delay(PAUSE_MS);
  }
  client.disconnect();
  return { gets: times.length, p50_ms: percentile(times, 0.5), p99_ms: percentile(times, 0.99) };
}

async function someKeys(client: Redis): Promise<string[]> {
  const found: string[] = [];
  for await (const keys of stateKeys(client)) {
    found.push(...keys);
    if (found.length >= KEYS_MAX) break;
  }
  return found.slice(0, KEYS_MAX);
}
