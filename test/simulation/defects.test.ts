/**
 * The simulation can fail: the protocol is broken on purpose, one check at a time, and some run notices. It says which seed
 * did, and what it saw.
 */
import { expect, test, vi } from 'vitest';
import type { Defect } from './defect.ts';
import { finish, live, type LiveOptions, MISFORTUNES } from './life.ts';
import { turns } from './world.ts';

const SEEDS_MAX = 400;
/** Of runs in which there is nothing to notice. */
const SOUND_SEEDS = 30;
/** How long letters are behind where they are late. */
const LATE_TURNS = 30;

const driver = vi.hoisted(() => ({ defects: new Set<string>() }));

vi.mock('../../src/materialize/vector.ts', async (original) => {
  const vector = await original<typeof import('../../src/materialize/vector.ts')>();
  return {
    ...vector,
    isPast: (...args: Parameters<typeof vector.isPast>) => !driver.defects.has('no_vector') && vector.isPast(...args),
  };
});

vi.mock('../../src/materialize/dead-letters.ts', async (original) => {
  const letters = await original<typeof import('../../src/materialize/dead-letters.ts')>();
  return {
    ...letters,
    createDeadLetters(...args: Parameters<typeof letters.createDeadLetters>) {
      const all = letters.createDeadLetters(...args);
      const partition: typeof all.partition = (number) => {
        const some = all.partition(number);
        const later = (): void =>
          void turns(LATE_TURNS)
            .then(some.write)
            .catch(() => undefined);
        return { ...some, write: () => (driver.defects.has('late_letters') ? Promise.resolve(later()) : some.write()) };
      };
      return { ...all, partition };
    },
  };
});

/** The first seed that notices, and what it says; null if none does. */
async function noticedBy(
  defects: readonly Defect[],
  options: LiveOptions,
  misfortunes: readonly string[] = Object.keys(MISFORTUNES),
  seedsMax = SEEDS_MAX,
): Promise<string | null> {
  driver.defects = new Set(defects);
  try {
    for (let seed = 1; seed <= seedsMax; seed++) {
      try {
        await finish(await live(seed, misfortunes, { ...options, defects: new Set(defects) }));
      } catch (error) {
        return `seed ${seed}: ${String(error).slice(0, 200)}`;
      }
    }
    return null;
  } finally {
    driver.defects = new Set();
  }
}

const REPARTITIONED = { partitions: 3, repartitioned: true };

test.for<{ defects: readonly Defect[]; what: string; options?: LiveOptions; misfortunes?: readonly string[] }>([
  { defects: ['no_epoch_check'], what: 'a store that lets a former owner write' },
  { defects: ['no_position_check'], what: 'a store that takes a commit made elsewhere in the log' },
  {
    defects: ['no_build_check'],
    what: 'a store that takes a commit made on another build',
    misfortunes: ['otherBuild', 'restart'],
  },
  { defects: ['mixed_builds'], what: 'a store that counts states of another build' },
  { defects: ['no_version_check', 'stale_reads'], what: 'a store that takes a state folded from an older one' },
  {
    defects: ['no_checksum_check'],
    what: 'a store that appends to other bytes of the same state',
    misfortunes: ['twin'],
  },
  { defects: ['torn_commit'], what: 'a position that is written apart from its states' },
  { defects: ['lying_log'], what: 'a batch from elsewhere that is taken for the next one' },
  { defects: ['no_vector'], what: 'a lane that folds what is below its vector', options: REPARTITIONED },
  { defects: ['torn_transfer'], what: 'a mover whose position goes ahead of its records', options: REPARTITIONED },
  { defects: ['no_transfer_fence'], what: 'a former owner that goes on writing letters' },
  { defects: ['late_letters'], what: 'a checkpoint that passes letters which are not durable' },
])('$what is noticed', { timeout: 300_000 }, async ({ defects, what, options = {}, misfortunes }) => {
  const noticed = await noticedBy(defects, options, misfortunes);
  expect(noticed).not.toBeNull();
  process.stdout.write(`${what}: noticed by ${noticed}\n`);
});

test('without a defect these runs notice nothing', { timeout: 300_000 }, async () => {
  expect(await noticedBy([], {}, undefined, SOUND_SEEDS)).toBeNull();
  expect(await noticedBy([], REPARTITIONED, undefined, SOUND_SEEDS)).toBeNull();
});

test('reads that lag do no harm as long as versions are checked', { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= SOUND_SEEDS / 2; seed++) {
    await finish(await live(seed, [], { defects: new Set(['stale_reads']) }));
  }
});
