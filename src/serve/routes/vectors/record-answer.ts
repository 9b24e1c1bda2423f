/** Tells metrics how many rows an answer has, and of what status its values are. */
import { STATUSES, statusRank } from '../../../core/status.ts';
import type { Fragment } from '../../../vector/fragment.ts';
import type { RowPlan } from '../../../vector/row-plan.ts';
import type { VectorRecorder } from '../../metrics-sink.ts';
import type { AnswerWriter } from './response.ts';

const PRESENT = statusRank('PRESENT');

/**
 * The same writer, whose answer is counted when it is whole. No value is looked at: fragments know their statuses, and of those
 * that are `PRESENT` throughout there is nothing to add up.
 *
 * @param ranks of the features' statuses by place, as the writer leaves them behind for each row
 * @param width values of a row
 */
export function recordAnswer(
  recorder: VectorRecorder | undefined,
  { derivedServed }: RowPlan,
  ranks: readonly number[],
  width: number,
  writer: AnswerWriter,
): AnswerWriter {
  if (recorder === undefined) return writer;
  let rows = 0;
  let refused = 0;
  /** By rank, without `PRESENT`; null: none yet. */
  let others: number[] | null = null;
  const add = (rank: number, count: number): void => {
    others ??= STATUSES.map(() => 0);
    others[rank] = (others[rank] as number) + count;
  };
  return {
    error(problem) {
      rows++;
      refused++;
      writer.error(problem);
    },
    withheld(status, asOfMs, extras) {
      rows++;
      add(statusRank(status), width);
      writer.withheld(status, asOfMs, extras);
    },
    row(row, extras) {
      rows++;
      writer.row(row, extras);
      const { fragments } = row;
      for (let part = 0; part < fragments.length; part++) {
        const { otherStatuses } = fragments[part] as Fragment;
        if (otherStatuses !== null) for (const { rank, count } of otherStatuses) add(rank, count);
      }
      for (let index = 0; index < derivedServed.length; index++) {
        const rank = ranks[derivedServed[index] as number] as number;
        if (rank !== PRESENT) add(rank, 1);
      }
    },
    end() {
      const answer = writer.end();
      record(recorder, (rows - refused) * width, others);
      recorder.rows(rows, refused);
      return answer;
    },
  };
}

function record({ statusCounts }: VectorRecorder, values: number, others: readonly number[] | null): void {
  let present = values;
  if (others !== null) {
    for (let rank = 0; rank < others.length; rank++) {
      const count = others[rank] as number;
      present -= count;
      statusCounts[rank] = (statusCounts[rank] as number) + count;
    }
  }
  statusCounts[PRESENT] = (statusCounts[PRESENT] as number) + present;
}
