/**
 * Events one after the other in total order, a list for each of their properties: whoever evaluates goes through one column
 * at a time. As objects a head of twenty would be forty of them.
 */
import type { Value } from '../core/value.ts';
import type { HeadEvent } from './entity-state.ts';

export class EventColumns {
  readonly tsMs: number[] = [];
  readonly partitions: number[] = [];
  readonly offsets: number[] = [];
  readonly filterBits: number[] = [];
  /** By column of the view. */
  readonly values: readonly Value[][];
  /** Empty where the source declares none. */
  readonly eventIds: (string | null)[] = [];
  readonly #hasEventId: boolean;

  constructor(columnCount: number, hasEventId: boolean) {
    const values: Value[][] = [];
    for (let column = 0; column < columnCount; column++) values.push([]);
    this.values = values;
    this.#hasEventId = hasEventId;
  }

  get length(): number {
    return this.tsMs.length;
  }

  eventAt(index: number): HeadEvent {
    return {
      tsMs: this.tsMs[index] as number,
      partition: this.partitions[index] as number,
      offset: this.offsets[index] as number,
      filterBits: this.filterBits[index] as number,
      columns: this.values.map((column) => column[index] as Value),
      eventId: this.eventIds[index] ?? null,
    };
  }

  insert(at: number, event: HeadEvent): void {
    place(this.tsMs, at, event.tsMs);
    place(this.partitions, at, event.partition);
    place(this.offsets, at, event.offset);
    place(this.filterBits, at, event.filterBits);
    for (let column = 0; column < this.values.length; column++) {
      place(this.values[column] as Value[], at, event.columns[column] as Value);
    }
    if (this.#hasEventId) place(this.eventIds, at, event.eventId);
  }

  dropFirst(count: number): void {
    for (const list of [this.tsMs, this.partitions, this.offsets, this.filterBits, ...this.values, this.eventIds]) {
      list.splice(0, count);
    }
  }

  /** Whether no event comes before the one ahead of it. */
  isSorted(): boolean {
    for (let index = 1; index < this.tsMs.length; index++) if (this.#compare(index, index - 1) < 0) return false;
    return true;
  }

  /** The same events in total order. */
  sorted(): EventColumns {
    const order = this.tsMs.map((_ts, index) => index);
    order.sort((one, other) => this.#compare(one, other));
    const sorted = new EventColumns(this.values.length, this.#hasEventId);
    pick(this.tsMs, order, sorted.tsMs);
    pick(this.partitions, order, sorted.partitions);
    pick(this.offsets, order, sorted.offsets);
    pick(this.filterBits, order, sorted.filterBits);
    for (let column = 0; column < this.values.length; column++) {
      pick(this.values[column] as Value[], order, sorted.values[column] as Value[]);
    }
    if (this.#hasEventId) pick(this.eventIds, order, sorted.eventIds);
    return sorted;
  }

  #compare(one: number, other: number): number {
    const { tsMs, partitions, offsets } = this;
    return (
      (tsMs[one] as number) - (tsMs[other] as number) ||
      (partitions[one] as number) - (partitions[other] as number) ||
      (offsets[one] as number) - (offsets[other] as number)
    );
  }
}

function pick<T>(from: readonly T[], order: readonly number[], into: T[]): void {
  for (let index = 0; index < order.length; index++) into.push(from[order[index] as number] as T);
}

function place<T>(list: T[], at: number, element: T): void {
  if (at === list.length) list.push(element);
  else list.splice(at, 0, element);
}

/** Index of the first of these ascending times that is at least `tsMs`. */
export function timeIndexAt(times: readonly number[], tsMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < tsMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
