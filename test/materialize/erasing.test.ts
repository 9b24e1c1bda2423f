import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Erasure } from '../../src/event/erasure.ts';
import {
  createErasures,
  type Erasures,
  isVoid,
  noteBegin,
  passErasure,
  storedErasures,
} from '../../src/materialize/erasing.ts';

const PARTITIONS = 3;
const ENTITY = '["a"]';
const erasureOf = (id: string, ends: Record<number, number>): Erasure => ({ id, entities: { key: ENTITY }, ends });
const fresh = (): Erasures => createErasures(null);

/** A source partition: events, and control records of the erasures 0, 1, … in that order, as all partitions have them. */
type Item = { readonly control: number } | { readonly event: string };

const partitionsOf = (erasures: number): fc.Arbitrary<readonly (readonly Item[])[]> =>
  fc
    .array(fc.array(fc.nat(3), { minLength: erasures + 1, maxLength: erasures + 1 }), {
      minLength: PARTITIONS,
      maxLength: PARTITIONS,
    })
    .map((counts) =>
      counts.map((between, partition) =>
        between.flatMap((count, index): Item[] => [
          ...Array.from({ length: count }, (_none, at) => ({ event: `${partition}/${index}/${at}` })),
          ...(index < erasures ? [{ control: index }] : []),
        ]),
      ),
    );

/** The offsets of control records are known beforehand: `ends` is any bound at or below them. */
function run(partitions: readonly (readonly Item[])[], order: readonly number[], restartAfter: ReadonlySet<number>) {
  const erasures = [0, 1].map((index) =>
    erasureOf(
      `e${index}`,
      Object.fromEntries(
        partitions.map((items, partition) => [
          partition,
          items.findIndex((item) => 'control' in item && item.control === index),
        ]),
      ),
    ),
  );
  let state = fresh();
  let kept: string[] = [];
  const next = partitions.map(() => 0);
  for (const [step, wanted] of order.entries()) {
    const partition = Array.from({ length: PARTITIONS }, (_none, turn) => (wanted + turn) % PARTITIONS).find(
      (each) => (next[each] ?? 0) < (partitions[each]?.length ?? 0),
    );
    if (partition === undefined) break;
    const item = partitions[partition]?.[next[partition] ?? 0] as Item;
    next[partition] = (next[partition] ?? 0) + 1;
    if ('event' in item) {
      if (!isVoid(state, ENTITY, partition)) kept.push(item.event);
    } else if (passErasure(state, erasures[item.control] as Erasure, ENTITY, partition)) kept = [];
    if (restartAfter.has(step)) state = createErasures(JSON.parse(JSON.stringify(storedErasures(state))) as null);
  }
  return { kept, next, rest: storedErasures(state) };
}

/** Of what was read of each partition: void is what lies below a control record of an erasure that any partition told of. */
function expectedOf(partitions: readonly (readonly Item[])[], next: readonly number[]): readonly string[] {
  const seen = new Set(
    partitions.flatMap((items, partition) =>
      items.slice(0, next[partition]).flatMap((item) => ('control' in item ? [item.control] : [])),
    ),
  );
  return partitions.flatMap((items, partition) =>
    items.slice(0, next[partition]).flatMap((item, offset) => {
      if ('control' in item) return [];
      const isBelow = items.slice(offset).some((later) => 'control' in later && seen.has(later.control));
      return isBelow ? [] : [item.event];
    }),
  );
}

test('what counts is a function of the position: partitions in any order, restarts anywhere', () => {
  fc.assert(
    fc.property(
      partitionsOf(2),
      fc.array(fc.nat(PARTITIONS - 1), { minLength: 40, maxLength: 40 }),
      fc.nat(40),
      fc.uniqueArray(fc.nat(40)),
      (partitions, order, steps, restarts) => {
        const { kept, next } = run(partitions, order.slice(0, steps), new Set(restarts));
        expect(kept.toSorted()).toEqual(expectedOf(partitions, next).toSorted());
      },
    ),
    { numRuns: 2_000 },
  );
});

test('once every partition has told of them, nothing is remembered', () => {
  fc.assert(
    fc.property(partitionsOf(2), fc.array(fc.nat(2), { minLength: 60, maxLength: 60 }), (partitions, order) => {
      expect(run(partitions, order, new Set()).rest).toBeNull();
    }),
  );
});

test('a partition that begins beyond its end of then has lost its control record: nothing is waited for', () => {
  const state = fresh();
  noteBegin(state, 1, 20);
  expect(passErasure(state, erasureOf('e', { 0: 5, 1: 12 }), ENTITY, 0)).toBe(true);
  expect(isVoid(state, ENTITY, 1)).toBe(false);
  expect(storedErasures(state)).toEqual({ begins: { 1: 20 }, pending: [] });
});

test('so it is where the loss is told of after the erasure', () => {
  const state = fresh();
  passErasure(state, erasureOf('e', { 0: 5, 1: 12, 2: 3 }), ENTITY, 0);
  expect(isVoid(state, ENTITY, 1)).toBe(true);
  noteBegin(state, 1, 20);
  expect(isVoid(state, ENTITY, 1)).toBe(false);
  expect(isVoid(state, ENTITY, 2)).toBe(true);
});

test('a control record that is held all the same, beyond the begin, erases nothing again', () => {
  const state = fresh();
  noteBegin(state, 1, 20);
  passErasure(state, erasureOf('e', { 0: 5, 1: 12 }), ENTITY, 0);
  expect(passErasure(state, erasureOf('e', { 0: 5, 1: 12 }), ENTITY, 1)).toBe(false);
});

test('a partition that begins at or below its end of then has its control record still to come', () => {
  const state = fresh();
  noteBegin(state, 1, 12);
  passErasure(state, erasureOf('e', { 0: 5, 1: 12 }), ENTITY, 0);
  expect(isVoid(state, ENTITY, 1)).toBe(true);
  expect(isVoid(state, '["b"]', 1)).toBe(false);
  expect(passErasure(state, erasureOf('e', { 0: 5, 1: 12 }), ENTITY, 1)).toBe(false);
  expect(isVoid(state, ENTITY, 1)).toBe(false);
});

test('a position that a topic has grown beyond waits for the partitions there were', () => {
  const state = fresh();
  passErasure(state, erasureOf('e', { 0: 5 }), ENTITY, 0);
  expect(isVoid(state, ENTITY, 1)).toBe(false);
});
