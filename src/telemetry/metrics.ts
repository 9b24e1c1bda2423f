/**
 * Metrics: for Prometheus as text, and for whoever else is given as a reader. What happens at requests is recorded by
 * hand in cells whose labels are bound at start; everything else is read when it is asked for, so that between two
 * scrapes it costs nothing. Labels are names of definitions, partitions and codes: never entities. docs/metrics.md
 * lists them all.
 */
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import type { Resource } from '@opentelemetry/resources';
import { type IMetricReader, MeterProvider, type MetricProducer } from '@opentelemetry/sdk-metrics';
import type { Clock } from '../core/clock.ts';
import type { MaterializerStatus } from '../materialize/status.ts';
import type { CircuitReport } from '../serve/circuits.ts';
import type { EmitterReport } from '../openlineage/emitter.ts';
import type { CacheReport, MetricsSink, ServedLogReport } from '../serve/metrics-sink.ts';
import { createHistograms } from './histogram.ts';
import { observeAudits } from './observe-audits.ts';
import { observeCache } from './observe-cache.ts';
import { observeCircuits } from './observe-circuits.ts';
import { observeMaterializer } from './observe-materializer.ts';
import { type BuildFacts, observeProcess } from './observe-process.ts';
import { observeServedLog } from './observe-served-log.ts';
import { observeShards } from './observe-shards.ts';
import { counter } from './instruments.ts';
import { createPrometheusText } from './prometheus.ts';
import { createRefusalRecorder } from './record-refusals.ts';
import { createServingRecorders } from './record-serving.ts';
import { createStoreRecorder, type StoreRecorder } from './record-store.ts';

export interface MetricsOptions extends BuildFacts {
  readonly clock: Clock;
  readonly resource: Resource;
  /** Makes another reader beside Prometheus's; null: there is none. */
  readonly openReader?: ((producers: MetricProducer[]) => IMetricReader) | null;
}

export interface Metrics extends MetricsSink {
  readonly store: StoreRecorder;
  observeMaterializer(status: () => MaterializerStatus): void;
  observeCache(report: () => CacheReport): void;
  observeCircuits(report: () => readonly CircuitReport[]): void;
  observeRunEvents(report: () => EmitterReport): void;
  observeServedLog(report: () => ServedLogReport): void;
  /** Other readers are told the last values first. */
  close(): Promise<void>;
}

/** The SDK's default of 2,000 would merge the shards beyond it into one without a name; what bounds them is their topics. */
const SERIES_MAX = 1_000_000;

export function createMetrics({ clock, version, role, resource, openReader = null }: MetricsOptions): Metrics {
  const scope = { name: 'skewless', version };
  const histograms = createHistograms(clock, scope);
  const metricProducers = [histograms.producer];
  const prometheus = new PrometheusExporter({ preventServerStart: true, metricProducers });
  const text = createPrometheusText();
  const provider = new MeterProvider({
    resource,
    readers: [prometheus, ...(openReader === null ? [] : [openReader(metricProducers)])],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: SERIES_MAX }],
  });
  const meter = provider.getMeter(scope.name, scope.version);
  const endDelay = observeProcess(meter, histograms, { version, role });
  return {
    ...createServingRecorders(meter, histograms),
    refused: createRefusalRecorder(meter),
    store: createStoreRecorder(meter, histograms),
    observeFreshness: (read) => observeShards(meter, clock, read),
    observeAudits: (read) => observeAudits(meter, clock, read),
    observeMaterializer: (status) => observeMaterializer(meter, status),
    observeCache: (report) => observeCache(meter, report),
    observeCircuits: (report) => observeCircuits(meter, report),
    observeRunEvents: (report) =>
      counter(meter, 'skewless_openlineage_events', 'Events of runs, by what became of them.', () =>
        Object.entries(report()).map(([outcome, count]) => [count, { outcome }] as const),
      ),
    observeServedLog: (report) => observeServedLog(meter, report),
    async text() {
      const { resourceMetrics } = await prometheus.collect();
      return text(resourceMetrics);
    },
    async close() {
      endDelay();
      await provider.shutdown();
    },
  };
}
