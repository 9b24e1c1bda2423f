/** `kill -9` while committing, and reads while it goes on: a commit is there whole or not at all, acknowledged ones are. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { runAndKill } from '../contract/kill.ts';
import { randomFrom } from '../contract/random.ts';
import { ENTITIES, FINGERPRINTS, SHARD, headAt } from './fixtures/commit-child.ts';

const CHILD = join(import.meta.dirname, 'fixtures/commit-child.ts');

/** The position that both sections are at, all their states being those of that position; 0 before the first commit. */
async function wholePosition(store: Store, message: string): Promise<number> {
  const reads = await store.read(
    SHARD,
    FINGERPRINTS.map((fingerprint) => ({ fingerprint, entities: ENTITIES })),
  );
  const [position, ...others] = reads.map(({ checkpoint }) => checkpoint?.position[0] ?? 0);
  for (const other of others) expect(other, message).toBe(position);
  if (position === undefined || position === 0) return 0;
  const sealed = position - (position % 20);
  for (const { states } of reads) {
    for (const state of states) {
      expect(state?.version, message).toBe(position);
      expect(Buffer.from(state?.head ?? []).toString(), message).toBe(headAt(position));
      const tiles = state?.tiles && Buffer.from(state.tiles).toString();
      expect(tiles, message).toBe(sealed === 0 ? null : `tiles ${sealed}`);
    }
  }
  return position;
}

test('a store killed while committing holds every acknowledged commit, and only whole ones', async () => {
  const seed = 20130204;
  const random = randomFrom(seed);
  const file = join(mkdtempSync(join(tmpdir(), 'skewless-kill-')), 'store.sqlite');
  let position = 0;
  let readsMeanwhile = 0;
  for (let life = 0; life < 6; life++) {
    const message = `seed ${seed}, life ${life}`;
    const store = await openSqliteStore({ file, namespace: 'n' });
    const child = { lives: true };
    const killed = runAndKill(CHILD, [file, `${position}`], 1 + random.int(30), random.int(8)).finally(() => {
      child.lives = false;
    });
    while (child.lives) {
      const seen = await wholePosition(store, message);
      if (seen > position) readsMeanwhile += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const { lines } = await killed;
    await store.close();
    const again = await openSqliteStore({ file, namespace: 'n' });
    position = await wholePosition(again, message);
    const acknowledged = Number(lines.at(-1));
    expect(position, message).toBeGreaterThanOrEqual(acknowledged);
    expect(position, message).toBeLessThanOrEqual(acknowledged + 1);
    await again.close();
  }
  expect(position).toBeGreaterThan(20);
  expect(readsMeanwhile, 'reads between two commits of a living child').toBeGreaterThan(10);
});
