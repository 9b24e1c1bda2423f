/**
 * The text form. OpenTelemetry writes `http.server.request.duration` with its unit beside it, Prometheus
 * `http_server_request_duration_seconds`; the serializer adds no unit, so it is added here, by the rules that
 * OpenTelemetry's collector goes by. Names are the same, whichever way metrics come.
 */
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';

const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

export function createPrometheusText(): (collected: ResourceMetrics) => string {
  // No prefix, no timestamps; of the process in `target_info` alone; and no label that only names this library.
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  return ({ resource, scopeMetrics }) =>
    serializer.serialize({
      resource,
      scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({
        scope,
        // One that has nothing to say yet would leave a heading without samples.
        metrics: metrics.filter(({ dataPoints }) => dataPoints.length > 0).map(withUnit),
      })),
    });
}

function withUnit(metric: MetricData): MetricData {
  const { name, unit } = metric.descriptor;
  const suffix = SUFFIXES[unit] ?? '';
  // The unit is said by the name; the text form of Prometheus has no line for it.
  const descriptor = { ...metric.descriptor, unit: '', name: name.endsWith(suffix) ? name : name + suffix };
  return { ...metric, descriptor };
}
