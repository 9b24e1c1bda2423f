import { expect, test } from 'vitest';
import type { Checkpoint } from '../../src/store/store.ts';
import { reaches } from '../../src/store/place.ts';
import { shardFacts } from '../../src/vector/shard-facts.ts';

const CHECKPOINT: Checkpoint = {
  position: { 0: 10 },
  epoch: 1,
  owner: 'me',
  heartbeatMs: 0,
  caughtUpAtMs: 1_000,
  buildTarget: { 0: 10 },
  completeFromMs: 77,
  partitions: 1,
  transitPosition: null,
  buildStartedMs: 1,
  receivedAtMs: null,
  erasing: null,
  watermarkMs: null,
};

test('a shard is stale once its last confirmation is older than stale_after, not when it is as old', () => {
  expect(shardFacts(CHECKPOINT, 500, 1_500)).toEqual({ kind: 'serving', stale: false, completeFromMs: 77 });
  expect(shardFacts(CHECKPOINT, 500, 1_501)).toMatchObject({ stale: true });
  expect(shardFacts({ ...CHECKPOINT, caughtUpAtMs: null }, 500, 0)).toMatchObject({ stale: true });
});

test('a shard without a checkpoint, or below its build target, is rebuilding', () => {
  expect(shardFacts(null, 500, 0)).toEqual({ kind: 'rebuilding' });
  expect(shardFacts({ ...CHECKPOINT, position: { 0: 9 } }, 500, 0)).toEqual({ kind: 'rebuilding' });
  expect(shardFacts({ ...CHECKPOINT, buildTarget: { 0: 10, 1: 1 } }, 500, 0)).toEqual({ kind: 'rebuilding' });
});

test('a position reaches a target when it does in every partition; an empty one is reached', () => {
  expect(reaches({}, {})).toBe(true);
  expect(reaches({}, { 0: 0 })).toBe(true);
  expect(reaches({ 0: 5, 1: 2 }, { 0: 5 })).toBe(true);
  expect(reaches({ 0: 5 }, { 0: 5, 1: 1 })).toBe(false);
});
