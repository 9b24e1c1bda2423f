/**
 * The live driver among faults: whatever happens to processes, store and log, the states that are stored in the end are
 * those of one clean pass over the log, bit for bit. Every run is named by its seed; `SIMULATION_RUNS` makes more of them.
 */
import { expect, test } from 'vitest';
import { expectedLetters, finish, live, MISFORTUNES, total, writtenLetters } from './life.ts';

const RUNS = Number(process.env['SIMULATION_RUNS'] ?? 700);
const REPARTITIONED_RUNS = RUNS / 7;
const SEEDS = Array.from({ length: RUNS }, (_none, index) => 1_000 + index);

test.each(SEEDS)(
  'seed %i: batch splits and repeated deliveries change no bit, and each rejection has one letter',
  async (seed) => {
    const life = await live(seed, []);
    const records = await finish(life);
    expect(writtenLetters(life.world)).toEqual(expectedLetters(life.definitions, records));
  },
);

test.each(SEEDS)(
  'seed %i: restarts, kills and outages change no bit, and each rejection has one letter',
  async (seed) => {
    const life = await live(seed, ['restart', 'kill', 'outage', 'recovery', 'erase']);
    const records = await finish(life);
    expect(writtenLetters(life.world)).toEqual(expectedLetters(life.definitions, records));
  },
);

test.each(SEEDS)(
  'seed %i: zombies and a store that loses what it had change no bit, and no rejection is lost',
  async (seed) => {
    const life = await live(seed, Object.keys(MISFORTUNES));
    const records = await finish(life);
    expect(new Set(writtenLetters(life.world))).toEqual(new Set(expectedLetters(life.definitions, records)));
  },
);

test.each(SEEDS.slice(0, 100))('seed %i: partitions of co-located views change no bit', async (seed) => {
  await finish(
    await live(seed, ['restart', 'kill', 'zombie', 'lostSuffix', 'keep', 'outage', 'recovery', 'erase'], {
      partitions: 3,
    }),
  );
});

test.each(SEEDS.slice(0, 100))('seed %i: rows and deletions of a table change no bit either', async (seed) => {
  const misfortunes = ['restart', 'kill', 'zombie', 'lostSuffix', 'keep', 'outage', 'recovery'];
  const life = await live(seed, misfortunes, { partitions: 1 + 2 * (seed % 2), upsert: true });
  const records = await finish(life);
  expect(new Set(writtenLetters(life.world))).toEqual(new Set(expectedLetters(life.definitions, records)));
});

test.each(SEEDS.slice(0, REPARTITIONED_RUNS))(
  'seed %i: repartitioned views change no bit, and each record is moved once',
  async (seed) => {
    const misfortunes = [
      'restart',
      'kill',
      'zombie',
      'thaw',
      'lostSuffix',
      'keep',
      'emptied',
      'outage',
      'recovery',
      'erase',
    ];
    const life = await live(seed, misfortunes, { partitions: 3, repartitioned: true });
    const records = await finish(life);
    expect(new Set(writtenLetters(life.world))).toEqual(new Set(expectedLetters(life.definitions, records)));
  },
);

test('the runs above went through every fault', () => {
  for (const name of [...Object.keys(MISFORTUNES), 'moved', 'fenced', 'commitsLost', 'answersLost', 'readsLost']) {
    // Some depend on what was under way when they struck, so only that they struck is certain.
    expect(total[name] ?? 0, name).toBeGreaterThan(0);
  }
});
