/** What a `serve` process says of its LRU tier on `/metrics`: counters by their names and labels. */

export type Counters = ReadonlyMap<string, number>;

const CACHE_COUNTER = /^skewless_cache_\w*_total\{/;
/** Who counts, the same on each line. */
const SCOPE = /,otel_scope_\w+="[^"]*"/g;
const OUTCOME = /\b(hit|miss)(?:es|s)?\b/;

/** Of one pair of counters that differ only in `hit` and `miss`. */
export interface HitRate {
  /** Name and labels, `*` where hit or miss was. */
  readonly counters: string;
  readonly hits: number;
  readonly misses: number;
  readonly rate: number;
}

/** Empty where there is no tier. */
export async function readCacheCounters(url: string): Promise<Counters> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counters = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\S.*) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && CACHE_COUNTER.test(name)) {
      counters.set(name.replace(SCOPE, ''), Number(value));
    }
  }
  return counters;
}

export function hitRates(before: Counters, after: Counters): readonly HitRate[] {
  const sums = new Map<string, { hits: number; misses: number }>();
  for (const [name, value] of after) {
    const outcome = OUTCOME.exec(name)?.[1];
    if (outcome === undefined) continue;
    const counters = name.replace(OUTCOME, '*');
    const sum = sums.get(counters) ?? { hits: 0, misses: 0 };
    sum[outcome === 'hit' ? 'hits' : 'misses'] += value - (before.get(name) ?? 0);
    sums.set(counters, sum);
  }
  return [...sums].map(([counters, { hits, misses }]) => ({ counters, hits, misses, rate: hits / (hits + misses) }));
}
