/**
 * Files with bytes changed, zeroed or cut off: the store answers with the checkpoint that was committed, with none (then
 * everything is built again), or with a typed error. Heads and tiles carry checksums of their own (see state/codec.ts).
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SkewlessError } from '../../src/core/errors.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { ShardRead } from '../../src/store/store.ts';
import { damage } from '../contract/damage.ts';
import { randomFrom } from '../contract/random.ts';

const SHARD = { source: 's', entityKey: 'k', partition: 0 };
const ENTITIES = Array.from({ length: 40 }, (_, index) => `["entity-${index}"]`);
const CHECKPOINT = {
  position: { 0: 1_234 },
  epoch: 3,
  owner: 'somebody',
  heartbeatMs: 99,
  caughtUpAtMs: null,
  buildTarget: { 0: 7 },
  completeFromMs: null,
  partitions: 1,
  transitPosition: null,
  buildStartedMs: 1,
  receivedAtMs: null,
  erasing: null,
  watermarkMs: 55,
};

async function makeStore(file: string): Promise<void> {
  const store = await openSqliteStore({ file, namespace: 'n' });
  const changes = ENTITIES.map((entity, index) => ({
    entity,
    change: {
      fromVersion: 0,
      toVersion: 1,
      fromChecksum: null,
      keepsTiles: false,
      head: { mode: 'replace' as const, bytes: Buffer.alloc(20 * index, index) },
      tiles: index % 2 === 0 ? null : Buffer.alloc(10 * index, index),
    },
  }));
  await store.commit({
    shard: SHARD,
    sections: [{ fingerprint: 'f', expected: null, checkpoint: CHECKPOINT, stateTtlMs: null, changes }],
  });
  await store.close();
}

async function readAll(file: string): Promise<ShardRead | undefined> {
  const store = await openSqliteStore({ file, namespace: 'n' });
  try {
    return (await store.read(SHARD, [{ fingerprint: 'f', entities: ENTITIES }]))[0];
  } finally {
    await store.close();
  }
}

test('a damaged store is a typed error, or answers with what was committed', async () => {
  const seed = 20130202;
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'skewless-damage-'));
  await makeStore(join(folder, 'good.sqlite'));
  const bytes = readFileSync(join(folder, 'good.sqlite'));
  const tally = { answered: 0, told: 0, nothing: 0 };
  for (let round = 0; round < 400; round++) {
    const file = join(folder, `${round}.sqlite`);
    writeFileSync(file, damage(bytes, random));
    const message = `seed ${seed}, round ${round}`;
    const read = await readAll(file).catch((error: unknown) => error as SkewlessError);
    if (read instanceof Error) {
      expect(read, message).toBeInstanceOf(SkewlessError);
      expect(read.retryable, message).toBe(false);
      tally.told += 1;
    } else if (read?.checkpoint === null) tally.nothing += 1;
    else {
      expect(read?.checkpoint, message).toEqual(CHECKPOINT);
      for (const state of read?.states ?? []) {
        const isBytes = (value: unknown): boolean => value === null || value instanceof Uint8Array;
        expect(state === null || (isBytes(state.head) && isBytes(state.tiles)), message).toBe(true);
      }
      tally.answered += 1;
    }
  }
  expect(tally.told, JSON.stringify(tally)).toBeGreaterThan(50);
  expect(tally.answered, JSON.stringify(tally)).toBeGreaterThan(50);
  expect(tally.nothing, JSON.stringify(tally)).toBeLessThan(40);
});
