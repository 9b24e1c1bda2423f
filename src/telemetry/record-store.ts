/** What the store is asked, and how long it takes. */
import type { Meter } from '@opentelemetry/api';
import type { Cell, Histograms } from './histogram.ts';
import { DURATION_BUCKETS, gauge } from './instruments.ts';

/** Called when an operation begins; what it answers is called when that has ended. */
export type StoreRecorder = (operation: string) => (failed: boolean, durationMs: number) => void;

interface Operation {
  readonly ok: Cell;
  readonly failed: Cell;
  inflight: number;
  readonly ended: (failed: boolean, durationMs: number) => void;
}

export function createStoreRecorder(meter: Meter, histograms: Histograms): StoreRecorder {
  const cell = histograms.create({
    name: 'skewless_store_duration_seconds',
    description: 'Time an operation of the store took.',
    unit: 's',
    boundaries: DURATION_BUCKETS,
  });
  const operations = new Map<string, Operation>();
  gauge(meter, 'skewless_store_inflight', 'Operations that the store has not answered yet.', () =>
    [...operations].map(([operation, { inflight }]) => [inflight, { operation }] as const),
  );
  const begin = (operation: string): Operation => {
    const created: Operation = {
      ok: cell({ operation, outcome: 'ok' }),
      failed: cell({ operation, outcome: 'failed' }),
      inflight: 0,
      ended(failed, durationMs) {
        created.inflight--;
        (failed ? created.failed : created.ok)(durationMs / 1e3);
      },
    };
    operations.set(operation, created);
    return created;
  };
  return (operation) => {
    const known = operations.get(operation) ?? begin(operation);
    known.inflight++;
    return known.ended;
  };
}
