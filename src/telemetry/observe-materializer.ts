/** What became of records, and the lanes that fold them; of this process alone. */
import type { Meter } from '@opentelemetry/api';
import type { MaterializerStatus } from '../materialize/status.ts';
import { counter, gauge, type Observation, type Observations } from './instruments.ts';

export function observeMaterializer(meter: Meter, status: () => MaterializerStatus): void {
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
  counter(meter, 'skewless_notes_dropped', 'Notes of positions that the log did not take.', () =>
    sources().map(({ source, notesDropped }): Observation => [notesDropped, { source }]),
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
