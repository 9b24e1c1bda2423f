/**
 * Erasures, as a lane of a repartitioned source sees them. Its entity's events come from every partition of the source, and
 * so do the control records that void them, each at a time of its own. The first to come erases the state: whatever is in
 * it, from whichever partition, lies below that partition's record. From then on events of the partitions whose record is
 * still to come are void, too. So what counts is a function of the lane's position, whatever order partitions come in.
 *
 * A partition that was moved from the middle on, its head being lost, may have lost its record as well: that is so when it
 * begins beyond the end that it had when the erasure was written.
 */
import type { Erasure } from '../event/erasure.ts';
import type { Erasing, PendingErasure } from '../store/store.ts';

export interface Erasures {
  /** Of source partitions that were not moved from their start: where they begin. */
  readonly begins: Map<number, number>;
  pending: readonly PendingErasure[];
}

export function createErasures(stored: Erasing | null): Erasures {
  const begins = Object.entries(stored?.begins ?? {}).map(
    ([partition, offset]) => [Number(partition), offset] as const,
  );
  return { begins: new Map(begins), pending: stored?.pending ?? [] };
}

/** For the checkpoint; null: nothing to remember. */
export function storedErasures({ begins, pending }: Erasures): Erasing | null {
  return begins.size === 0 && pending.length === 0 ? null : { begins: Object.fromEntries(begins), pending };
}

/** Notes the control record of one partition; answers whether it is the first of its erasure, which erases the state. */
export function passErasure(erasures: Erasures, { id, ends }: Erasure, entity: string, partition: number): boolean {
  if (isLost(erasures, partition, ends[partition])) return false;
  const known = erasures.pending.find((each) => each.id === id && each.entity === entity);
  const others = erasures.pending.filter((each) => each !== known);
  const waiting = Object.entries(known?.waiting ?? ends).filter(
    ([other, end]) => Number(other) !== partition && !isLost(erasures, Number(other), end),
  );
  erasures.pending = waiting.length === 0 ? others : [...others, { id, entity, waiting: Object.fromEntries(waiting) }];
  return known === undefined;
}

/** Whether an event of the entity, from this partition, lies below a control record that is still to come. */
export function isVoid({ pending }: Erasures, entity: string, partition: number): boolean {
  return pending.some((each) => each.entity === entity && each.waiting[partition] !== undefined);
}

/** What `partition` held below `offset` was lost before it could be moved. */
export function noteBegin(erasures: Erasures, partition: number, offset: number): void {
  erasures.begins.set(partition, offset);
  erasures.pending = erasures.pending.flatMap((each) => {
    const waiting = Object.entries(each.waiting).filter(([other, end]) => !isLost(erasures, Number(other), end));
    return waiting.length === 0 ? [] : [{ ...each, waiting: Object.fromEntries(waiting) }];
  });
}

function isLost({ begins }: Erasures, partition: number, end: number | undefined): boolean {
  return end !== undefined && (begins.get(partition) ?? 0) > end;
}
