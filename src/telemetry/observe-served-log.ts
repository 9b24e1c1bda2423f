/** What became of rows that were to be logged as they were served, of this process alone. */
import type { Meter } from '@opentelemetry/api';
import type { ServedLogReport } from '../serve/metrics-sink.ts';
import { counter, gauge, type Observation } from './instruments.ts';

export function observeServedLog(meter: Meter, report: () => ServedLogReport): void {
  counter(meter, 'skewless_served_log_rows', 'Rows that were logged as they were served.', () => [
    [report().logged, {}],
  ]);
  counter(meter, 'skewless_served_log_dropped', 'Rows that were to be logged and were not, by reason.', () =>
    Object.entries(report().dropped).map(([reason, count]): Observation => [count, { reason }]),
  );
  gauge(meter, 'skewless_served_log_queued_rows', 'Rows that wait to be logged.', () => [[report().queuedRows, {}]]);
}
