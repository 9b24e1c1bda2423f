/** Answers: what is withheld and why, and that asking changes nothing. */
import { describe, expect, test } from 'vitest';
import { decodeState } from '../../src/state/codec.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import {
  EVERYTHING,
  EVERYTHING_ROWS,
  eventsOf,
  foldRows,
  HOUR,
  MINUTE,
  NOON,
  planOf,
  type Row,
  SECOND,
  show,
  storedAfter,
  times,
} from './support.ts';

/** Value and status of every feature. */
function answers(
  plan: ViewPlan,
  rows: readonly Row[],
  asOfMs: number,
  completeFromMs: number | null = null,
): unknown[] {
  const state = rows.length === 0 ? null : foldRows(plan, rows).state;
  const { values, statuses } = evaluate(plan, state, asOfMs, completeFromMs);
  return values.map((value, index) => [value, statuses[index]]);
}

/** The same answer of so many features. */
function every(count: number, answer: readonly unknown[]): unknown[] {
  return Array.from({ length: count }, () => answer);
}

describe('asking', () => {
  test.each([
    ['head alone', { ...EVERYTHING, view: {} }],
    ['head and tiles', EVERYTHING],
  ])('ten times gives the same answer, and leaves a %s as it was', (_of, setting) => {
    const plan = planOf(setting);
    const { state } = foldRows(plan, EVERYTHING_ROWS);
    const before = show(state);
    for (const asOfMs of [NOON - 1, NOON, NOON + 30 * SECOND, NOON + HOUR]) {
      const first = show(evaluate(plan, state, asOfMs, null));
      for (let again = 0; again < 10; again++) expect(show(evaluate(plan, state, asOfMs, null))).toBe(first);
    }
    expect(show(state)).toBe(before);
  });

  test('gives the same of a state that was read, whose bytes it leaves alone', () => {
    const plan = planOf(EVERYTHING);
    const stored = storedAfter(plan, EVERYTHING_ROWS, 3);
    const bytes = [Buffer.from(stored.head).toString('hex'), Buffer.from(stored.tiles ?? []).toString('hex')];
    const read = decodeState(plan, stored);
    const first = show(evaluate(plan, read, NOON, null));
    for (let again = 0; again < 10; again++) expect(show(evaluate(plan, read, NOON, null))).toBe(first);
    expect([Buffer.from(stored.head).toString('hex'), Buffer.from(stored.tiles ?? []).toString('hex')]).toStrictEqual(
      bytes,
    );
    expect(show(evaluate(plan, foldRows(plan, EVERYTHING_ROWS).state, NOON, null))).toBe(first);
  });

  test('does not change what an answer given before says, nor does what comes later', () => {
    const plan = planOf(EVERYTHING);
    const { state } = foldRows(plan, EVERYTHING_ROWS);
    const answer = evaluate(plan, state, NOON, null);
    const before = show(answer);
    const more: Row[] = [
      ...EVERYTHING_ROWS,
      ...EVERYTHING_ROWS.map(([at, fields]): Row => [at, { ...fields, id: null }]),
    ];
    for (const event of eventsOf(plan, more).slice(EVERYTHING_ROWS.length)) {
      fold(plan, state, event);
      evaluate(plan, state, NOON + HOUR, null);
    }
    expect(show(answer)).toBe(before);
  });
});

describe('history that may be missing', () => {
  const features = [
    { name: 'f', agg: 'count', windows: ['1m', '1h'] },
    { name: 'g', agg: 'max', of: 'x', default: -1 },
  ];
  const withholding = planOf({ features });
  const serving = planOf({ features, view: { incomplete: 'serve' } });
  const rows: Row[] = [[NOON - SECOND]];

  test('withholds windows that begin before it, and lifetime', () => {
    const completeFromMs = NOON - MINUTE;
    expect(answers(withholding, rows, NOON, completeFromMs)).toStrictEqual([
      [1, 'PRESENT'],
      [null, 'INCOMPLETE'],
      [null, 'INCOMPLETE'],
    ]);
  });

  test('begins one millisecond too late for a window', () => {
    expect(answers(withholding, rows, NOON, NOON - MINUTE + 1)[0]).toStrictEqual([null, 'INCOMPLETE']);
    expect(answers(withholding, rows, NOON, NOON - HOUR)[1]).toStrictEqual([1, 'PRESENT']);
  });

  test('is flagged, and what is known served, where the view says so', () => {
    expect(answers(serving, rows, NOON, NOON)).toStrictEqual([
      [1, 'INCOMPLETE'],
      [1, 'INCOMPLETE'],
      [-1, 'INCOMPLETE'],
    ]);
  });

  test('makes an entity of which nothing is seen INCOMPLETE, not NOT_FOUND', () => {
    const nothing = [null, 'INCOMPLETE'];
    expect(answers(withholding, [], NOON, NOON - 1e12)).toStrictEqual([nothing, nothing, nothing]);
    expect(answers(serving, [], NOON, NOON)).toStrictEqual([nothing, nothing, [-1, 'INCOMPLETE']]);
  });

  test('leaves an entity NOT_FOUND where all of its reach is seen', () => {
    const hourly = planOf({ features: features.slice(0, 1) });
    expect(answers(hourly, [], NOON, NOON - HOUR)).toStrictEqual(every(2, [null, 'NOT_FOUND']));
    expect(answers(hourly, times(NOON - 2 * HOUR), NOON, NOON - HOUR)).toStrictEqual(every(2, [null, 'NOT_FOUND']));
    expect(answers(hourly, [], NOON, NOON - HOUR + 1)).toStrictEqual(every(2, [null, 'INCOMPLETE']));
  });

  test('does not hide that a bound was exceeded, nor that the newest event is too old', () => {
    const top = { name: 'f', agg: 'top_k', k: 1, keys_max: 1, of: 'c' };
    const two: Row[] = [
      [NOON - 2, { c: 'a' }],
      [NOON - 1, { c: 'b' }],
    ];
    expect(answers(planOf({ features: [top] }), two, NOON, NOON)).toStrictEqual([[null, 'OVER_LIMIT']]);
    const aged = planOf({ features, view: { max_age: '1s', incomplete: 'serve' } });
    expect(answers(aged, times(NOON - SECOND - 1), NOON, NOON)).toStrictEqual(every(3, [null, 'OUTSIDE_MAX_AGE']));
  });
});

describe('what is not known', () => {
  const features = [
    { name: 'f', agg: 'count', windows: ['1m'], default: 7 },
    { name: 'g', agg: 'mean', of: 'x', windows: ['1m', { length: '1m', offset: '1h' }], default: 8 },
    { name: 'h', agg: 'last', of: 'c', windows: ['1m'] },
  ];
  const plan = planOf({ features });

  test('is NOT_FOUND with its default', () => {
    const expected = [
      [7, 'NOT_FOUND'],
      [8, 'NOT_FOUND'],
      [8, 'NOT_FOUND'],
      [null, 'NOT_FOUND'],
    ];
    expect(answers(plan, [], NOON)).toStrictEqual(expected);
    expect(answers(plan, times(NOON), NOON)).toStrictEqual(expected);
    expect(answers(plan, times(NOON - HOUR - MINUTE - 1), NOON)).toStrictEqual(expected);
  });

  test('of a known entity is NULL_VALUE with its default, while an empty count is 0', () => {
    expect(answers(plan, times(NOON - HOUR - MINUTE), NOON)).toStrictEqual([
      [0, 'PRESENT'],
      [8, 'NULL_VALUE'],
      [8, 'NULL_VALUE'],
      [null, 'NULL_VALUE'],
    ]);
  });

  test('at an as_of below the seal is OUT_OF_HISTORY, without default or event time', () => {
    const sealing = planOf({ features, view: { head_max: 1 } });
    const rows = times(NOON - 2, NOON - 1);
    expect(answers(sealing, rows, NOON - 2)).toStrictEqual(every(4, [null, 'OUT_OF_HISTORY']));
    expect(answers(sealing, rows, NOON - 1)[0]).toStrictEqual([1, 'PRESENT']);
    expect(evaluate(sealing, foldRows(sealing, rows).state, NOON - 2, null).eventTimesMs).toStrictEqual(
      new Array(4).fill(null),
    );
  });
});

describe('an event time', () => {
  const features = [
    { name: 'f', agg: 'count', windows: ['1m', '1h', { length: '1m', offset: '1h' }], where: 'x > 0' },
    { name: 'g', agg: 'count' },
  ];

  test.each([1, 256])(
    "is that of the window's newest event of the view, filtered or not, with head_max %i",
    (head_max) => {
      const plan = planOf({ features, view: { head_max } });
      const rows: Row[] = [
        [NOON - HOUR - MINUTE, { x: 1 }],
        [NOON - HOUR - 1],
        [NOON - 30 * MINUTE, { x: -1 }],
        [NOON + HOUR],
      ];
      const before = foldRows(plan, rows.slice(0, 3)).state;
      expect(evaluate(plan, before, NOON, null).eventTimesMs).toStrictEqual([
        null,
        NOON - 30 * MINUTE,
        NOON - HOUR - 1,
        NOON - 30 * MINUTE,
      ]);
      const after = foldRows(plan, rows).state;
      expect(evaluate(plan, after, NOON + HOUR + 1, null).eventTimesMs).toStrictEqual([
        NOON + HOUR,
        NOON + HOUR,
        null,
        NOON + HOUR,
      ]);
    },
  );
});

test.each([1, 256])('an event at the first millisecond of a window gives it its time, with head_max %i', (head_max) => {
  const windows = ['1m', { length: '1m', offset: '1h' }];
  const plan = planOf({ features: [{ name: 'f', agg: 'count', windows }], view: { head_max } });
  const rows = times(NOON - HOUR - MINUTE, NOON - MINUTE);
  const { state } = foldRows(plan, rows);
  expect(evaluate(plan, state, NOON, null).eventTimesMs).toStrictEqual([NOON - MINUTE, NOON - HOUR - MINUTE]);
  expect(evaluate(plan, state, NOON + SECOND, null).eventTimesMs).toStrictEqual([null, null]);
});

describe('windows of one column', () => {
  const of = (...windows: readonly unknown[]): ViewPlan =>
    planOf({ features: [{ name: 'f', agg: 'sum', of: 'n', windows }], view: { head_max: 2 } });
  /** One event a second, worth its place, so that no two sets of them have the same sum. */
  const rows = Array.from({ length: 4_000 }, (_, at): Row => [NOON + at * SECOND, { n: at }]);
  const sumFrom = (first: number, end: number): number => ((first + end - 1) * (end - first)) / 2;

  test.each([
    [
      'that nest',
      [
        { length: '60s', hop: '5s' },
        { length: '600s', hop: '60s' },
        { length: '3000s', hop: '300s' },
      ],
    ],
    [
      'whose longer one has the finer hop',
      [
        { length: '60s', hop: '60s' },
        { length: '600s', hop: '5s' },
      ],
    ],
    [
      'that differ by less than a hop',
      [
        { length: '60s', hop: '5s' },
        { length: '62s', hop: '60s' },
      ],
    ],
    [
      'that end earlier',
      [
        { length: '60s', hop: '5s' },
        { length: '60s', hop: '5s', offset: '300s' },
      ],
    ],
  ] as const)('%s each count what is theirs, across the seal', (_of, windows) => {
    const plan = of(...windows);
    const { state } = foldRows(plan, rows);
    for (const second of [3_999, 4_000, 4_003, 4_007, 4_060]) {
      const { values } = evaluate(plan, state, NOON + second * SECOND, null);
      const expected = windows.map((window) => {
        const seconds = (text: string): number => Number(text.slice(0, -1));
        const hop = seconds(window.hop);
        const offset = 'offset' in window ? seconds(window.offset) : 0;
        const start = Math.floor((second - offset - seconds(window.length)) / hop) * hop;
        const end = offset === 0 ? second : Math.floor((second - offset) / hop) * hop;
        return sumFrom(start, Math.max(start, Math.min(end, rows.length)));
      });
      expect(values, `at second ${second}`).toStrictEqual(expected);
    }
  });
});
