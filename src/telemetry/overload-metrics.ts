/** What was turned away, and which nodes of the store are away. */
import type { Meter } from '@opentelemetry/api';
import type { CircuitReport } from '../serve/circuits.ts';
import type { Refusal } from '../serve/metrics-sink.ts';

/** What is answered is called for each refusal. */
export function countRefusals(meter: Meter): (reason: Refusal) => void {
  const refused = meter.createCounter('skewless_requests_refused', {
    description: 'Requests and connections that were turned away, by reason.',
  });
  return (reason) => refused.add(1, { reason });
}

/** At most `CIRCUIT_BOUNDS.nodesMax` nodes. */
export function observeCircuits(meter: Meter, report: () => readonly CircuitReport[]): void {
  meter
    .createObservableGauge('skewless_store_circuit_state', {
      description: '1 for the state that the circuit of a node of the store is in.',
    })
    .addCallback((result) => {
      for (const { node, state } of report()) result.observe(1, { node, state });
    });
  meter
    .createObservableCounter('skewless_store_circuit_opened', {
      description: 'Times that reads of a node of the store were given up.',
    })
    .addCallback((result) => {
      for (const { node, opened } of report()) result.observe(opened, { node });
    });
}
