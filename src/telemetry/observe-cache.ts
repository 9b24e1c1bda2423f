/** What is cached of states, of this process alone. */
import type { Meter } from '@opentelemetry/api';
import type { CacheReport } from '../serve/metrics-sink.ts';
import { counter, gauge, type Observation } from './instruments.ts';

export function observeCache(meter: Meter, report: () => CacheReport): void {
  counter(meter, 'skewless_cache_entities', 'States asked for, by whether they were cached.', () => {
    const { hits, misses } = report();
    return [
      [hits, { outcome: 'hit' }],
      [misses, { outcome: 'miss' }],
    ];
  });
  gauge(meter, 'skewless_cache_entries', 'States that are cached.', () => [[report().entries, {}]]);
  gauge(meter, 'skewless_cache_bytes', 'Memory that they take, as far as it can be priced.', () => [
    [report().bytes, {}],
  ]);
  counter(meter, 'skewless_cache_evictions', 'States that went for want of room.', () => [[report().evictions, {}]]);
  counter(meter, 'skewless_cache_shards_cleared', 'Times that all of a shard was dropped, by reason.', () =>
    Object.entries(report().cleared).map(([reason, count]): Observation => [count, { reason }]),
  );
  const failed = 'Checkpoint reads that failed: what they would confirm expires.';
  counter(meter, 'skewless_cache_checks_failed', failed, () => [[report().failedChecks, {}]]);
  gauge(meter, 'skewless_cache_shards', 'Shards that are followed.', () => [[report().shards, {}]]);
  gauge(meter, 'skewless_cache_confirmed_age_seconds', 'Since the shard confirmed least lately was confirmed.', () => [
    [(report().confirmedAgeMs ?? 0) / 1e3, {}],
  ]);
  gauge(meter, 'skewless_cache_staleness_bound_seconds', 'Age beyond which nothing cached is served.', () => [
    [report().stalenessMs / 1e3, {}],
  ]);
}
