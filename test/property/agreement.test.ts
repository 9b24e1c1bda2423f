/**
 * The engine against the naive oracle, over random definitions, logs and `as_of`s. A failure names its seed, which
 * reproduces it: `node test/property/run.ts SEED`; `node test/property/run.ts FIRST LAST` looks at more than this does.
 */
import { describe, expect, test } from 'vitest';
import { generateLongScenario, generateScenario } from '../oracle/generate.ts';
import { checkAgreement } from './agreement.ts';
import { checkEveryOrder, checkOrders } from './orders.ts';
import { createTally } from './tally.ts';

const SEEDS = 1_000;
const BLOCK = 100;

describe('engine and oracle', () => {
  const tally = createTally();
  const blocks = Array.from({ length: SEEDS / BLOCK }, (_, index) => index * BLOCK + 1);

  test.each(blocks)('agree to the last bit on values, statuses, event times and validity, seeds from %i', (first) => {
    for (let seed = first; seed < first + BLOCK; seed++) checkAgreement(generateScenario(seed), tally);
  });

  test.each([
    ['fold', 'sealed'],
    ['fold', 'late'],
    ['fold', 'too_late'],
    ['fold', 'tiles_dropped'],
    ['fold', 'duplicate'],
    ['record', 'rejected'],
    ['record', 'filtered'],
    ['record', 'null_key'],
    ['evaluation', 'edge'],
    ['evaluation', 'OVER_LIMIT'],
    ['evaluation', 'NULL_VALUE'],
    ['evaluation', 'NOT_FOUND'],
    ['evaluation', 'OUTSIDE_MAX_AGE'],
    ['evaluation', 'OUT_OF_HISTORY'],
  ] as const)('of what was generated, at least 1%% per %s is: %s', (of, what) => {
    expect(tally.share(of, what), tally.summary()).toBeGreaterThanOrEqual(0.01);
  });
});

test('engine and oracle agree on thousands of events under default settings', () => {
  const tally = createTally();
  for (let seed = 30_001; seed <= 30_010; seed++) checkAgreement(generateLongScenario(seed), tally);
  expect(tally.share('fold', 'sealed'), tally.summary()).toBeGreaterThan(0);
});

test('one seed gives one scenario', () => {
  const [one, other] = [generateScenario(7), generateScenario(7)];
  expect({ text: one.text, records: one.records }).toStrictEqual({ text: other.text, records: other.records });
});

test('arrival order, batches, restarts and seal points change no bit', () => {
  let entities = 0;
  for (let seed = 10_001; seed <= 10_120; seed++) entities += checkOrders(seed);
  expect(entities).toBeGreaterThan(200);
});

test('every permutation of four events, cut in every way, gives the same bits', () => {
  let states = 0;
  for (let seed = 20_001; seed <= 20_020; seed++) states += checkEveryOrder(seed, 4);
  expect(states).toBeGreaterThan(24 * 16 * 10);
});
