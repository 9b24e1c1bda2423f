/** Which node a shard is on, and that one which hangs is given up alone, on a real Redis Cluster. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { CIRCUIT_BOUNDS, createCircuits } from '../../src/serve/circuits.ts';
import { createRedisKeys } from '../../src/store/redis-keys.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { ShardId } from '../../src/store/store.ts';
import { describeWith } from '../services/available.ts';
import { startRedisCluster } from '../services/redis-cluster.ts';

const SECTIONS = [{ fingerprint: 'f', entities: ['a'] }];
const shardOf = (partition: number): ShardId => ({ source: 's', entityKey: 'k', partition });

describeWith(['own-redis'], 'nodes of a Redis Cluster', () => {
  test('a shard is on the primary of its slot; one that hangs is given up, and shards of the others are read', async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const namespace = `n${randomUUID().slice(0, 8)}`;
    const store = await openRedisStore({ location: parseRedisUrl(cluster.url), namespace });
    onTestFinished(() => store.close());
    const circuits = createCircuits(undefined, { ...CIRCUIT_BOUNDS, failuresMax: 3, readMs: 300 });
    const guarded = circuits.guard(store);
    await store.read(shardOf(0), SECTIONS);
    const keys = createRedisKeys(namespace);
    const shards = Array.from({ length: 8 }, (_, partition) => shardOf(partition));
    for (const shard of shards) {
      const { port } = await cluster.primaryOf(keys.tag(shard));
      expect(store.nodeOf(shard)).toBe(`127.0.0.1:${port}`);
    }
    const hanging = shardOf(0);
    const other = shards.find((shard) => store.nodeOf(shard) !== store.nodeOf(hanging)) as ShardId;
    // Connections to nodes are made when first needed.
    for (const shard of shards) await store.read(shard, SECTIONS);
    const node = await cluster.primaryOf(keys.tag(hanging));
    node.suspend();
    onTestFinished(() => node.resume());
    await Promise.all([1, 2, 3].map(() => guarded.read(hanging, SECTIONS).catch(() => undefined)));
    expect([circuits.isAway(hanging), circuits.isAway(other)]).toEqual([true, false]);
    await expect(guarded.read(hanging, SECTIONS)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(await guarded.read(other, SECTIONS)).toMatchObject([{ checkpoint: null }]);
    node.resume();
    await expect.poll(() => guarded.read(hanging, SECTIONS).catch(() => null), { timeout: 20_000 }).not.toBeNull();
    expect(circuits.isAway(hanging)).toBe(false);
  });
});
