import { Cluster } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { createRedisKeys } from '../../src/store/redis-keys.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { ShardId, Store } from '../../src/store/store.ts';
import { describeWith } from '../services/available.ts';
import { startRedisCluster } from '../services/redis-cluster.ts';
import { startRedisSentinel } from '../services/redis-sentinel.ts';
import { SHARD, commitOf, headOf, positionIn } from './redis-support.ts';

const shardOf = (partition: number): ShardId => ({ ...SHARD, partition });

/**
 * Folds one event into entity `a`, as a driver would: from what is stored, until a commit is answered `ok`. Answers how
 * often it was refused or the store was away.
 */
async function fold(store: Store, shard: ShardId): Promise<number> {
  const deadlineMs = Date.now() + 60_000;
  for (let failures = 0; ; failures++) {
    try {
      const [read] = await store.read(shard, [{ fingerprint: 'f', entities: ['a'] }]);
      const from = read?.checkpoint?.position[shard.partition] ?? null;
      const version = read?.states[0]?.version ?? 0;
      const answer = await store.commit(commitOf({ from, to: (from ?? 0) + 1, changes: { a: version } }, shard));
      if (answer.kind === 'ok') return failures;
    } catch (error) {
      if ((error as { retryable?: boolean }).retryable !== true || Date.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Works until `happening` has happened; answers the sum of what `work` answered. */
async function during(happening: Promise<unknown>, work: () => Promise<number>): Promise<number> {
  const over = new AbortController();
  const happened = happening.finally(() => over.abort());
  let sum = 0;
  while (!over.signal.aborted) sum += await work();
  await happened;
  return sum;
}

/** What is stored is one prefix: as many events in the state as the position says. */
async function expectWhole(store: Store, shard: ShardId, atLeast: number): Promise<void> {
  const position = (await positionIn(store, shard)) ?? 0;
  expect(await headOf(store, 'a', shard)).toBe('x'.repeat(position));
  expect(position).toBeGreaterThanOrEqual(atLeast);
}

describeWith(['redis'], 'a store whose primary is killed', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function open(url: string): Promise<Store> {
    const store = await openRedisStore({ location: parseRedisUrl(url), namespace: 'n' });
    closers.push(() => store.close());
    return store;
  }

  test('goes on with the replica: Cluster', async () => {
    const cluster = await startRedisCluster();
    closers.push(() => cluster.stop());
    const store = await open(cluster.url);
    const shards = Array.from({ length: 12 }, (_, partition) => shardOf(partition));
    for (const shard of shards) for (let event = 0; event < 5; event++) await fold(store, shard);
    const sizes = await cluster.onPrimaries('dbsize');
    expect(sizes).toEqual([8, 8, 8]);

    const tag = createRedisKeys('n').tag(shardOf(0));
    const failures = await during(cluster.failOver(tag), async () => {
      let failed = 0;
      for (const shard of shards) failed += await fold(store, shard);
      return failed;
    });
    for (const shard of shards) await fold(store, shard);
    expect(failures, 'nobody noticed that the primary was gone').toBeGreaterThan(0);
    for (const shard of shards) await expectWhole(store, shard, 6);
  });

  test('goes on with the replica: Sentinel', async () => {
    const sentinel = await startRedisSentinel();
    closers.push(() => sentinel.stop());
    const store = await open(sentinel.url);
    for (let event = 0; event < 20; event++) await fold(store, SHARD);
    const failures = await during(sentinel.failOver(), async () => {
      let failed = 0;
      failed += await fold(store, SHARD);
      return failed;
    });
    await fold(store, SHARD);
    expect(failures, 'nobody noticed that the primary was gone').toBeGreaterThan(0);
    await expectWhole(store, SHARD, 20);
  });

  test('a cluster tells subscribers of a shard on the node of its slot', async () => {
    const cluster = await startRedisCluster();
    closers.push(() => cluster.stop());
    const location = parseRedisUrl(cluster.url);
    if (location.mode !== 'cluster') throw new Error('not a cluster');
    const store = await open(cluster.url);
    const subscriber = new Cluster([...location.nodes], { shardedSubscribers: true });
    closers.push(async () => void (await subscriber.quit()));
    const heard: string[] = [];
    subscriber.on('smessage', (_channel: string, message: string) => heard.push(message));
    const shards = [0, 1, 2, 3].map(shardOf);
    for (const shard of shards) await subscriber.ssubscribe(`${createRedisKeys('n').tag(shard)}i`);
    for (const shard of shards) await store.commit(commitOf({ from: null, to: 1, changes: { a: 0 } }, shard));
    await expect
      .poll(() =>
        heard
          .map((message) => (JSON.parse(message) as { shard: ShardId }).shard.partition)
          .toSorted((one, other) => one - other),
      )
      .toEqual([0, 1, 2, 3]);
  });
});
