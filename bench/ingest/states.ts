/** What Redis holds, and how many events went into each commit. */
import { Redis } from 'ioredis';
import type { World } from './throughput.ts';
import { percentile } from './percentile.ts';

/** Bytes of an entity's head and tiles together. */
export interface StateFigures {
  readonly entities: number;
  readonly bytes_p50: number;
  readonly bytes_p99: number;
  readonly bytes_max: number;
}

const STATE_KEY = /\}[ht]:/;

export async function stateBytes({ redis }: World): Promise<StateFigures> {
  const client = new Redis(redis.url);
  const bytes = new Map<string, number>();
  for await (const keys of stateKeys(client)) {
    const lengths = await Promise.all(keys.map((key) => client.strlen(key)));
    for (const [index, key] of keys.entries()) {
      const entity = key.replace(STATE_KEY, '}');
      bytes.set(entity, (bytes.get(entity) ?? 0) + (lengths[index] ?? 0));
    }
  }
  client.disconnect();
  const all = [...bytes.values()];
  return {
    entities: all.length,
    bytes_p50: percentile(all, 0.5),
    bytes_p99: percentile(all, 0.99),
    bytes_max: percentile(all, 1),
  };
}

/** Keys of heads and tiles, some hundred at a time. */
export async function* stateKeys(client: Redis): AsyncGenerator<string[], void, undefined> {
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'COUNT', 1_000);
    cursor = next;
    yield keys.filter((key) => STATE_KEY.test(key));
  } while (cursor !== '0');
}

/** Since the statistics were reset. */
export async function eventsPerCommit({ redis }: World, events: number): Promise<number> {
  const stats = (await redis.command('info', 'commandstats')) as string;
  return events / Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? Number.NaN);
}
