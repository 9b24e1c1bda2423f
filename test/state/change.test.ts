/** What a flush writes: appended events alone as long as nothing is sealed, else head and tiles whole. */
import { describe, expect, test } from 'vitest';
import { CorruptBytesError } from '../../src/core/bytes.ts';
import { applyChange, decodeState, isMadeFrom, takeChange } from '../../src/state/codec.ts';
import { type EntityState, emptyState } from '../../src/state/entity-state.ts';
import { eraseState } from '../../src/state/erase.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import type { StateChange, StoredState } from '../../src/state/state.ts';
import { statesOf } from '../../src/state/tiles-codec.ts';
import { eventsOf, MINUTE, NOON, planOf, type Row, SECOND, show, storedAfter, times } from './support.ts';

const FEATURES = [
  { name: 'events', agg: 'count', windows: ['1m', '1h'] },
  { name: 'c_last', agg: 'last', of: 'c' },
];
const PLAN = planOf({ features: FEATURES, view: { head_max: 4 } });

/** Takes a change after every so many rows; null where there was none. */
function changesOf(plan: ViewPlan, flushes: readonly (readonly Row[])[]): (StateChange | null)[] {
  const state = emptyState(plan);
  const events = eventsOf(plan, flushes.flat());
  let next = 0;
  return flushes.map((rows) => {
    for (const _ of rows) fold(plan, state, events[next++] as (typeof events)[number]);
    return takeChange(plan, state);
  });
}

function shapeOf(change: StateChange | null | undefined): unknown {
  if (change === null || change === undefined) return null;
  return [change.fromVersion, change.toVersion, change.head.mode, change.tiles === null ? 'no tiles' : 'tiles'];
}

describe('a change', () => {
  test('is first the whole head, then what came since', () => {
    const changes = changesOf(PLAN, [times(NOON), times(NOON + 1, NOON + 2), [], times(NOON + 3)]);
    expect(changes.map(shapeOf)).toStrictEqual([
      [0, 1, 'replace', 'no tiles'],
      [1, 3, 'append', 'no tiles'],
      null,
      [3, 4, 'append', 'no tiles'],
    ]);
  });

  test('is head and tiles whole once a seal touched the tiles, and only then', () => {
    const changes = changesOf(PLAN, [
      times(NOON, NOON + 1, NOON + 2, NOON + 3),
      times(NOON + 4),
      times(NOON + 5),
      times(NOON + 2),
      times(NOON + 6),
    ]);
    expect(changes.map(shapeOf)).toStrictEqual([
      [0, 4, 'replace', 'no tiles'],
      [4, 5, 'replace', 'tiles'],
      [5, 6, 'append', 'no tiles'],
      [6, 7, 'append', 'no tiles'],
      [7, 8, 'append', 'no tiles'],
    ]);
  });

  test('is none for what was dropped', () => {
    const plan = planOf({ features: FEATURES.slice(0, 1), view: { head_max: 1 }, source: { event_id: 'id' } });
    const changes = changesOf(plan, [times(NOON, NOON + 1), times(NOON - 2 * 60 * MINUTE), [[NOON + 2, { id: 'a' }]]]);
    expect(changes.map(shapeOf)).toStrictEqual([[0, 2, 'replace', 'tiles'], null, [2, 3, 'replace', 'tiles']]);
    const again = changesOf(plan, [[[NOON, { id: 'a' }]], [[NOON + 1, { id: 'a' }]]]);
    expect(again.map(shapeOf)).toStrictEqual([[0, 1, 'replace', 'no tiles'], null]);
  });

  test('that appends is as long as its events, however long the head', () => {
    const plan = planOf({ features: FEATURES });
    const rows = times(...Array.from({ length: 200 }, (_, at) => NOON + at));
    const changes = changesOf(
      plan,
      rows.map((row) => [row]),
    );
    const lengths = changes.slice(1).map((change) => change?.head.bytes.length ?? 0);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(Math.min(...lengths) + 1);
  });

  test('says what is stored, and it can only be applied to that', () => {
    const rows = Array.from({ length: 60 }, (_none, at): Row => [NOON + at * SECOND, { c: `at ${at}` }]);
    const state = emptyState(PLAN);
    let stored: StoredState | null = null;
    const seen = new Set<string>();
    for (const event of eventsOf(PLAN, rows)) {
      fold(PLAN, state, event);
      const change = takeChange(PLAN, state) as StateChange;
      const isAppend = change.head.mode === 'append';
      const hadTiles: boolean = (stored?.tiles ?? null) !== null;
      expect(change.keepsTiles).toBe(isAppend && hadTiles);
      expect(isMadeFrom(change, stored)).toBe(true);
      if (stored !== null) {
        const otherBytes = Uint8Array.from(stored.head);
        otherBytes[otherBytes.length - 1] = (otherBytes.at(-1) ?? 0) ^ 1;
        expect(isMadeFrom(change, { ...stored, head: otherBytes })).toBe(!isAppend);
        expect(isMadeFrom(change, { ...stored, head: stored.head.subarray(0, 3) })).toBe(!isAppend);
        expect(isMadeFrom(change, { ...stored, version: stored.version + 1 })).toBe(false);
        expect(isMadeFrom(change, null)).toBe(false);
      }
      seen.add(`${change.head.mode}, ${hadTiles ? 'tiles' : 'no tiles'}`);
      stored = applyChange(stored, change);
    }
    expect([...seen].toSorted()).toEqual(['append, no tiles', 'append, tiles', 'replace, no tiles', 'replace, tiles']);
  });

  test('of the same events is other bytes where it was taken at other moments, and says so', () => {
    const events = eventsOf(PLAN, times(NOON, NOON + 1, NOON + 2));
    const [inTwo, inOne] = [emptyState(PLAN), emptyState(PLAN)] as const;
    for (const event of events.slice(0, 2)) {
      fold(PLAN, inTwo, event);
      fold(PLAN, inOne, event);
      takeChange(PLAN, inTwo);
    }
    const stored = applyChange(null, takeChange(PLAN, inOne) as StateChange);
    for (const state of [inTwo, inOne]) fold(PLAN, state, events[2] as (typeof events)[number]);
    const [other, own] = [takeChange(PLAN, inTwo), takeChange(PLAN, inOne)] as [StateChange, StateChange];
    expect(other).toMatchObject({ fromVersion: own.fromVersion, toVersion: own.toVersion });
    expect(isMadeFrom(own, stored)).toBe(true);
    expect(isMadeFrom(other, stored)).toBe(false);
    expect(() => decodeState(PLAN, applyChange(stored, other))).toThrow(CorruptBytesError);
  });

  test('is not disturbed by those taken after it', () => {
    const state = emptyState(PLAN);
    const events = eventsOf(PLAN, [
      ...times(NOON, NOON + 1, NOON + 2, NOON + 3, NOON + 4, NOON + 5, NOON + 1),
      [NOON + 6],
    ]);
    const taken: StateChange[] = [];
    const copies: string[] = [];
    for (const event of events) {
      fold(PLAN, state, event);
      const change = takeChange(PLAN, state);
      if (change === null) continue;
      taken.push(change);
      copies.push(text(change));
    }
    expect(taken.map(text)).toStrictEqual(copies);
    expect(taken).toHaveLength(8);
  });
});

function text({ head, tiles }: StateChange): string {
  return `${Buffer.from(head.bytes).toString('hex')} ${tiles === null ? '' : Buffer.from(tiles).toString('hex')}`;
}

describe('events out of order', () => {
  const WIDE = planOf({ features: FEATURES, view: { head_max: 100 } });
  const mixed = [5, 3, 8, 1, 1, 9, 0, 7, 2].map((at): Row => [NOON + at * SECOND, { c: `at ${at}` }]);

  test('are appended as they come, and read in their order', () => {
    const events = eventsOf(WIDE, mixed);
    for (const flushEvery of [1, 2, 4]) {
      const state = emptyState(WIDE);
      let stored: StoredState | null = null;
      for (const [index, event] of events.entries()) {
        fold(WIDE, state, event);
        if ((index + 1) % flushEvery !== 0) continue;
        const change = takeChange(WIDE, state);
        if (change === null) throw new Error('no change');
        if (stored !== null) expect(change.head.mode).toBe('append');
        stored = applyChange(stored, change);
        const read = decodeState(WIDE, stored);
        expect(read.head.events().map((each) => each.offset)).toStrictEqual(
          state.head.events().map((each) => each.offset),
        );
        expect(read.head.events().map((each) => each.columns)).toStrictEqual(
          state.head.events().map((each) => each.columns),
        );
      }
    }
  });

  test('are held a second time only until they are written', () => {
    const state = emptyState(WIDE);
    const [first, ...rest] = eventsOf(WIDE, mixed);
    if (first === undefined) throw new Error('no event');
    fold(WIDE, state, first);
    takeChange(WIDE, state);
    for (const event of rest) fold(WIDE, state, event);
    expect(state.stored.scattered).not.toBeNull();
    takeChange(WIDE, state);
    expect(state.stored.scattered).toBeNull();
  });

  test('give the same stored head as in order, once it is written whole', () => {
    const whole = storedAfter(WIDE, mixed);
    const state = decodeState(WIDE, storedAfter(WIDE, mixed, 1));
    state.stored.rewrite = true;
    state.stored.version = -1;
    expect(Buffer.from(takeChange(WIDE, state)?.head.bytes ?? [])).toStrictEqual(Buffer.from(whole.head));
  });
});

describe('a head that is written whole again and again', () => {
  // Long enough for its records to be copied rather than written again; the horizon lets 25 go at a time.
  const LONG = planOf({
    features: FEATURES,
    view: { head_max: 200, history: '150s' },
  });

  /** Each time a change is due, an entity that was never stored before must say the same. */
  function expectSameAsAnew(rows: readonly Row[], flushEvery: number): number {
    const state = emptyState(LONG);
    const anew = emptyState(LONG);
    let rewritten = 0;
    for (const [index, event] of eventsOf(LONG, rows).entries()) {
      fold(LONG, state, event);
      fold(LONG, anew, event);
      if (index % flushEvery !== 0) continue;
      const change = takeChange(LONG, state);
      if (change?.head.mode !== 'replace') continue;
      rewritten += 1;
      const whole = takeWhole(anew);
      expect(text(change), `after ${index + 1}`).toBe(text(whole));
    }
    return rewritten;
  }

  function takeWhole(state: EntityState): StateChange {
    for (const level of LONG.levels) {
      for (const tile of state.tiles[level.index] ?? []) {
        statesOf(level, tile, state.stored);
        tile.storedFrom = -1;
      }
    }
    state.stored.rewrite = true;
    state.stored.version = -1;
    const change = takeChange(LONG, state);
    if (change === null) throw new Error('no change');
    return change;
  }

  test.each([1, 7, 30])('is the same as one written for the first time, flushed every %i', (flushEvery) => {
    const rows = Array.from({ length: 600 }, (_, at): Row => [NOON + at * SECOND, { c: `value ${at}` }]);
    expect(expectSameAsAnew(rows, flushEvery)).toBeGreaterThan(4);
  });

  test.each([1, 7, 30])('also when events come out of order, flushed every %i', (flushEvery) => {
    const rows = Array.from({ length: 600 }, (_, at): Row => {
      const backMs = at % 5 === 0 ? ((at * 7_919) % 140) * SECOND : 0;
      return [NOON + at * SECOND - backMs, { c: `value ${at}` }];
    });
    expect(expectSameAsAnew(rows, flushEvery)).toBeGreaterThan(4);
  });

  test('is read as what is in memory', () => {
    const rows = Array.from({ length: 400 }, (_, at): Row => [NOON + at * SECOND, { c: `value ${at}` }]);
    const state = emptyState(LONG);
    let stored: StoredState | null = null;
    for (const [index, event] of eventsOf(LONG, rows).entries()) {
      fold(LONG, state, event);
      const change = takeChange(LONG, state);
      if (change === null) throw new Error('no change');
      stored = applyChange(stored, change);
      if (index % 10 !== 0) continue;
      const asOfMs = event.tsMs + 1;
      const read = decodeState(LONG, stored);
      expect(show(evaluate(LONG, read, asOfMs, null))).toBe(show(evaluate(LONG, state, asOfMs, null)));
    }
  });
});

describe('an erased state', () => {
  const SEALED = times(...Array.from({ length: 40 }, (_none, index) => NOON + index * SECOND));

  /** Folded, stored, and in part not stored yet. */
  function busy(): { readonly state: EntityState; readonly stored: StoredState } {
    const state = emptyState(PLAN);
    const events = eventsOf(PLAN, SEALED);
    for (const event of events.slice(0, 30)) fold(PLAN, state, event);
    const stored = applyChange(null, takeChange(PLAN, state) as StateChange);
    for (const event of events.slice(30)) fold(PLAN, state, event);
    return { state, stored };
  }

  test('deletes what is stored, head and tiles, and only once', () => {
    const { state, stored } = busy();
    expect(stored.tiles).not.toBeNull();
    eraseState(state);
    expect(shapeOf(takeChange(PLAN, state))).toStrictEqual([30, 0, 'delete', 'no tiles']);
    expect(takeChange(PLAN, state)).toBeNull();
  });

  test('that was never stored leaves nothing to delete', () => {
    const state = emptyState(PLAN);
    for (const event of eventsOf(PLAN, SEALED)) fold(PLAN, state, event);
    eraseState(state);
    expect(takeChange(PLAN, state)).toBeNull();
  });

  test('is one that never was: what comes then is stored and answered as if it had come first', () => {
    const { state } = busy();
    eraseState(state);
    takeChange(PLAN, state);
    const fresh = emptyState(PLAN);
    const again = eventsOf(PLAN, SEALED.slice(20));
    for (const each of [state, fresh]) for (const event of again) fold(PLAN, each, event);
    expect(evaluate(PLAN, state, NOON + MINUTE, null)).toStrictEqual(evaluate(PLAN, fresh, NOON + MINUTE, null));
    expect(takeChange(PLAN, state)).toStrictEqual(takeChange(PLAN, fresh));
  });

  test('takes no event before its deletion was taken: the stored tiles would outlive it', () => {
    const { state } = busy();
    eraseState(state);
    fold(PLAN, state, eventsOf(PLAN, SEALED)[0] as ReturnType<typeof eventsOf>[number]);
    expect(() => takeChange(PLAN, state)).toThrow('what was erased');
  });
});
