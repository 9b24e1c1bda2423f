/**
 * By position: before each request come the events that its receipt has seen and no others, a state may be sealed only up to
 * times that no request to come asks for, and requests that nothing can be said of are told apart.
 */
import { expect, test } from 'vitest';
import { ByteWriter } from '../../src/core/bytes.ts';
import { EVENT, KNOWN } from '../../src/replay/fold-orders.ts';
import { BY_POSITION } from '../../src/replay/position-order.ts';
import { type RowSorter, createRowSorter } from '../../src/replay/row-sorter.ts';
import {
  type RequestRow,
  emptyEventRow,
  readEventRow,
  readRequestRow,
  writeEventRow,
  writeRequestRow,
} from '../../src/replay/work-rows.ts';
import { type Random, createRandom } from '../oracle/random.ts';
import { folderForTest } from './support.ts';

interface Asked {
  readonly id: number;
  readonly row: number;
  readonly asOfMs: number;
  /** By partition. */
  readonly next: readonly number[];
}

interface Happened {
  readonly id: number;
  readonly partition: number;
  readonly offset: number;
}

interface Part {
  readonly asked: readonly Asked[];
  readonly events: readonly Happened[];
  /** By id and partition; -1: nothing is void. */
  readonly voided: readonly (readonly number[])[];
}

interface Ordered {
  /** By row: events before it, as texts, and those among them with a horizon beyond what it asks for. */
  readonly seen: ReadonlyMap<number, readonly string[]>;
  readonly early: readonly string[];
  readonly skipped: ReadonlyMap<number, number>;
}

const APPEARANCE = 3;

function requestOf({ row, asOfMs, next }: Asked): RequestRow {
  const positions = next.map((below, partition) => ({ partition, next: below }));
  return { asOfMs, row, appearance: APPEARANCE, heldMs: null, seen: { completeMs: null, positions } };
}

function put({ asked, events, voided }: Part, sorter: RowSorter): ReadonlyMap<number, number> {
  const skipped = new Map<number, number>();
  const order = BY_POSITION.begin({
    sorter,
    voidedBelow: (id, partition) => voided[id]?.[partition] ?? -1,
    skip(row, appearance, reason) {
      expect(appearance).toBe(APPEARANCE);
      expect(skipped.has(row)).toBe(false);
      skipped.set(row, reason);
    },
  });
  const writer = new ByteWriter();
  for (const each of asked) {
    writer.reset();
    const request = requestOf(each);
    writeRequestRow(writer, request);
    order.request(each.id, request, writer.buffer, 0, writer.length);
  }
  order.endRequests();
  for (const { id, partition, offset } of events) {
    writer.reset();
    const event = { ...emptyEventRow(), entityKey: '', columns: [], filterBits: 0, eventId: null, partition, offset };
    writeEventRow(writer, event, null, 0);
    order.event(id, event, writer.buffer, 0, writer.length);
  }
  return skipped;
}

function orderOf(part: Part): Ordered {
  const sorter = createRowSorter(folderForTest(), 1_000);
  const skipped = put(part, sorter);
  const seen = new Map<number, readonly string[]>();
  const early: string[] = [];
  let [id, before]: [number, { text: string; horizonMs: number }[]] = [-1, []];
  for (const rows = sorter.sorted(); rows.next(); ) {
    if (rows.id !== id) [id, before] = [rows.id, []];
    if (rows.second === EVENT) {
      const event = emptyEventRow();
      readEventRow(rows.reader, event);
      before.push({ text: `${event.partition}:${event.offset}`, horizonMs: rows.third });
      continue;
    }
    const { row, asOfMs } = readRequestRow(rows.reader);
    seen.set(row, before.map(({ text }) => text).toSorted());
    early.push(...before.filter(({ horizonMs }) => horizonMs > asOfMs).map(({ text }) => `${row} ${text}`));
  }
  sorter.close();
  return { seen, early, skipped };
}

function expectedOf({ asked, events, voided }: Part): Omit<Ordered, 'early'> {
  const seen = new Map<number, readonly string[]>();
  const skipped = new Map<number, number>();
  for (const one of asked) {
    const others = asked.filter(({ id }) => id === one.id);
    // Positions of one shard only grow: of two, one saw all that the other did.
    const isCrossed = others.some((a) =>
      others.some(
        (b) =>
          a.next.some((next, at) => next < (b.next[at] as number)) &&
          a.next.some((next, at) => next > (b.next[at] as number)),
      ),
    );
    const isErased = one.next.some((next, partition) => next <= (voided[one.id]?.[partition] ?? -1));
    if (isErased || isCrossed) {
      skipped.set(one.row, isErased ? KNOWN.erased : KNOWN.crossed);
      continue;
    }
    const before = events.filter(
      ({ id, partition, offset }) => id === one.id && offset < (one.next[partition] as number),
    );
    seen.set(one.row, before.map(({ partition, offset }) => `${partition}:${offset}`).toSorted());
  }
  return { seen, skipped };
}

function partFor(random: Random): Part {
  const partitions = random.integer(1, 3);
  const asked: Asked[] = [];
  const events: Happened[] = [];
  const voided: number[][] = [];
  for (let id = 0; id < 4; id++) {
    const next = Array.from({ length: partitions }, () => random.integer(0, 2));
    for (let count = random.integer(1, 8); count > 0; count--) {
      // Some saw the same, and now and then one contradicts those before.
      if (random.chance(0.7)) {
        const at = random.integer(0, partitions - 1);
        next[at] = Math.max(0, (next[at] as number) + (random.chance(0.1) ? -1 : random.integer(0, 3)));
      }
      asked.push({ id, row: asked.length, asOfMs: random.integer(0, 20), next: [...next] });
    }
    for (let partition = 0; partition < partitions; partition++) {
      for (let offset = 0; offset < 8; offset++) if (random.chance(0.7)) events.push({ id, partition, offset });
    }
    voided.push(Array.from({ length: partitions }, () => (random.chance(0.1) ? random.integer(0, 4) : -1)));
  }
  return { asked: random.shuffle(asked), events: random.shuffle(events), voided };
}

function byRow<T>(some: ReadonlyMap<number, T>): readonly (readonly [number, T])[] {
  return [...some].toSorted(([one], [other]) => one - other);
}

test.each([1, 2, 3, 4, 5])(
  'each request comes after the events that it saw, and no others, seeds from %i01',
  (hundred) => {
    const reasons = new Set<number>();
    for (let seed = hundred * 100 + 1; seed <= hundred * 100 + 60; seed++) {
      const part = partFor(createRandom(seed));
      const { seen, early, skipped } = orderOf(part);
      const expected = expectedOf(part);
      expect({ seed, skipped: byRow(skipped) }).toEqual({
        seed,
        skipped: byRow(expected.skipped),
      });
      expect({ seed, seen: byRow(seen) }).toEqual({
        seed,
        seen: byRow(expected.seen),
      });
      expect({ seed, early }).toEqual({ seed, early: [] });
      for (const reason of skipped.values()) reasons.add(reason);
    }
    expect(reasons).toEqual(new Set([KNOWN.erased, KNOWN.crossed]));
  },
);
