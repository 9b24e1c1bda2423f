/**
 * The notes of owners as an index: when a record was first known to have been folded. Of each shard and partition of the source
 * one series, of positions that only grow; several owners may have written, and the earliest word counts.
 */
import { readNotes } from '../log/position-notes.ts';
import type { ShardId } from '../store/store.ts';
import type { EventReader } from './event-reader.ts';
import type { PositionIndex } from './known-times.ts';

/** Of all series together, 16 bytes each; where there are more, those of two, four, … times the time become one. */
const NOTES_MAX = 8_000_000;
const FINEST_MS = 1;
const COARSEST_MS = 86_400_000;

interface Series {
  readonly next: number[];
  readonly atMs: number[];
}

interface AllSeries {
  of(source: string, shard: string, partition: number): Series | undefined;
  add(source: string, shard: string, partition: number, next: number, atMs: number): void;
}

/** `readers`: by source, of the topics with its notes; a source without one has no notes. */
export async function readPositionIndex(
  readers: ReadonlyMap<string, EventReader>,
  { signal, nowMs }: { readonly signal: AbortSignal; readonly nowMs: number },
  notesMax = NOTES_MAX,
): Promise<PositionIndex> {
  const series = createAllSeries(notesMax);
  for (const [source, reader] of readers) {
    await reader.read(
      await reader.ranges(),
      ({ records }) => {
        const notes = records.flatMap(({ value }) => (value === null ? [] : readNotes(value)));
        for (const { entityKey, partition, position, atMs } of notes) {
          const shard = `${entityKey}/${partition}`;
          for (const [each, next] of Object.entries(position)) series.add(source, shard, Number(each), next, atMs);
        }
        return Promise.resolve();
      },
      { signal, startedMs: nowMs },
    );
  }
  const seriesOf = ({ source, entityKey, partition }: ShardId, from: number): Series | undefined =>
    series.of(source, `${entityKey}/${partition}`, from);
  return {
    identity: [...readers].map(([source, { identity }]) => [source, identity]),
    firstMs: (shard, partition) => seriesOf(shard, partition)?.atMs[0] ?? null,
    firstNext: (shard, partition) => seriesOf(shard, partition)?.next[0] ?? null,
    knownMs(shard, partition, offset) {
      const one = seriesOf(shard, partition);
      return one === undefined ? null : (one.atMs[firstBeyond(one.next, offset)] ?? null);
    },
  };
}

function createAllSeries(notesMax: number): AllSeries {
  const all = new Map<string, Series>();
  let resolutionMs = FINEST_MS;
  let held = 0;
  return {
    of: (source, shard, partition) => all.get(`${source}/${shard}/${partition}`),
    add(source, shard, partition, next, atMs) {
      const name = `${source}/${shard}/${partition}`;
      const series = all.get(name) ?? { next: [], atMs: [] };
      all.set(name, series);
      held += put(series, next, atMs, resolutionMs);
      while (held > notesMax && resolutionMs < COARSEST_MS) {
        resolutionMs *= 2;
        held = 0;
        for (const [each, fine] of all) {
          const coarse: Series = { next: [], atMs: [] };
          for (const [at, of] of fine.next.entries()) held += put(coarse, of, fine.atMs[at] as number, resolutionMs);
          all.set(each, coarse);
        }
      }
    },
  };
}

/** Of one stretch of time the last note stays: what it covers is known by then. The first of all stays. Answers how many came. */
function put(series: Series, next: number, atMs: number, resolutionMs: number): number {
  const last = series.next.length - 1;
  if (next <= (series.next[last] ?? -1)) return 0;
  const isSameStretch =
    last > 0 && Math.floor((series.atMs[last] as number) / resolutionMs) === Math.floor(atMs / resolutionMs);
  const at = isSameStretch ? last : last + 1;
  series.next[at] = next;
  series.atMs[at] = atMs;
  return isSameStretch ? 0 : 1;
}

/** Index of the first that is greater than `offset`. */
function firstBeyond(sorted: readonly number[], offset: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
