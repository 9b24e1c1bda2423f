/** Events below the seal: appended to the stored head like others, and read into the tiles, until they are too many. */
import { expect, test } from 'vitest';
import { applyChange, decodeState, takeChange } from '../../src/state/codec.ts';
import { type EntityState, emptyState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import type { StoredState } from '../../src/state/state.ts';
import { randomFrom } from '../contract/random.ts';
import { eventsOf, MINUTE, NOON, planOf, type Row, SECOND, show, times } from './support.ts';

const FEATURES = [
  { name: 'events', agg: 'count', windows: ['1m', '1h'] },
  { name: 'x_sum', agg: 'sum', of: 'x', windows: ['1h'] },
  { name: 'c_last', agg: 'last', of: 'c' },
];
const HEAD_MAX = 8;
const PLAN = planOf({ features: FEATURES, view: { head_max: HEAD_MAX } });

function change(plan: ViewPlan, state: EntityState) {
  const taken = takeChange(plan, state);
  if (taken === null) throw new Error('no change');
  return taken;
}

/** Event times that go forth and now and then far back. */
function disorderly(seed: number, count: number): Row[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_none, at): Row => {
    const backMs = random.chance(0.3) ? random.int(50) * MINUTE : 0;
    return [NOON + at * 20 * SECOND - backMs, { x: at / 7, c: `event ${at}` }];
  });
}

test.each([1, 2, 3, 4, 5])('what is stored says the same as what is in memory, in any batches (seed %i)', (seed) => {
  const rows = disorderly(seed, 160);
  for (const flushEvery of [1, 3, 10]) {
    const state = emptyState(PLAN);
    let stored: StoredState | null = null;
    let late = 0;
    for (const [index, event] of eventsOf(PLAN, rows).entries()) {
      if (fold(PLAN, state, event) === 'late') late++;
      if (index % flushEvery !== 0) continue;
      stored = applyChange(stored, change(PLAN, state));
      const read = decodeState(PLAN, stored);
      expect(read.sealedNewestMs).toBe(state.sealedNewestMs);
      expect(read.stored.late).toBe(state.stored.late);
      for (const asOf of [state.sealedUntilMs, event.tsMs + 1, NOON + 160 * 20 * SECOND]) {
        if (asOf === -Infinity) continue;
        expect(show(evaluate(PLAN, read, asOf, null))).toBe(show(evaluate(PLAN, state, asOf, null)));
      }
    }
    expect(late).toBeGreaterThan(10);
  }
});

test.each([1, 2, 3, 4, 5])(
  'who reads state after state shares tiles that are the same, and no more (seed %i)',
  (seed) => {
    const state = emptyState(PLAN);
    const read = (each: EntityState): string =>
      [each.sealedUntilMs, NOON + 160 * 20 * SECOND]
        .filter((asOf) => asOf !== -Infinity)
        .map((asOf) => show(evaluate(PLAN, each, asOf, null)))
        .join('\n');
    let stored: StoredState | null = null;
    let before: { readonly state: EntityState; readonly text: string } | null = null;
    let shared = 0;
    let ownLate = 0;
    for (const event of eventsOf(PLAN, disorderly(seed, 160))) {
      fold(PLAN, state, event);
      stored = applyChange(stored, change(PLAN, state));
      const next = decodeState(PLAN, stored, before?.state ?? null);
      const text = read(next);
      expect(text).toBe(read(decodeState(PLAN, stored)));
      // What was added to the tiles of one is not in those of the other.
      if (before !== null) expect(read(before.state)).toBe(before.text);
      if (next.tiles === before?.state.tiles) shared++;
      else if (next.stored.late > 0) ownLate++;
      before = { state: next, text };
    }
    expect(shared).toBeGreaterThan(10);
    expect(ownLate).toBeGreaterThan(5);
  },
);

test('folding on from what is stored gives the bytes that folding on in memory gives, once they are written whole', () => {
  const rows = disorderly(9, 120);
  const events = eventsOf(PLAN, rows);
  const kept = emptyState(PLAN);
  let again = emptyState(PLAN);
  let stored: StoredState | null = null;
  let storedAgain: StoredState | null = null;
  for (const event of events) {
    fold(PLAN, kept, event);
    fold(PLAN, again, event);
    stored = applyChange(stored, change(PLAN, kept));
    storedAgain = applyChange(storedAgain, change(PLAN, again));
    expect(storedAgain).toStrictEqual(stored);
    again = decodeState(PLAN, storedAgain);
  }
});

test('late events alone are appended, until they are more than half of what a head holds', () => {
  const state = emptyState(PLAN);
  for (const event of eventsOf(PLAN, times(...Array.from({ length: HEAD_MAX + 1 }, (_none, at) => NOON + at))))
    fold(PLAN, state, event);
  expect(change(PLAN, state).tiles).not.toBeNull();
  const modes = eventsOf(PLAN, times(...Array.from({ length: 11 }, () => NOON - MINUTE))).map((event) => {
    expect(fold(PLAN, state, event)).toBe('late');
    return change(PLAN, state).head.mode;
  });
  const four = ['append', 'append', 'append', 'append'];
  expect(modes).toStrictEqual([...four, 'replace', ...four, 'replace', 'append']);
});
