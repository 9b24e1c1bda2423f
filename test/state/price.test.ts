/** What `check` says a state may cost is never less than what is stored. */
import { describe, expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { emptyState } from '../../src/state/entity-state.ts';
import { applyChange, takeChange } from '../../src/state/codec.ts';
import { fold } from '../../src/state/fold.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import { priceOf } from '../../src/state/price.ts';
import type { StoredState } from '../../src/state/state.ts';
import { createRandom } from '../oracle/random.ts';
import { EVERYTHING, eventsOf, foldRows, HOUR, MINUTE, NOON, planOf, type Row, SECOND, times } from './support.ts';

const SEEDS = [11, 12, 13, 14];

/** As large as `check` assumes: strings of 64 bytes, arrays of 16. */
const LARGE = {
  x: 2 ** 480 * (1 + 2 ** -52),
  n: -9007199254740991,
  i: '-9223372036854775808',
  b: true,
  t: '9999-12-31T23:59:59.999Z',
  pair: [0.1, 0.2],
  list: new Array<string>(16).fill('9223372036854775807'),
};

/** The largest that was stored after any event, in all and of the head. */
function largestStored(plan: ViewPlan, rows: readonly Row[]): { bytes: number; headBytes: number; tiles: number } {
  const state = emptyState(plan);
  let stored: StoredState | null = null;
  const largest = { bytes: 0, headBytes: 0, tiles: 0 };
  for (const event of eventsOf(plan, rows)) {
    // Coordinates as long as they can be.
    fold(plan, state, { ...event, partition: 2 ** 31 - 1, offset: 2 ** 53 - 1_000_000 + event.offset });
    const change = takeChange(plan, state);
    if (change === null) continue;
    stored = applyChange(stored, change);
    largest.headBytes = Math.max(largest.headBytes, stored.head.length);
    largest.bytes = Math.max(largest.bytes, stored.head.length + (stored.tiles?.length ?? 0));
    largest.tiles = Math.max(largest.tiles, state.tiles.flat().length);
  }
  return largest;
}

describe('a price', () => {
  test.each(SEEDS)('bounds what is stored of random events of every type, seed %i', (seed) => {
    const random = createRandom(seed);
    const plan = planOf({ ...EVERYTHING, view: { head_max: 8, head_limit: 16, history: random.pick(['0ms', '1h']) } });
    let now = NOON;
    const rows = Array.from({ length: 400 }, (_, at): Row => {
      now += random.integer(0, 2 * MINUTE);
      const c = `${at % 40}`.padEnd(64, 'x');
      return [
        now - random.integer(0, HOUR),
        { ...LARGE, x: random.integer(-9, 9) * 0.1, c, id: `${at}`.padEnd(64, 'y') },
      ];
    });
    const price = priceOf(plan, AGGREGATIONS);
    const largest = largestStored(plan, rows);
    expect(largest.bytes).toBeLessThanOrEqual(price.bytesMax);
    expect(largest.tiles).toBeLessThanOrEqual(price.tilesMax);
    expect(largest.bytes).toBeGreaterThan(0);
  });

  test.each([
    ['of one column', [{ name: 'f', agg: 'sum', of: 'n' }], {}],
    ['without columns', [{ name: 'f', agg: 'count' }], {}],
    ['of every column', EVERYTHING.features, EVERYTHING.source ?? {}],
    [
      'of many filters',
      Array.from({ length: 31 }, (_, at) => ({ name: `f${at}`, agg: 'count', where: `n > -9007199254740991 + ${at}` })),
      {},
    ],
    [
      'of rows',
      [
        ...['x', 'n', 'i', 'b', 'c', 't', 'pair'].map((of) => ({ name: `last_${of}`, agg: 'last', of })),
        { name: 'together', agg: 'last', of: { c: 'c', list: 'list' }, where: 'n > 0' },
      ],
      { mode: 'upsert', key: ['k'] },
    ],
  ])('bounds a head %s whose values are as long as they can be', (_of, features, source) => {
    const plan = planOf({ features, source, view: { head_max: 50, head_limit: 50 } });
    const rows = Array.from({ length: 50 }, (_, at): Row => {
      return [NOON + at, { ...LARGE, n: 9007199254740991, c: 'c'.repeat(64), id: `${at}`.padEnd(64, 'y') }];
    });
    const price = priceOf(plan, AGGREGATIONS);
    const { headBytes } = largestStored(plan, rows);
    expect(headBytes).toBeLessThanOrEqual(price.headBytes);
    expect(headBytes).toBeGreaterThan(price.headBytes / 2);
  });
});

test('the price of a state is that of its head at head_limit', () => {
  const plan = planOf({
    features: [{ name: 'f', agg: 'max', of: 'x' }],
    view: { head_max: 4, head_limit: 100, history: '1h' },
  });
  const rows = Array.from({ length: 100 }, (_, at): Row => [NOON + at, { x: at }]);
  const { bytes } = largestStored(plan, rows);
  const { headBytes, bytesMax } = priceOf(plan, AGGREGATIONS);
  expect(bytes).toBeGreaterThan(headBytes);
  expect(bytes).toBeLessThanOrEqual(bytesMax);
});

describe('the number of tiles', () => {
  test.each([
    ['of one window', ['1h']],
    ['of two that nest', ['10m', '1h']],
    ['of one whose older part a coarser level bridges', ['1m', '6h']],
    ['of a window with an offset', [{ length: '1m', offset: '10m' }]],
    [
      'of a length that is no multiple of its hop',
      [
        { length: '61s', hop: '7s' },
        { length: '10m', hop: '70s' },
      ],
    ],
  ])('%s is reached, and never exceeded', (_of, windows) => {
    const plan = planOf({ features: [{ name: 'f', agg: 'count', windows }], view: { head_max: 1 } });
    const rows = times(...Array.from({ length: 8 * 3_600 }, (_, at) => NOON + 999 + at * SECOND));
    let most = 0;
    const state = foldRows(plan, []).state;
    for (const event of eventsOf(plan, rows)) {
      fold(plan, state, event);
      most = Math.max(most, state.tiles.flat().length);
    }
    expect(most).toBeLessThanOrEqual(priceOf(plan, AGGREGATIONS).tilesMax);
    expect(most).toBeGreaterThanOrEqual(priceOf(plan, AGGREGATIONS).tilesMax - plan.levels.length);
  });
});
