/** Tells metrics how many rows an answer has, and of what status the values of each feature are. */
import { statusRank } from '../../../core/status.ts';
import type { Fragment, ReadyFragment, StatusPlaces } from '../../../vector/fragment.ts';
import type { RowPlan } from '../../../vector/row-plan.ts';
import type { VectorRecorder } from '../../metrics-sink.ts';
import type { AnswerWriter } from './response.ts';

const PRESENT = statusRank('PRESENT');

/**
 * The same writer, whose answer is counted when it is whole. No value is looked at: fragments know which are not `PRESENT`, and
 * of those that are `PRESENT` throughout there is nothing to add up.
 *
 * @param ranks of the features' statuses by place, as the writer leaves them behind for each row
 * @param served places of the row's features
 */
export function recordAnswer(
  recorder: VectorRecorder | undefined,
  { derivedServed }: RowPlan,
  ranks: readonly number[],
  served: readonly number[],
  writer: AnswerWriter,
): AnswerWriter {
  if (recorder === undefined) return writer;
  let rows = 0;
  let refused = 0;
  const others: StatusPlaces[] = [];
  const note = (other: StatusPlaces): void => {
    if (other.answer !== others) {
      other.answer = others;
      other.rows = 0;
      others.push(other);
    }
    other.rows++;
  };
  const noteOthers = ({ otherStatuses }: Fragment): void => {
    if (otherStatuses !== null)
      for (let at = 0; at < otherStatuses.length; at++) note(otherStatuses[at] as StatusPlaces);
  };
  const { ready } = writer;
  return {
    error(problem) {
      rows++;
      refused++;
      writer.error(problem);
    },
    withheld(status, asOfMs, extras) {
      rows++;
      note({ rank: statusRank(status), places: served, answer: null, rows: 0 });
      writer.withheld(status, asOfMs, extras);
    },
    row(row, extras) {
      rows++;
      writer.row(row, extras);
      const { fragments } = row;
      for (let part = 0; part < fragments.length; part++) noteOthers(fragments[part] as Fragment);
      for (let index = 0; index < derivedServed.length; index++) {
        const place = derivedServed[index] as number;
        const rank = ranks[place] as number;
        if (rank !== PRESENT) note({ rank, places: [place], answer: null, rows: 0 });
      }
    },
    ...(ready && {
      ready(fragment: ReadyFragment) {
        rows++;
        ready(fragment);
        noteOthers(fragment);
      },
    }),
    end() {
      const answer = writer.end();
      for (const other of others) add(recorder, other);
      recorder.rows(rows, refused, served);
      return answer;
    },
  };
}

function add({ otherCounts }: VectorRecorder, { rank, places, rows }: StatusPlaces): void {
  for (let index = 0; index < places.length; index++) {
    const counts = otherCounts[places[index] as number] as Float64Array;
    counts[rank] = (counts[rank] as number) + rows;
  }
}
