/**
 * Metrics, in the text that Prometheus reads. Requests are recorded by hand, one histogram each; everything else is read
 * from snapshots when it is asked for, so that between two scrapes it costs nothing. Labels are names of definitions,
 * partitions and codes: never entities. docs/metrics.md lists them all.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Attributes, Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationType, MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Clock } from '../core/clock.ts';
import type { MaterializerStatus } from '../materialize/status.ts';
import type { Circuits } from '../serve/circuits.ts';
import type { CacheReport, FreshnessReport, MetricsSink } from '../serve/metrics-sink.ts';
import { countRefusals, observeCircuits } from './overload-metrics.ts';

export interface MetricsOptions {
  readonly clock: Clock;
  readonly version: string;
  /** Null: this process folds nothing. */
  readonly materializerStatus: (() => MaterializerStatus) | null;
  /** Null or absent: this process caches nothing. */
  readonly cacheReport?: (() => CacheReport) | null;
  /** Absent: the store has none. */
  readonly circuits?: Pick<Circuits, 'report'>;
}

export interface Metrics extends MetricsSink {
  close(): Promise<void>;
}

/** Of requests, seconds. */
const REQUEST_BUCKETS = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const NANOSECONDS = 1e9;

export function createMetrics({ clock, version, materializerStatus, cacheReport, circuits }: MetricsOptions): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer();
  const provider = new MeterProvider({
    readers: [exporter],
    views: [
      {
        instrumentName: 'skewless_request_duration_seconds',
        aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: REQUEST_BUCKETS } },
      },
    ],
  });
  const meter = provider.getMeter('skewless', version);
  const requests = meter.createHistogram('skewless_request_duration_seconds', {
    description: 'Time from the first byte of a request to the last of its answer.',
  });
  let freshness: FreshnessReport = [];
  observeProcess(meter, version);
  observeFreshness(meter, clock, () => freshness);
  if (materializerStatus !== null) observeMaterializer(meter, materializerStatus);
  if (cacheReport) observeCache(meter, cacheReport);
  if (circuits !== undefined) observeCircuits(meter, () => circuits.report());
  return {
    request(operation, status, durationMs) {
      requests.record(durationMs / 1e3, { operation, status: `${Math.floor(status / 100)}xx` });
    },
    refused: countRefusals(meter),
    async text(report) {
      freshness = report;
      const { resourceMetrics } = await exporter.collect();
      return serializer.serialize(resourceMetrics);
    },
    close: () => provider.shutdown(),
  };
}

function observeProcess(meter: Meter, version: string): void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  gauge(meter, 'skewless_info', 'Always 1; the version is its label.', () => [[1, { version }]]);
  gauge(meter, 'skewless_process_resident_memory_bytes', 'Memory of the process.', () => [
    [process.memoryUsage.rss(), {}],
  ]);
  gauge(meter, 'skewless_process_heap_bytes', 'JavaScript heap in use.', () => [[process.memoryUsage().heapUsed, {}]]);
  gauge(meter, 'skewless_event_loop_delay_seconds', '99th percentile since the last scrape.', () => {
    const seconds = delay.percentile(99) / NANOSECONDS;
    delay.reset();
    return [[seconds, {}]];
  });
  counter(meter, 'skewless_process_cpu_seconds', 'User and system time.', () => {
    const { user, system } = process.cpuUsage();
    return [[(user + system) / 1e6, {}]];
  });
}

/** By view and partition, as any process reads it from the store's checkpoints. */
function observeFreshness(meter: Meter, clock: Clock, report: () => FreshnessReport): void {
  const each = (value: (shard: FreshnessReport[number]) => number | null): Observations =>
    report().flatMap((shard): Observations => {
      const found = value(shard);
      return found === null ? [] : [[found, { source: shard.source, view: shard.view, partition: shard.partition }]];
    });
  const secondsSince = (ms: number | null): number | null =>
    ms === null ? null : Math.max(0, clock.nowMs() - ms) / 1e3;
  gauge(meter, 'skewless_shard_position', 'Next offset to fold.', () => each(({ position }) => position));
  gauge(meter, 'skewless_shard_lag_records', 'Records appended and not yet folded.', () => each(({ lag }) => lag));
  gauge(meter, 'skewless_shard_watermark_seconds', 'Watermark, seconds since the epoch.', () =>
    each(({ watermarkMs }) => (watermarkMs === null ? null : watermarkMs / 1e3)),
  );
  gauge(meter, 'skewless_shard_freshness_seconds', "Time since the owner confirmed reaching the log's end.", () =>
    each(({ caughtUpAtMs }) => secondsSince(caughtUpAtMs)),
  );
  gauge(meter, 'skewless_shard_heartbeat_age_seconds', 'Time since the owner last committed.', () =>
    each(({ heartbeatMs }) => secondsSince(heartbeatMs)),
  );
  gauge(meter, 'skewless_shard_ready', '1 where the shard has reached its build target.', () =>
    each(({ ready }) => (ready ? 1 : 0)),
  );
}

function observeCache(meter: Meter, report: () => CacheReport): void {
  counter(meter, 'skewless_cache_entities', 'States asked for, by whether they were cached.', () => [
    [report().hits, { outcome: 'hit' }],
    [report().misses, { outcome: 'miss' }],
  ]);
  gauge(meter, 'skewless_cache_entries', 'States that are cached.', () => [[report().entries, {}]]);
  gauge(meter, 'skewless_cache_bytes', 'Memory that they take, as far as it can be priced.', () => [
    [report().bytes, {}],
  ]);
  counter(meter, 'skewless_cache_evictions', 'States that went for want of room.', () => [[report().evictions, {}]]);
  counter(meter, 'skewless_cache_shards_cleared', 'Times that all of a shard was dropped, by reason.', () =>
    Object.entries(report().cleared).map(([reason, count]): Observation => [count, { reason }]),
  );
  counter(
    meter,
    'skewless_cache_checks_failed',
    'Checkpoint reads that failed: what they would confirm expires.',
    () => [[report().failedChecks, {}]],
  );
  gauge(meter, 'skewless_cache_shards', 'Shards that are followed.', () => [[report().shards, {}]]);
  gauge(meter, 'skewless_cache_confirmed_age_seconds', 'Since the shard confirmed least lately was confirmed.', () => {
    const ageMs = report().confirmedAgeMs;
    return ageMs === null ? [] : [[ageMs / 1e3, {}]];
  });
  gauge(meter, 'skewless_cache_staleness_bound_seconds', 'Age beyond which nothing cached is served.', () => [
    [report().stalenessMs / 1e3, {}],
  ]);
}

function observeMaterializer(meter: Meter, status: () => MaterializerStatus): void {
  const sources = () => status().sources;
  const views = () =>
    sources().flatMap(({ source, views: some }) =>
      some.flatMap((view) => view.views.map((name) => ({ ...view, labels: { source, view: name } }))),
    );
  counter(meter, 'skewless_records', 'Records seen, by what the view made of them.', () =>
    views().flatMap(({ counters, labels }): Observations => {
      const { folded, late, tooLate, duplicates, filtered, nullKey, erased } = counters;
      const outcomes = { folded, late, too_late: tooLate, duplicate: duplicates, filtered, null_key: nullKey, erased };
      return Object.entries(outcomes).map(([outcome, count]) => [count, { ...labels, outcome }]);
    }),
  );
  counter(meter, 'skewless_records_rejected', 'Records that a view could not take, by code.', () =>
    views().flatMap(({ counters, labels }) =>
      Object.entries(counters.rejected).map(([code, count]): Observation => [count, { ...labels, code }]),
    ),
  );
  counter(meter, 'skewless_forced_seals', 'Seals past the horizon, after which older as_of may be refused.', () =>
    views().map(({ counters, labels }): Observation => [counters.forcedSeals, labels]),
  );
  counter(meter, 'skewless_commits_refused', 'Times the store was elsewhere, or had another owner.', () =>
    views().flatMap(
      ({ refused, labels }): Observations => [
        [refused.fenced, { ...labels, answer: 'fenced' }],
        [refused.moved, { ...labels, answer: 'moved' }],
      ],
    ),
  );
  counter(meter, 'skewless_dead_letters', 'Dead letters written by this process.', () =>
    sources().map(({ source, deadLetters }): Observation => [deadLetters, { source }]),
  );
  gauge(meter, 'skewless_source_waiting', '1 while the log or the store does not do what it is asked.', () =>
    sources().map(
      ({ source, waitingFor }): Observation =>
        waitingFor === null ? [0, { source }] : [1, { source, code: waitingFor.code }],
    ),
  );
  gauge(meter, 'skewless_lane_state', '1 for the state that a partition of a view is in.', () =>
    views().flatMap(({ partitions, labels }) =>
      partitions.map(({ partition, state }): Observation => [1, { ...labels, partition, state }]),
    ),
  );
  gauge(meter, 'skewless_lane_epoch', 'Epoch under which this process writes.', () =>
    views().flatMap(({ partitions, labels }) =>
      partitions.map(({ partition, epoch }): Observation => [epoch, { ...labels, partition }]),
    ),
  );
}

type Observation = readonly [value: number, labels: Attributes];
type Observations = readonly Observation[];

function gauge(meter: Meter, name: string, description: string, read: () => Observations): void {
  meter.createObservableGauge(name, { description }).addCallback((result) => {
    for (const [value, labels] of read()) result.observe(value, labels);
  });
}

/** Named without `_total`, which the text form adds. */
function counter(meter: Meter, name: string, description: string, read: () => Observations): void {
  meter.createObservableCounter(name, { description }).addCallback((result) => {
    for (const [value, labels] of read()) result.observe(value, labels);
  });
}
