/** When the oldest events of a head become tiles, and how many: by the entity's log alone, worked out by hand. */
import { describe, expect, test } from 'vitest';
import { decodeState } from '../../src/state/codec.ts';
import { type EntityState, emptyState } from '../../src/state/entity-state.ts';
import { fold } from '../../src/state/fold.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import {
  HOUR,
  MINUTE,
  NOON,
  SECOND,
  eventsOf,
  foldRows,
  planOf,
  type Row,
  storedAfter,
  times,
  valueAt,
} from './support.ts';

const COUNT = [{ name: 'f', agg: 'count', windows: ['1h'] }];
const LIFETIME = [{ name: 'f', agg: 'count' }];

/** Length of the head after each event. */
function headLengths(plan: ViewPlan, rows: readonly Row[]): number[] {
  const state = emptyState(plan);
  return eventsOf(plan, rows).map((event) => {
    fold(plan, state, event);
    return state.head.length;
  });
}

/** `count` events, one a second from `NOON` on. */
const everySecond = (count: number): Row[] => times(...Array.from({ length: count }, (_, at) => NOON + at * SECOND));

function sealOf({ sealedUntilMs, sealedNewestMs, head, forcedSeals }: EntityState): object {
  return { sealedUntilMs, sealedNewestMs, head: head.events().map((event) => event.tsMs), forcedSeals };
}

describe('head_max', () => {
  test('is kept, and one event more seals down to half', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 6 } });
    expect(headLengths(plan, everySecond(12))).toStrictEqual([1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4]);
  });

  test('an odd one keeps the half rounded down', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 5 } });
    expect(headLengths(plan, everySecond(7))).toStrictEqual([1, 2, 3, 4, 5, 2, 3]);
  });

  test('of one keeps the newest', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 1 } });
    expect(headLengths(plan, everySecond(4))).toStrictEqual([1, 1, 1, 1]);
  });

  test('a seal says until when and which was the newest', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 4 } });
    expect(sealOf(foldRows(plan, everySecond(5)).state)).toStrictEqual({
      sealedUntilMs: NOON + 3 * SECOND,
      sealedNewestMs: NOON + 2 * SECOND,
      head: [NOON + 3 * SECOND, NOON + 4 * SECOND],
      forcedSeals: 0,
    });
  });
});

describe('whole milliseconds', () => {
  test('events of one millisecond stay together, so more than half is kept', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 4 } });
    const { state } = foldRows(plan, times(NOON, NOON + 1, NOON + 1, NOON + 1, NOON + 2));
    expect(sealOf(state)).toMatchObject({ sealedUntilMs: NOON + 1, head: [NOON + 1, NOON + 1, NOON + 1, NOON + 2] });
  });

  test('a head of one millisecond is not sealed before head_limit', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 2, head_limit: 5 } });
    const rows = times(...new Array<number>(8).fill(NOON));
    expect(headLengths(plan, rows.slice(0, 5))).toStrictEqual([1, 2, 3, 4, 5]);
    const { state, outcomes } = foldRows(plan, rows);
    // The sixth forces all of the millisecond out; the last two are late.
    expect(sealOf(state)).toStrictEqual({ sealedUntilMs: NOON + 1, sealedNewestMs: NOON, head: [], forcedSeals: 1 });
    expect(outcomes.slice(-3)).toStrictEqual(['appended', 'late', 'late']);
    expect(valueAt(plan, state, NOON + 1)).toBe(8);
  });
});

describe('the horizon of the watermark clock', () => {
  test('is the newest event less max_disorder and history', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 4, history: '1s' }, source: { max_disorder: '2s' } });
    // At NOON + 7 s, the first below the horizon NOON + 4 s make up more than the least seal of one event.
    expect(sealOf(foldRows(plan, everySecond(8)).state)).toMatchObject({ sealedUntilMs: NOON + 4 * SECOND });
    expect(headLengths(plan, everySecond(8))).toStrictEqual([1, 2, 3, 4, 4, 4, 4, 4]);
  });

  test('an event at the horizon stays in the head, one a millisecond older goes', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 1, history: '1s' } });
    expect(sealOf(foldRows(plan, times(NOON, NOON + SECOND)).state)).toMatchObject({ sealedUntilMs: -Infinity });
    expect(sealOf(foldRows(plan, times(NOON - 1, NOON, NOON + SECOND)).state)).toMatchObject({
      sealedUntilMs: NOON,
      sealedNewestMs: NOON - 1,
      head: [NOON, NOON + SECOND],
    });
  });

  test('does not fall when an older event comes', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 2, history: '10s' } });
    const { state } = foldRows(plan, times(NOON, NOON + 20 * SECOND, NOON + 11 * SECOND));
    expect(sealOf(state)).toMatchObject({ sealedUntilMs: NOON + 10 * SECOND });
  });

  test('does not look at append times', () => {
    const plan = planOf({ features: COUNT, view: { head_max: 1, history: '1m' } });
    const rows: Row[] = [[NOON], [NOON + 1, {}, NOON + HOUR]];
    expect(sealOf(foldRows(plan, rows).state)).toMatchObject({ sealedUntilMs: -Infinity });
  });
});

describe('the horizon of the wall clock', () => {
  const plan = planOf({
    features: COUNT,
    view: { head_max: 1, history: '1m' },
    source: { clock: 'wall', max_disorder: '5h' },
  });

  test("is this event's append time less history", () => {
    const rows: Row[] = [[NOON], [NOON + SECOND, {}, NOON + MINUTE]];
    expect(sealOf(foldRows(plan, rows).state)).toMatchObject({ sealedUntilMs: -Infinity });
    const later: Row[] = [[NOON], [NOON + SECOND, {}, NOON + MINUTE + 1]];
    expect(sealOf(foldRows(plan, later).state)).toMatchObject({ sealedUntilMs: NOON + 1, head: [NOON + SECOND] });
  });

  test('of an earlier event does not count', () => {
    const rows: Row[] = [[NOON, {}, NOON + HOUR], [NOON + SECOND]];
    expect(sealOf(foldRows(plan, rows).state)).toMatchObject({ sealedUntilMs: -Infinity });
  });
});

describe('a seal that the horizon limits', () => {
  const plan = planOf({ features: LIFETIME, view: { head_max: 24, history: '100s' } });

  test('waits for an eighth of head_max, and then takes all below the horizon', () => {
    // The horizon is 100 s back: it has passed two events after the 103rd, and three after the 104th.
    expect(headLengths(plan, everySecond(106)).slice(100)).toStrictEqual([101, 102, 103, 101, 102, 103]);
  });

  test('gives way to a full one once that is below the horizon', () => {
    const rows = [...everySecond(50), ...times(NOON + HOUR)];
    expect(headLengths(plan, rows).at(-1)).toBe(12);
  });
});

describe('head_limit', () => {
  const plan = planOf({ features: LIFETIME, view: { head_max: 4, head_limit: 6, history: '1h' } });

  test('is kept, and one event more is forced down to half of head_max, and counted', () => {
    expect(headLengths(plan, everySecond(8))).toStrictEqual([1, 2, 3, 4, 5, 6, 2, 3]);
    expect(foldRows(plan, everySecond(8)).state.forcedSeals).toBe(1);
    expect(foldRows(plan, everySecond(40)).state.forcedSeals).toBe(7);
  });

  test('makes an as_of within history unanswerable, and no value wrong', () => {
    const { state } = foldRows(plan, everySecond(7));
    expect(state.sealedUntilMs).toBe(NOON + 5 * SECOND);
    expect(valueAt(plan, state, NOON + 5 * SECOND)).toBe(5);
    expect(valueAt(plan, state, NOON + 5 * SECOND - 1)).toBeNull();
  });
});

describe('a late event', () => {
  const plan = planOf({ features: COUNT, view: { head_max: 1 } });

  test('at sealed_until goes into the head, one a millisecond older into the tiles', () => {
    const sealed = times(NOON, NOON + SECOND);
    expect(foldRows(plan, sealed).state.sealedUntilMs).toBe(NOON + SECOND);
    expect(foldRows(plan, [...sealed, [NOON + SECOND]]).outcomes.at(-1)).toBe('appended');
    expect(foldRows(plan, [...sealed, [NOON + SECOND - 1]]).outcomes.at(-1)).toBe('late');
  });

  test('becomes the newest sealed one if it is', () => {
    const { state } = foldRows(plan, times(NOON, NOON + SECOND, NOON + 10));
    expect(state.sealedNewestMs).toBe(NOON + 10);
    expect(foldRows(plan, times(NOON, NOON + SECOND, NOON - 10)).state.sealedNewestMs).toBe(NOON);
  });

  test('is dropped from where no window reaches it, and changes nothing', () => {
    // Sealed until NOON: a window of 1 h with hops of 1 min covers NOON − 1 h for as_of = NOON, and nothing older.
    const sealed = times(NOON - 1, NOON);
    const reached = foldRows(plan, [...sealed, [NOON - HOUR]]);
    expect([reached.outcomes.at(-1), reached.state.version]).toStrictEqual(['late', 3]);
    expect(valueAt(plan, reached.state, NOON)).toBe(2);
    const beyond = foldRows(plan, [...sealed, [NOON - HOUR - 1]]);
    expect([beyond.outcomes.at(-1), beyond.state.version]).toStrictEqual(['too_late', 2]);
    expect(beyond.state).toStrictEqual(foldRows(plan, sealed).state);
  });

  test('is never too late for lifetime', () => {
    const forever = planOf({
      features: [...COUNT, ...LIFETIME.map((each) => ({ ...each, name: 'g' }))],
      view: { head_max: 1 },
    });
    const { outcomes, state } = foldRows(forever, times(NOON, NOON + SECOND, 5));
    expect(outcomes.at(-1)).toBe('late');
    expect(state.tiles[0]?.map((tile) => tile.startMs)).toStrictEqual([NOON]);
  });
});

test('tiles that no window can reach any more are dropped', () => {
  const plan = planOf({ features: COUNT, view: { head_max: 1 } });
  const starts = (rows: readonly Row[]): unknown => foldRows(plan, rows).state.tiles[0]?.map((tile) => tile.startMs);
  // For as_of = sealed_until = NOON + 1 min, the window begins at NOON − 59 min.
  const older = [NOON - HOUR, NOON - 59 * MINUTE, NOON];
  expect(starts(times(...older, NOON + MINUTE))).toStrictEqual([NOON - 59 * MINUTE, NOON]);
  expect(starts(times(...older, NOON + MINUTE - 1))).toStrictEqual(older);
});

describe('event_id', () => {
  const plan = planOf({ features: LIFETIME, view: { head_max: 2 }, source: { event_id: 'id' } });
  const named = (at: number, id: string | null): Row => [at, { id }];

  test('drops an event whose id is still in the head, whatever its time', () => {
    const { outcomes, state } = foldRows(plan, [named(NOON, 'a'), named(NOON + 9, 'a'), named(NOON, 'b')]);
    expect(outcomes).toStrictEqual(['appended', 'duplicate', 'appended']);
    expect([state.version, state.head.length]).toStrictEqual([2, 2]);
  });

  test('forgets an id that is sealed', () => {
    const rows = [named(NOON, 'a'), named(NOON + 1, 'b'), named(NOON + 2, 'c'), named(NOON + 3, 'a')];
    const { outcomes, state } = foldRows(plan, rows);
    expect(outcomes).toStrictEqual(['appended', 'appended', 'appended', 'appended']);
    expect(valueAt(plan, state, NOON + 4)).toBe(4);
  });

  test('drops a late event whose id is in the head, and keeps none of a late event', () => {
    const sealed = [named(NOON, 'a'), named(NOON + 1, 'b'), named(NOON + 2, 'c')];
    expect(foldRows(plan, [...sealed, named(NOON, 'c')]).outcomes.at(-1)).toBe('duplicate');
    const late = foldRows(plan, [...sealed, named(NOON, 'd'), named(NOON, 'd')]);
    expect(late.outcomes.slice(-2)).toStrictEqual(['late', 'late']);
  });

  test('is remembered in the stored form', () => {
    const state = decodeState(plan, storedAfter(plan, [named(NOON, 'é'), named(NOON + 1, null)]));
    expect(state.head.events().map((event) => event.eventId)).toStrictEqual(['é', null]);
    const again = eventsOf(plan, [named(NOON + 5, 'é'), named(NOON + 6, null)]);
    expect(again.map((event) => fold(plan, state, { ...event, offset: event.offset + 2 }))).toStrictEqual([
      'duplicate',
      'appended',
    ]);
  });
});

test('what is sealed when does not depend on flushes and restarts', () => {
  const plan = planOf({ features: LIFETIME, view: { head_max: 7, history: '3s' } });
  const rows = Array.from({ length: 60 }, (_, at): Row => [NOON + ((at * 37) % 60) * SECOND + at * 400]);
  const { state } = foldRows(plan, rows);
  for (const flushEvery of [1, 2, 5]) {
    const stored = decodeState(plan, storedAfter(plan, rows, flushEvery));
    expect(sealOf(stored)).toStrictEqual(sealOf(state));
  }
});
