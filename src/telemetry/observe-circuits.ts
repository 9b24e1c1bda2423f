/** Which nodes of the store are away, as reads of this process find them. */
import type { Meter } from '@opentelemetry/api';
import type { CircuitReport } from '../serve/circuits.ts';
import { counter, gauge } from './instruments.ts';

/** At most `CIRCUIT_BOUNDS.nodesMax` nodes. */
export function observeCircuits(meter: Meter, report: () => readonly CircuitReport[]): void {
  gauge(meter, 'skewless_store_circuit_state', '1 for the state that the circuit of a node of the store is in.', () =>
    report().map(({ node, state }) => [1, { node, state }] as const),
  );
  counter(meter, 'skewless_store_circuit_opened', 'Times that reads of a node of the store were given up.', () =>
    report().map(({ node, opened }) => [opened, { node }] as const),
  );
}
