/**
 * Metrics and traces sent to a collector, by OTLP over HTTP. Loaded when a collector is named. How it is spoken to (headers,
 * time-outs, compression, certificates) is read by the exporters from the variables that OpenTelemetry defines.
 */
import { type Link, diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { Resource } from '@opentelemetry/resources';
import { type IMetricReader, type MetricProducer, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { createTraces, type Traces } from './traces.ts';

export interface OtlpOptions {
  /** Base of the collector's URLs, such as `http://collector:4318`. */
  readonly endpoint: string;
  /** Share of the requests that begin a trace, 0 to 1; 0: there are no traces. */
  readonly traceRatio: number;
  readonly resource: Resource;
  readonly version: string;
  /** What the log is, for spans of messages. */
  readonly logSystem: string;
  /** Told when the collector does not take what it is sent. */
  readonly onWarning: (message: string) => void;
}

export interface Otlp {
  openReader(metricProducers: MetricProducer[]): IMetricReader;
  /** Null where nothing is traced. */
  readonly traces: Traces | null;
  /** Sends what is left. */
  close(): Promise<void>;
}

const WARNING_LENGTH_MAX = 500;

export function openOtlp(options: OtlpOptions): Otlp {
  reportTo(options.onWarning);
  const base = options.endpoint.replace(/\/+$/, '');
  const provider = options.traceRatio > 0 ? createTracerProvider(options, `${base}/v1/traces`) : null;
  return {
    openReader: (metricProducers) =>
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${base}/v1/metrics` }),
        metricProducers,
      }),
    traces: provider === null ? null : createTraces(provider.getTracer('skewless', options.version), options.logSystem),
    close: async () => provider?.shutdown(),
  };
}

/** Its queue holds 2,048 spans; what comes when it is full is dropped. */
function createTracerProvider({ traceRatio, resource }: OtlpOptions, url: string): TracerProvider {
  return new TracerProvider({
    resource,
    sampler: createSampler(traceRatio),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  });
}

/** A caller that has decided is followed; a batch is linked to sampled spans, or would have none. */
function createSampler(ratio: number): Sampler {
  const byParent = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  return {
    shouldSample: (context, traceId, name, kind, attributes, links: Link[]) =>
      links.length > 0
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : byParent.shouldSample(context, traceId, name, kind, attributes, links),
    toString: () => `linked, or ${byParent.toString()}`,
  };
}

/** Else a collector that is away would be noticed by nobody. */
function reportTo(onWarning: (message: string) => void): void {
  const warn = (message: string, ...more: unknown[]): void =>
    onWarning(`telemetry: ${[message, ...more].map(String).join(' ').slice(0, WARNING_LENGTH_MAX)}`);
  const ignore = (): void => {};
  diag.setLogger(
    { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
