/**
 * Seeded lives of the tier over a store that loses, doubles, delays and disorders what it tells, falls back, is rebuilt, and
 * cannot be read: no answer is older than the bound, mixes moments of a shard, or differs from what its prefix gives.
 */
import { describe, expect, test } from 'vitest';
import { type Misfortune, MISFORTUNES, live } from './tier-world.ts';

const ALL = Object.keys(MISFORTUNES) as Misfortune[];
const SEEDS = Number(process.env['CACHE_SEEDS'] ?? 60);
const seeds = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('all misfortunes together', () => {
  test.for(seeds(SEEDS))('seed %i', async (seed) => {
    const { answers } = await live(seed, { misfortunes: ALL });
    expect(answers).toBeGreaterThan(100);
  });

  test.for(seeds(SEEDS / 4))('seed %i, with room for a few states only', async (seed) => {
    const { report } = await live(seed, { misfortunes: ALL, bytesMax: 12_000 });
    expect(report.evictions).toBeGreaterThan(0);
    expect(report.bytes).toBeLessThanOrEqual(12_000);
  });
});

describe.for(ALL)('%s alone', (misfortune) => {
  test.for(seeds(SEEDS / 4))('seed %i', async (seed) => {
    await live(seed, { misfortunes: [misfortune] });
  });
});

test('where nothing goes wrong, most is served from what is kept, and nothing is dropped', async () => {
  for (const seed of seeds(5)) {
    const { report, withheld, seated } = await live(seed);
    expect(withheld).toBe(0);
    expect(seated).toBeGreaterThan(20);
    expect(report.hits / (report.hits + report.misses)).toBeGreaterThan(0.5);
    expect(report.cleared).toMatchObject({ gap: 0, diverged: 0, idle: 0 });
  }
});
