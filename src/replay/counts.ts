/** What became of a source's records: the words are those of the live driver's counters. */
import type { Lane } from './train-plan.ts';

export interface LaneCounts {
  readonly views: readonly string[];
  /** Of the views, whether or not a label asks for their entity. */
  events: number;
  filtered: number;
  nullKey: number;
  /** By code of the rejection. */
  readonly rejected: Record<string, number>;
}

export interface Counts {
  records: number;
  /** Control records. */
  erasures: number;
  /** By code: lines and rows of files that ingest would have refused. */
  readonly unreadable: Record<string, number>;
  /** Aligned with the source's lanes. */
  readonly lanes: readonly LaneCounts[];
}

export function emptyCounts(lanes: readonly Lane[]): Counts {
  return {
    records: 0,
    erasures: 0,
    unreadable: {},
    lanes: lanes.map(({ viewIds }) => ({ views: viewIds, events: 0, filtered: 0, nullKey: 0, rejected: {} })),
  };
}

export function addCounts(to: Counts, more: Counts): void {
  to.records += more.records;
  to.erasures += more.erasures;
  addByName(to.unreadable, more.unreadable);
  for (const [index, lane] of to.lanes.entries()) {
    const other = more.lanes[index];
    if (other === undefined) continue;
    lane.events += other.events;
    lane.filtered += other.filtered;
    lane.nullKey += other.nullKey;
    addByName(lane.rejected, other.rejected);
  }
}

export function addByName(to: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) to[name] = (to[name] ?? 0) + count;
}
