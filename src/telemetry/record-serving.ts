/**
 * What requests tell. Label sets are bounded: methods and routes by what is registered, statuses by what answers with them,
 * services and sources by the definitions. None holds anything of a request's own.
 */
import type { Attributes, Meter } from '@opentelemetry/api';
import type { IngestRecorder, ReaderReport, RequestRecorder, VectorRecorder } from '../serve/metrics-sink.ts';
import type { Cell, Histograms } from './histogram.ts';
import { counter, DURATION_BUCKETS, gauge } from './instruments.ts';
import { createValueRecorders } from './record-values.ts';

/** Rows of a request. */
const ROW_BUCKETS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

export interface ServingRecorders {
  requests(method: string, route: string | null): RequestRecorder;
  vectors(service: string, features: readonly string[]): VectorRecorder;
  ingest(source: string): IngestRecorder;
  observeInflight(read: () => number): void;
  observeReaders(read: () => readonly ReaderReport[]): void;
}

export function createServingRecorders(meter: Meter, histograms: Histograms): ServingRecorders {
  const requestCell = histograms.create({
    name: 'http.server.request.duration',
    description: 'Time from the first byte of a request to the last of its answer.',
    unit: 's',
    boundaries: DURATION_BUCKETS,
  });
  const rowsCell = histograms.create({
    name: 'skewless_request_rows',
    description: 'Rows of each request for vectors.',
    unit: '{row}',
    boundaries: ROW_BUCKETS,
  });
  const sources: { readonly source: string; accepted: number; rejected: number }[] = [];
  counter(meter, 'skewless_ingested_events', 'Events sent to this process, by what became of them.', () =>
    sources.flatMap(({ source, accepted, rejected }) => [
      [accepted, { source, outcome: 'accepted' }] as const,
      [rejected, { source, outcome: 'rejected' }] as const,
    ]),
  );
  return {
    requests: (method, route) => createRequestRecorder(requestCell, method, route),
    vectors: createValueRecorders(meter, rowsCell),
    ingest(source) {
      const kept = { source, accepted: 0, rejected: 0 };
      sources.push(kept);
      return (accepted, rejected) => {
        kept.accepted += accepted;
        kept.rejected += rejected;
      };
    },
    observeInflight: (read) =>
      gauge(meter, 'skewless_inflight_requests', 'Requests that are being answered.', () => [[read(), {}]]),
    // At most `READINGS_MAX` pairs, and one more for each service.
    observeReaders: (read) =>
      counter(meter, 'skewless_reader_requests', 'Requests for vectors, by the name of the key and the service.', () =>
        read().map(({ reader, service, requests }) => [requests, { reader, service }] as const),
      ),
  };
}

/** As OpenTelemetry's stable conventions for HTTP say. */
function createRequestRecorder(
  cell: (labels: Attributes) => Cell,
  method: string,
  route: string | null,
): RequestRecorder {
  const byStatus = new Map<number, Cell>();
  const bind = (status: number): Cell => {
    const bound = cell({
      'http.request.method': method,
      ...(route === null ? {} : { 'http.route': route }),
      'http.response.status_code': status,
      'url.scheme': 'http',
      ...(status >= 500 ? { 'error.type': String(status) } : {}),
    });
    byStatus.set(status, bound);
    return bound;
  };
  return (status, durationMs) => (byStatus.get(status) ?? bind(status))(durationMs / 1e3);
}
