/** The simulation can fail: each mechanism of the tier is taken out once, and some seed notices. It says which, and what it saw. */
import { afterEach, expect, test, vi } from 'vitest';
import type { ShardCache } from '../../src/cache/shard-cache.ts';
import type { KeptStates, SectionStates, Wanted } from '../../src/cache/shard-reader.ts';
import { type LifeOptions, type Misfortune, live } from './tier-world.ts';

type Defect =
  /** A commit that was not told is passed over. */
  | 'no_gap_check'
  /** What is kept does not age. */
  | 'no_age'
  /** What a commit changed while a read was on its way is kept as it was read. */
  | 'keeps_fetches_in_flight'
  /** A read of another moment is taken as if it were of the one that is kept. */
  | 'takes_any_moment'
  /** Listening begins anew, and what is kept stays. */
  | 'no_clear_on_reconnect'
  /** States of a former build stay when another begins. */
  | 'keeps_former_builds'
  /** A read goes on to every commit that waits, whether it tells of that or not. */
  | 'goes_too_far'
  /** Places of fingerprints that are committed apart count as of one moment. */
  | 'no_proof';

const tier = vi.hoisted(() => ({ defects: new Set<string>() }));

vi.mock('../../src/cache/moment.ts', async (original) => {
  const moment = await original<typeof import('../../src/cache/moment.ts')>();
  const relationOf: typeof moment.relationOf = (section, known) => {
    const relation = moment.relationOf(section, known);
    return relation === 'gap' && tier.defects.has('no_gap_check') ? 'next' : relation;
  };
  return {
    ...moment,
    relationOf,
    advance: ((at, notices) => {
      const advanced = moment.advance(at, notices);
      if (advanced === null) return null;
      const changed = tier.defects.has('keeps_fetches_in_flight') ? new Map() : advanced.changed;
      return { ...advanced, changed };
    }) satisfies typeof moment.advance,
    isSameMoment: ((one, other) =>
      tier.defects.has('takes_any_moment') || moment.isSameMoment(one, other)) satisfies typeof moment.isSameMoment,
    isOtherBuild: ((section, known) =>
      !tier.defects.has('keeps_former_builds') &&
      moment.isOtherBuild(section, known)) satisfies typeof moment.isOtherBuild,
  };
});

vi.mock('../../src/cache/shard-cache.ts', async (original) => {
  const shardCache = await original<typeof import('../../src/cache/shard-cache.ts')>();
  return {
    ...shardCache,
    createShardCache: ((options) => {
      const cache = shardCache.createShardCache(options);
      const noAge = (nowMs: number): number => {
        const confirmedAtMs = cache.confirmedAtMs();
        return tier.defects.has('no_age') && Number.isFinite(confirmedAtMs) ? confirmedAtMs : nowMs;
      };
      return {
        ...cache,
        find: (wanted, nowMs) =>
          tier.defects.has('no_proof') ? findApart(cache, wanted, nowMs) : cache.find(wanted, noAge(nowMs)),
        clear(reason) {
          if (reason !== 'subscribed' || !tier.defects.has('no_clear_on_reconnect')) cache.clear(reason);
        },
      };
    }) satisfies typeof shardCache.createShardCache,
  };
});

vi.mock('../../src/cache/waiting.ts', async (original) => {
  const waiting = await original<typeof import('../../src/cache/waiting.ts')>();
  return {
    ...waiting,
    createWaitingCommits: ((limitMs) => {
      const commits = waiting.createWaitingCommits(limitMs);
      const stepsTo = commits.stepsTo.bind(commits);
      const toAll: typeof stepsTo = (...args) => (stepsTo(...args) === null ? null : commits.length);
      return Object.defineProperties(commits, {
        stepsTo: {
          value: ((...args) => (tier.defects.has('goes_too_far') ? toAll : stepsTo)(...args)) satisfies typeof stepsTo,
        },
      });
    }) satisfies typeof waiting.createWaitingCommits,
  };
});

/** Each fingerprint by itself. */
function findApart(cache: ShardCache, wanted: Wanted, nowMs: number): KeptStates | null {
  const sections = new Map<string, SectionStates>();
  let [found, missing] = [0, 0];
  for (const [fingerprint, entities] of wanted) {
    const kept = cache.find(new Map([[fingerprint, entities]]), nowMs);
    if (kept === null) return null;
    for (const [name, section] of kept.sections) sections.set(name, section);
    found += kept.found;
    missing += kept.missing;
  }
  return { sections, found, missing, isAway: false };
}

const SEEDS_MAX = 120;
/** Of runs in which there is nothing to notice. */
const SOUND_SEEDS = 25;

/** What the first seed that notices says; null if none does. */
async function noticedBy(
  defects: readonly Defect[],
  options: LifeOptions,
  seedsMax = SEEDS_MAX,
): Promise<string | null> {
  tier.defects = new Set(defects);
  for (let seed = 1; seed <= seedsMax; seed++) {
    try {
      await live(seed, options);
    } catch (error) {
      return `seed ${seed}: ${String(error).slice(0, 200)}`;
    }
  }
  return null;
}

afterEach(() => {
  tier.defects = new Set();
});

test.for<{
  what: string;
  defects?: readonly Defect[];
  misfortunes?: readonly Misfortune[];
  options?: LifeOptions;
  sees: RegExp;
}>([
  {
    what: 'a commit that was not told is passed over',
    defects: ['no_gap_check'],
    misfortunes: ['lost'],
    sees: /inexact/,
  },
  {
    what: 'no checkpoints are read, and nothing ages',
    defects: ['no_age'],
    options: { unchecked: true },
    misfortunes: ['stalled', 'lost'],
    sees: /too old/,
  },
  {
    what: 'checkpoint reads that fail are taken for confirmations',
    defects: ['no_age'],
    misfortunes: ['readsFail', 'stalled'],
    sees: /too old/,
  },
  { what: 'reads on their way are kept, whatever was changed', defects: ['keeps_fetches_in_flight'], sees: /inexact/ },
  { what: 'reads of any moment are kept', defects: ['takes_any_moment'], misfortunes: ['lost'], sees: /inexact|mixed/ },
  {
    what: 'what was kept stays when listening begins anew',
    defects: ['no_clear_on_reconnect'],
    misfortunes: ['disconnected'],
    sees: /from before the interruption/,
  },
  {
    what: 'states of a former build stay',
    defects: ['keeps_former_builds'],
    misfortunes: ['rebuilt'],
    sees: /inexact/,
  },
  { what: 'a read goes on to commits that it does not tell of', defects: ['goes_too_far'], sees: /inexact/ },
  { what: 'places count as of one moment', defects: ['no_proof'], misfortunes: ['lost'], sees: /mixed/ },
])('$what: noticed', { timeout: 120_000 }, async ({ what, defects = [], options = {}, misfortunes = [], sees }) => {
  const noticed = await noticedBy(defects, { ...options, misfortunes });
  expect(noticed).toMatch(sees);
  process.stdout.write(`${what}: noticed by ${noticed}\n`);
});

test('a tier that reads no checkpoints serves nothing older than the bound: it only keeps less', async () => {
  expect(await noticedBy([], { unchecked: true, misfortunes: ['stalled', 'lost'] }, SOUND_SEEDS)).toBeNull();
});

test('a store that tells of a commit section by section costs reads, and no exactness', async () => {
  expect(await noticedBy([], { split: true }, SOUND_SEEDS)).toBeNull();
});
