/**
 * The orders in which a part's events and requests can be gone through: each says which events a request may see, by having
 * them come before it, and up to where a state may be sealed meanwhile. Entities go by the number that they have in the part.
 */
import type { RowSorter } from './row-sorter.ts';
import type { EventRow, RequestRow } from './work-rows.ts';

export interface FoldOrder {
  /** What its results are of. */
  readonly known: number;
  /** Whether a request says itself since when its entity's history is known. */
  readonly hasOwnHistory: boolean;
  /** Whether what it folds comes in the order of time. */
  readonly isByTime: boolean;
  begin(part: OrderedPart): PartOrder;
}

/** What an order is told of a part, and where it puts rows: `third` is the horizon, up to which a state may be sealed. */
export interface OrderedPart {
  readonly sorter: RowSorter;
  /** The entity's events below it are void; -1: none are. */
  voidedBelow(id: number, partition: number): number;
  /** A request is not evaluated; why. */
  skip(row: number, appearance: number, reason: number): void;
}

/** Takes the rows of a part; `bytes[from, to)` is the row. */
export interface PartOrder {
  request(id: number, request: RequestRow, bytes: Uint8Array, from: number, to: number): void;
  /** After the last request, before the first event. */
  endRequests(): void;
  event(id: number, event: EventRow, bytes: Uint8Array, from: number, to: number): void;
}

/** What results are of. */
export const KNOWN = {
  eventTime: 0,
  arrival: 1,
  /** By the position of a receipt, and since when history was known then. */
  position: 2,
  /** The same, with history as the log holds it now; only where that is another. */
  held: 3,
  /** Nothing, for the entity was erased since. */
  erased: 4,
  /** Nothing, for positions of one shard contradict each other. */
  crossed: 5,
} as const;

/** What an event has in place of the appearance that a request is for, so that at one time events come first. */
export const EVENT = -1;

export const BY_EVENT_TIME: FoldOrder = {
  known: KNOWN.eventTime,
  hasOwnHistory: false,
  isByTime: true,
  begin: ({ sorter }) => timeOrder(sorter, ({ tsMs }) => tsMs),
};

export const BY_ARRIVAL: FoldOrder = {
  known: KNOWN.arrival,
  hasOwnHistory: false,
  isByTime: true,
  begin: ({ sorter }) => timeOrder(sorter, ({ knownMs }) => knownMs),
};

/** Whether an event is before the label's time `evaluate` sees to. What is known after the last request nobody sees. */
function timeOrder(sorter: RowSorter, timeOf: (event: EventRow) => number | null): PartOrder {
  /** By id: of requests. */
  const lastMs: number[] = [];
  return {
    request(id, { asOfMs, appearance }, bytes, from, to) {
      lastMs[id] = Math.max(lastMs[id] ?? -Infinity, asOfMs);
      sorter.push(id, asOfMs, appearance, asOfMs, bytes, from, to);
    },
    endRequests() {},
    event(id, event, bytes, from, to) {
      const ms = timeOf(event);
      if (ms !== null && ms <= (lastMs[id] ?? -Infinity)) sorter.push(id, ms, EVENT, ms, bytes, from, to);
    },
  };
}
