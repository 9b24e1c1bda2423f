/** The tier on a real Redis, whose word of commits hangs, breaks off, is lost, or moves to another node. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRedisKeys } from '../../src/store/redis-keys.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { Store } from '../../src/store/store.ts';
import { describeWith } from '../services/available.ts';
import { startRedisCluster } from '../services/redis-cluster.ts';
import { type OwnRedis, startOwnRedis } from '../services/redis.ts';
import { type TcpProxy, startTcpProxy } from '../services/tcp-proxy.ts';
import { SHARD } from '../store/redis-support.ts';
import { type RedisLife, STALENESS_MS, startRedisLife } from './redis-life.ts';

const QUICK = { connectMs: 300, commandMs: 300, silenceMs: 400, reconnectMs: 100 };
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(url: string): Promise<Store> {
  const store = await openRedisStore({ location: parseRedisUrl(url), namespace: 'n', bounds: QUICK });
  closers.push(() => store.close());
  await store.ping();
  return store;
}

/** Runs until commits are told to the tier, newly ones after whatever happened. */
async function untilHeard(life: RedisLife): Promise<void> {
  const from = life.position();
  for (let attempt = 0; attempt < 100 && life.heardTo() <= from; attempt++) await life.run(100);
  expect(life.heardTo()).toBeGreaterThan(from);
}

describeWith(['own-redis'], 'the tier on a real Redis', () => {
  let redis: OwnRedis;
  let proxy: TcpProxy;
  let life: RedisLife;
  beforeEach(async () => {
    redis = await startOwnRedis();
    proxy = await startTcpProxy({ port: redis.port });
    closers.push(
      () => redis.stop(),
      () => proxy.close(),
    );
    const [writing, reading] = [await open(redis.url), await open(redis.url)];
    const listening = await open(`redis://127.0.0.1:${proxy.port}`);
    life = await startRedisLife(SHARD, { writing, reading, listening });
    closers.push(() => life.close());
    await untilHeard(life);
  });

  test('follows a writer by what it is told: nothing is dropped, and most is served from memory', async () => {
    const before = life.tier.report();
    await life.run(500);
    const { hits, misses, cleared } = life.tier.report();
    expect(cleared).toMatchObject({ gap: before.cleared.gap, diverged: before.cleared.diverged });
    expect(hits - before.hits).toBeGreaterThan(misses - before.misses);
  });

  test('a connection that hangs is noticed by the checkpoint read, and left for a new one', async () => {
    proxy.stall();
    await life.run(STALENESS_MS * 2);
    expect(life.tier.report().cleared.diverged).toBeGreaterThan(0);
    const begun = life.begun();
    // Time enough to find that it does not answer.
    await life.run(QUICK.silenceMs + QUICK.commandMs);
    proxy.resume();
    await untilHeard(life);
    expect(life.begun()).toBeGreaterThan(begun);
  });

  test('a connection that breaks is made again, and what was kept before is dropped', async () => {
    const { begun, cleared } = { begun: life.begun(), cleared: life.tier.report().cleared.subscribed };
    proxy.dropConnections();
    await untilHeard(life);
    expect(life.begun()).toBeGreaterThan(begun);
    expect(life.tier.report().cleared.subscribed).toBeGreaterThan(cleared);
  });

  test('messages that vanish without a disconnect show by the gap they leave, or by the checkpoint', async () => {
    const before = life.tier.report().cleared;
    for (let time = 0; time < 10; time++) {
      life.swallow(true);
      await life.run(10);
      life.swallow(false);
      await life.run(40);
    }
    expect(life.tier.report().cleared.gap).toBeGreaterThan(before.gap);
    life.swallow(true);
    await life.run(STALENESS_MS * 2);
    expect(life.tier.report().cleared.diverged).toBeGreaterThan(before.diverged);
  });

  test('a Redis that is away: what is kept is served until it is as old as the bound, then nothing', async () => {
    const answers = life.answers();
    const wanted = new Map([['f', new Set(['a'])]]);
    await expect
      .poll(async () => {
        await life.tier.load(SHARD, wanted, 'shared');
        return life.tier.kept(SHARD, wanted)?.found;
      })
      .toBe(1);
    redis.suspend();
    expect(life.tier.kept(SHARD, wanted)?.found).toBe(1);
    await expect.poll(() => life.tier.kept(SHARD, wanted), { timeout: 5_000 }).toBeNull();
    await expect(life.tier.load(SHARD, wanted, 'shared')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(life.tier.report().failedChecks).toBeGreaterThan(0);
    redis.resume();
    await untilHeard(life);
    expect(life.answers()).toBeGreaterThan(answers);
  });
});

describeWith(['own-redis'], 'the tier on a real Redis Cluster', () => {
  test('a slot that migrates takes its messages along: they are heard from its new node', {
    timeout: 60_000,
  }, async () => {
    const cluster = await startRedisCluster();
    closers.push(() => cluster.stop());
    const stores = {
      writing: await open(cluster.url),
      reading: await open(cluster.url),
      listening: await open(cluster.url),
    };
    const life = await startRedisLife(SHARD, stores);
    closers.push(() => life.close());
    await untilHeard(life);
    const begun = life.begun();
    const key = `${createRedisKeys('n').tag(SHARD)}c:f`;
    const from = await cluster.primaryOf(key);
    const migrating = migrate(key, from, cluster.nodes);
    await life.run(500);
    await migrating;
    await untilHeard(life);
    expect(await cluster.primaryOf(key)).not.toBe(from);
    expect(life.begun()).toBeGreaterThan(begun);
  });
});

/** As `redis-cli --cluster reshard` does it, for one slot, to another primary. */
async function migrate(key: string, from: OwnRedis, nodes: readonly OwnRedis[]): Promise<void> {
  const slot = String(await from.command('cluster', 'keyslot', key));
  const ids = new Map<OwnRedis, string>();
  const primaries: OwnRedis[] = [];
  for (const node of nodes) {
    ids.set(node, String(await node.command('cluster', 'myid')));
    if (((await node.command('role')) as [string])[0] === 'master') primaries.push(node);
  }
  const to = primaries.find((node) => node !== from) as OwnRedis;
  const [fromId, toId] = [ids.get(from) as string, ids.get(to) as string];
  await to.command('cluster', 'setslot', slot, 'importing', fromId);
  await from.command('cluster', 'setslot', slot, 'migrating', toId);
  for (;;) {
    const keys = (await from.command('cluster', 'getkeysinslot', slot, '100')) as string[];
    if (keys.length === 0) break;
    await from.command('migrate', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
  }
  for (const node of [to, from, ...primaries]) await node.command('cluster', 'setslot', slot, 'node', toId);
}
