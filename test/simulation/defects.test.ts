/**
 * The simulation can fail: the protocol is broken on purpose, one check at a time, and some run notices. It says which seed
 * did, and what it saw.
 */
import { expect, test } from 'vitest';
import { finish, live, MISFORTUNES } from './life.ts';
import type { Defect } from './memory-store.ts';

const SEEDS_MAX = 60;

/** The first seed that notices, and what it says; null if none does. */
async function noticedBy(defects: readonly Defect[]): Promise<string | null> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    try {
      const life = await live(seed, Object.keys(MISFORTUNES), { defects: new Set(defects) });
      await finish(life);
    } catch (error) {
      return `seed ${seed}: ${String(error).slice(0, 200)}`;
    }
  }
  return null;
}

test.for([
  { defects: ['no_epoch_check'], what: 'a store that lets a former owner write' },
  { defects: ['no_position_check'], what: 'a store that takes a commit made elsewhere in the log' },
  { defects: ['no_version_check', 'stale_reads'], what: 'a store that takes a state folded from an older one' },
  { defects: ['torn_commit'], what: 'a position that is written apart from its states' },
  { defects: ['lying_log'], what: 'a batch from elsewhere that is taken for the next one' },
] as const)('$what is noticed', { timeout: 300_000 }, async ({ defects, what }) => {
  const noticed = await noticedBy(defects);
  expect(noticed).not.toBeNull();
  process.stdout.write(`${what}: noticed by ${noticed}\n`);
});

test('reads that lag do no harm as long as versions are checked', { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= SEEDS_MAX / 4; seed++) {
    await finish(await live(seed, [], { defects: new Set(['stale_reads']) }));
  }
});
