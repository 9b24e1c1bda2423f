/**
 * The live driver among faults: whatever happens to processes, store and log, the states that are stored in the end are
 * those of one clean pass over the log, bit for bit, and each rejection has one letter. Every run is named by its seed; `SIMULATION_RUNS` makes more of them.
 */
import { expect, test } from 'vitest';
import { finish, live, MISFORTUNES, total } from './life.ts';

const RUNS = Number(process.env['SIMULATION_RUNS'] ?? 700);
const REPARTITIONED_RUNS = RUNS / 7;
const SEEDS = Array.from({ length: RUNS }, (_none, index) => 1_000 + index);

test.each(SEEDS)('seed %i: batch splits and repeated deliveries change no bit', async (seed) => {
  await finish(await live(seed, []));
});

test.each(SEEDS)('seed %i: restarts, kills and outages change no bit', async (seed) => {
  await finish(await live(seed, ['restart', 'kill', 'outage', 'recovery', 'erase']));
});

test.each(SEEDS)('seed %i: zombies and a store that loses what it had change no bit', async (seed) => {
  await finish(await live(seed, Object.keys(MISFORTUNES)));
});

test.each(SEEDS.slice(0, 100))('seed %i: partitions of co-located views change no bit', async (seed) => {
  await finish(await live(seed, Object.keys(MISFORTUNES), { partitions: 3 }));
});

test.each(SEEDS.slice(0, 100))('seed %i: rows and deletions of a table change no bit either', async (seed) => {
  await finish(await live(seed, Object.keys(MISFORTUNES), { partitions: 1 + 2 * (seed % 2), upsert: true }));
});

test.each(SEEDS.slice(0, REPARTITIONED_RUNS))(
  'seed %i: repartitioned views change no bit, and each record is moved once',
  async (seed) => {
    await finish(await live(seed, Object.keys(MISFORTUNES), { partitions: 3, repartitioned: true }));
  },
);

test('the runs above went through every fault', () => {
  // Some depend on what was under way when they struck, so only that they struck is certain.
  for (const [name, count] of Object.entries(total)) expect(count, name).toBeGreaterThan(0);
  expect(Object.keys(total)).toEqual(expect.arrayContaining([...Object.keys(MISFORTUNES), 'fenced', 'moved']));
});
