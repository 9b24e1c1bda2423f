import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from './available.ts';
import { type RedisCluster, startRedisCluster } from './redis-cluster.ts';
import { startRedisSentinel } from './redis-sentinel.ts';

describeWith(['own-redis'], 'a Redis Cluster of the test', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  test('promotes a replica that has what the killed primary had', async () => {
    const before = await cluster.primaryOf('k');
    await before.command('set', 'k', 'v');
    expect((await cluster.onPrimaries('dbsize')).map(Number).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
    await before.command('wait', '1', '5000');
    expect(await cluster.failOver('k')).toBe(before);
    const after = await cluster.primaryOf('k');
    expect(after).not.toBe(before);
    expect(await after.command('get', 'k')).toBe('v');
    await before.restart();
    await cluster.waitForPromotion();
    expect(await cluster.primaryOf('k')).toBe(after);
  });

  test('replaces a primary that hangs', async () => {
    const before = await cluster.primaryOf('another');
    before.suspend();
    await cluster.waitForPromotion();
    expect(await cluster.primaryOf('another')).not.toBe(before);
    before.resume();
    expect(await cluster.primaryOf('another')).not.toBe(before);
  });
});

describeWith(['own-redis'], 'a Redis with Sentinel of the test', () => {
  test('has its replica put in the place of the killed primary', async () => {
    const sentinel = await startRedisSentinel();
    await sentinel.failOver();
    await sentinel.stop();
  });
});
