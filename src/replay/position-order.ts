/**
 * Requests of an entity in the order of their shard's positions, which only ever grow, so that the sum of one tells its
 * rank; each event at the first rank that sees it. A state is sealed up to the least `as_of` to come. What receipts ask of
 * a part is in memory at once, as bytes but for one entity's.
 */
import { assert } from '../core/assert.ts';
import { ByteReader } from '../core/bytes.ts';
import { EVENT, type FoldOrder, KNOWN, type OrderedPart, type PartOrder } from './fold-orders.ts';
import { type SeenPosition, readRequestRow } from './work-rows.ts';

interface Ranked {
  readonly row: number;
  readonly appearance: number;
  readonly asOfMs: number;
  readonly positions: readonly SeenPosition[];
  /** Of its positions. */
  readonly total: number;
  /** The request's row. */
  readonly bytes: Uint8Array;
  rank: number;
  /** Null: it is evaluated. */
  skipped: number | null;
}

/** From where on events are seen first: those below `next` of the partition, at this rank. */
interface Step {
  readonly next: number;
  readonly rank: number;
}

interface Steps {
  /** By partition, in order of `next`. */
  readonly byPartition: ReadonlyMap<number, readonly Step[]>;
  /** By rank: the least `as_of` of it and all after it, ms. */
  readonly horizonsMs: readonly number[];
}

export const BY_POSITION: FoldOrder = {
  known: KNOWN.position,
  hasOwnHistory: true,
  isByTime: false,
  begin: positionOrder,
};

function positionOrder({ sorter, voidedBelow, skip }: OrderedPart): PartOrder {
  /** By id: their rows. */
  const requests: Uint8Array[][] = [];
  const steps: Steps[] = [];

  function rank(id: number, asked: readonly Uint8Array[]): readonly Ranked[] {
    const ranked = asked.map(rankedOf).toSorted((one, other) => one.total - other.total);
    let [current, total] = [-1, Number.NaN];
    for (const each of ranked) {
      if (each.total !== total) current += 1;
      total = each.total;
      each.rank = current;
    }
    const isCrossed = areCrossed(ranked);
    for (const each of ranked) {
      const isErased = each.positions.some(({ partition, next }) => next <= voidedBelow(id, partition));
      each.skipped = isErased ? KNOWN.erased : isCrossed ? KNOWN.crossed : null;
    }
    return ranked;
  }

  return {
    request(id, _request, bytes, from, to) {
      (requests[id] ??= []).push(bytes.slice(from, to));
    },
    endRequests() {
      for (const [id, asked] of requests.entries()) {
        const ranked = rank(id, asked);
        const evaluated = ranked.filter(({ skipped }) => skipped === null);
        steps[id] = stepsOf(evaluated);
        for (const { rank: at, appearance, asOfMs, bytes } of evaluated) {
          sorter.push(id, at, appearance, asOfMs, bytes, 0, bytes.length);
        }
        for (const { row, appearance, skipped } of ranked) if (skipped !== null) skip(row, appearance, skipped);
      }
      requests.length = 0;
    },
    event(id, { partition, offset }, bytes, from, to) {
      const { byPartition, horizonsMs } = steps[id] as Steps;
      const at = firstBeyond(byPartition.get(partition) ?? [], offset);
      if (at !== null) sorter.push(id, at, EVENT, horizonsMs[at] as number, bytes, from, to);
    },
  };
}

function rankedOf(bytes: Uint8Array): Ranked {
  const { row, appearance, asOfMs, seen } = readRequestRow(new ByteReader(bytes));
  assert(seen !== null, 'a receipt names positions');
  const { positions } = seen;
  const total = positions.reduce((sum, { next }) => sum + next, 0);
  return { row, appearance, asOfMs, positions, total, bytes, rank: 0, skipped: null };
}

/** Whether one saw less of a partition than one before it; of two of one rank that differ, each did somewhere. */
function areCrossed(ranked: readonly Ranked[]): boolean {
  /** By partition: below what those before saw. */
  const seen = new Map<number, number>();
  for (const { positions } of ranked) {
    for (const { partition, next } of positions) {
      if (next < (seen.get(partition) ?? 0)) return true;
      seen.set(partition, next);
    }
  }
  return false;
}

/** `ranked`: in order. */
function stepsOf(ranked: readonly Ranked[]): Steps {
  const byPartition = new Map<number, Step[]>();
  for (const { rank, positions } of ranked) {
    for (const { partition, next } of positions) {
      const steps = byPartition.get(partition) ?? [];
      byPartition.set(partition, steps);
      if (next > (steps.at(-1)?.next ?? -1)) steps.push({ next, rank });
    }
  }
  const horizonsMs: number[] = [];
  let leastMs = Infinity;
  for (const { rank, asOfMs } of ranked.toReversed()) {
    leastMs = Math.min(leastMs, asOfMs);
    horizonsMs[rank] = leastMs;
  }
  return { byPartition, horizonsMs };
}

/** The rank of the first step whose `next` is beyond the offset; null: nobody saw it. */
function firstBeyond(steps: readonly Step[], offset: number): number | null {
  let [from, to] = [0, steps.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((steps[middle] as Step).next > offset) to = middle;
    else from = middle + 1;
  }
  return steps[from]?.rank ?? null;
}
