/** The head's two forms: whatever was asked of it before, it holds what an array of its events would hold. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../src/core/bytes.ts';
import type { HeadEvent } from '../../src/state/entity-state.ts';
import { Head, columnsFor } from '../../src/state/head.ts';
import { writeRecord } from '../../src/state/record-codec.ts';
import { NOON, planOf } from './support.ts';

const plan = planOf({ features: [{ name: 'c_last', agg: 'last', of: 'c' }] });

type Step =
  | readonly ['insert', number, string | null]
  | readonly ['take', number]
  | readonly ['drop']
  | readonly ['read'];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('insert' as const), fc.nat(20), fc.option(fc.string(), { nil: null })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('take' as const), fc.nat(8)) },
  { weight: 1, arbitrary: fc.constant(['drop'] as const) },
  { weight: 1, arbitrary: fc.constant(['read'] as const) },
);

/** Few times and descending offsets, so that places are equal in time and differ in order. */
function eventOf(tick: number, offset: number, value: string | null): HeadEvent {
  return { tsMs: NOON + tick, partition: tick % 2, offset, filterBits: tick, columns: [value], eventId: null };
}

function recordsOf(events: readonly HeadEvent[]): string {
  const writer = new ByteWriter();
  for (const event of events) writeRecord(plan, event, writer);
  return Buffer.from(writer.copy()).toString('hex');
}

function written(head: Head, index: number): string {
  const writer = new ByteWriter();
  head.write(writer, index);
  return Buffer.from(writer.copy()).toString('hex');
}

function insertSorted(events: HeadEvent[], event: HeadEvent): void {
  events.push(event);
  events.sort((one, other) => one.tsMs - other.tsMs || one.partition - other.partition || one.offset - other.offset);
}

describe('a head', () => {
  test('is an array of its events in total order, in either form', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps: readonly Step[], isDecoded) => {
        const model: HeadEvent[] = [];
        const head = new Head(plan, isDecoded ? columnsFor(plan) : null);
        for (const [at, [kind, amount = 0, value = null]] of steps.entries()) {
          if (kind === 'insert') {
            const event = eventOf(amount, 1_000 - at, value);
            insertSorted(model, event);
            const place = head.placeOf(event);
            expect(place).toBe(model.indexOf(event));
            head.insert(place, event);
          }
          if (kind === 'take') {
            const count = Math.min(amount, model.length);
            expect(head.takeOldest(count)).toStrictEqual(model.splice(0, count));
          }
          if (kind === 'drop') head.dropEvents();
          if (kind === 'read') expect(head.events()).toStrictEqual(model);
          expect(head).toHaveLength(model.length);
          expect(head.indexAt(NOON + 10)).toBe(model.filter(({ tsMs }) => tsMs < NOON + 10).length);
          expect(written(head, model.length >> 1)).toBe(recordsOf(model.slice(model.length >> 1)));
        }
        expect(model.map((_event, index) => head.tsAt(index))).toStrictEqual(model.map(({ tsMs }) => tsMs));
        expect(head.events()).toStrictEqual(model);
      }),
      { numRuns: 500, verbose: true },
    );
  });

  test('answers copies of records, which later events do not change', () => {
    const head = new Head(plan, null);
    head.insert(0, eventOf(5, 1, 'a'));
    const copied = head.records(0);
    head.insert(0, eventOf(1, 2, 'b'));
    expect(Buffer.from(copied).toString('hex')).toBe(recordsOf([eventOf(5, 1, 'a')]));
    expect(Buffer.from(head.records(1)).toString('hex')).toBe(recordsOf([eventOf(5, 1, 'a')]));
  });
});
