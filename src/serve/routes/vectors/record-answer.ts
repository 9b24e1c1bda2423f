/** Tells metrics how many rows an answer has, and of what status its values are. */
import { statusRank } from '../../../core/status.ts';
import type { VectorRecorder } from '../../metrics-sink.ts';
import type { AnsweredRow } from './answer.ts';

const PRESENT_RANK = statusRank('PRESENT');

export function recordAnswer(recorder: VectorRecorder | undefined, rows: readonly AnsweredRow[]): void {
  if (recorder === undefined) return;
  const { statusCounts } = recorder;
  let present = 0;
  let refused = 0;
  for (const row of rows) {
    if (row.kind === 'error') {
      refused++;
      continue;
    }
    for (const status of row.vector.statuses) {
      // Nearly all are, and need no look-up.
      if (status === 'PRESENT') present++;
      else add(statusCounts, statusRank(status), 1);
    }
  }
  add(statusCounts, PRESENT_RANK, present);
  recorder.rows(rows.length, refused);
}

function add(counts: Float64Array, rank: number, more: number): void {
  counts[rank] = (counts[rank] ?? 0) + more;
}
