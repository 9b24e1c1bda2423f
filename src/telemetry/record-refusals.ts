/** What was turned away: counted by plain numbers, for it is counted where there is no time to lose. */
import type { Meter } from '@opentelemetry/api';
import { REFUSALS, type Refusal } from '../serve/metrics-sink.ts';
import { counter } from './instruments.ts';

/** What is answered is called for each refusal. */
export function createRefusalRecorder(meter: Meter): (reason: Refusal) => void {
  const counts = new Map(REFUSALS.map((reason) => [reason, 0]));
  counter(meter, 'skewless_requests_refused', 'Requests and connections that were turned away, by reason.', () =>
    [...counts].map(([reason, count]) => [count, { reason }] as const),
  );
  return (reason) => void counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
