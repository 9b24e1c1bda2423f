import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RedisBounds } from '../../src/store/redis-client.ts';
import { createRedisKeys } from '../../src/store/redis-keys.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { CommitSection, NoticeSection, Store } from '../../src/store/store.ts';
import { describeWith } from '../services/available.ts';
import { freePorts } from '../services/child.ts';
import { type OwnRedis, startOwnRedis } from '../services/redis.ts';
import { textOf } from '../contract/ended.ts';
import { takeChange } from '../../src/state/codec.ts';
import { emptyState } from '../../src/state/entity-state.ts';
import { fold } from '../../src/state/fold.ts';
import type { StateChange } from '../../src/state/state.ts';
import { eventsOf, NOON, planOf, times } from '../state/support.ts';
import { startTcpProxy } from '../services/tcp-proxy.ts';
import { ACL_RULES, SHARD, type Step, commitOf, headOf, positionIn } from './redis-support.ts';

const QUICK: Partial<RedisBounds> = { connectMs: 300, commandMs: 300, silenceMs: 600, reconnectMs: 100 };
const TAG = createRedisKeys('n').tag(SHARD);

/** What subscribers hear of a commit's section. */
function told(step: Step): NoticeSection {
  const [section] = commitOf(step).sections as [CommitSection];
  const { fingerprint, expected, checkpoint, changes } = section;
  return { fingerprint, expected, checkpoint, entities: changes.map(({ entity }) => entity) };
}

describeWith(['redis'], 'the Redis store', () => {
  let redis: OwnRedis;
  const closers: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    redis = await startOwnRedis();
    closers.push(() => redis.stop());
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function open(url = redis.url, onWarning?: (message: string) => void): Promise<Store> {
    const more = onWarning === undefined ? {} : { onWarning };
    const store = await openRedisStore({ location: parseRedisUrl(url), namespace: 'n', bounds: QUICK, ...more });
    closers.push(() => store.close());
    return store;
  }

  const urlOf = (user: string): string => `redis://${user}:p@127.0.0.1:${redis.port}`;

  test.for(['allkeys-lru', 'volatile-ttl'])('refuses a server that may drop keys: %s', async (policy) => {
    await redis.command('config', 'set', 'maxmemory-policy', policy);
    const store = await open();
    await expect(store.ping()).rejects.toMatchObject({ code: 'store_evicts', retryable: false });
    await expect(store.commit(commitOf({ from: null, to: 1 }))).rejects.toThrow('set maxmemory-policy to noeviction');
    await redis.command('config', 'set', 'maxmemory-policy', 'noeviction');
    await store.ping();
    expect(await positionIn(store)).toBeNull();
  });

  test('asks again what the server is after each new connection', async () => {
    const store = await open();
    await store.ping();
    await redis.command('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    await redis.command('client', 'kill', 'type', 'normal');
    await expect.poll(() => store.ping().catch((error: { code: string }) => error.code)).toBe('store_evicts');
  });

  test('goes on with a warning where neither CONFIG nor INFO may be asked', async () => {
    await redis.command('acl', 'setuser', 'u', 'on', '>p', '~*', '&*', ...ACL_RULES, '-info');
    const warnings: string[] = [];
    const store = await open(urlOf('u'), (message) => warnings.push(message));
    expect(await store.commit(commitOf({ from: null, to: 1 }))).toEqual({ kind: 'ok' });
    expect(warnings).toEqual([expect.stringContaining('be sure that it is noeviction')]);
  });

  test('says that the login is wrong, and does not ask to wait', async () => {
    await redis.command('acl', 'setuser', 'u', 'on', '>p', '~*', '&*', ...ACL_RULES);
    await redis.command('config', 'set', 'requirepass', 'secret');
    for (const url of [
      redis.url,
      `redis://u:wrong@127.0.0.1:${redis.port}`,
      `redis://:wrong@127.0.0.1:${redis.port}`,
    ]) {
      const store = await open(url);
      await expect(store.ping(), url).rejects.toMatchObject({ code: 'store_login_refused', retryable: false });
    }
    await (await open(urlOf('u'))).ping();
  });

  test.for(['set', 'setrange', 'append', 'del', 'pexpire', 'persist', 'publish'])(
    'writes nothing for a user who may not run %s',
    async (command) => {
      await redis.command('acl', 'setuser', 'u', 'on', '>p', '~*', '&*', ...ACL_RULES, `-${command}`);
      const store = await open(urlOf('u'));
      await expect(store.commit(commitOf({ from: null, to: 1, changes: { a: 0 } }))).rejects.toMatchObject({
        code: 'store_forbidden',
        retryable: false,
        message: expect.stringContaining(command.toUpperCase()) as string,
      });
      expect(await redis.command('keys', '*')).toEqual([]);
    },
  );

  test('writes nothing into a server whose memory is full, and goes on when it has more', async () => {
    const store = await open();
    expect(await store.commit(commitOf({ from: null, to: 1, changes: { a: 0 } }))).toEqual({ kind: 'ok' });
    await redis.command('config', 'set', 'maxmemory', '1');
    const next = commitOf({ from: 1, to: 2, changes: { a: 1, b: 0 } });
    await expect(store.commit(next)).rejects.toMatchObject({ code: 'store_full', retryable: true });
    expect(await headOf(store, 'a')).toBe('x');
    expect(await positionIn(store)).toBe(1);
    await redis.command('config', 'set', 'maxmemory', '0');
    expect(await store.commit(next)).toEqual({ kind: 'ok' });
    expect(await headOf(store, 'a')).toBe('xx');
  });

  test('that hangs is told of within its time; the connection that hangs is left for a new one', async () => {
    const proxy = await startTcpProxy({ port: redis.port });
    closers.push(() => proxy.close());
    const store = await open(`redis://127.0.0.1:${proxy.port}`);
    await store.commit(commitOf({ from: null, to: 1, changes: { a: 0 } }));
    const connections = async (): Promise<string[]> =>
      [...String(await redis.command('client', 'list')).matchAll(/^id=(\d+) .*cmd=(?!client)/gm)].map(
        ([, id]) => id ?? '',
      );
    expect(await connections()).toHaveLength(1);
    proxy.stall();
    for (const call of [store.ping(), positionIn(store), store.commit(commitOf({ from: 1, to: 2 })), store.list()]) {
      await expect(call).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    }
    // The proxy keeps what hangs; another connection comes to the server beside it.
    await expect.poll(async () => (await connections()).length, { timeout: 20_000 }).toBeGreaterThan(1);
    proxy.resume();
    await expect
      .poll(() =>
        store.ping().then(
          () => 'answers',
          () => 'away',
        ),
      )
      .toBe('answers');
    // What was not answered may have happened.
    const position = (await positionIn(store)) ?? 0;
    expect([1, 2]).toContain(position);
    expect(await store.commit(commitOf({ from: position, to: 3, changes: { a: 1 } }))).toEqual({ kind: 'ok' });
    expect(await headOf(store, 'a')).toBe('xx');
  });

  test('that is not there is told of, and found when it comes', async () => {
    const [port] = (await freePorts(1)) as [number];
    const store = await open(`redis://127.0.0.1:${port}`);
    await expect(store.ping()).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    const late = await startOwnRedis([], {}, port);
    closers.push(() => late.stop());
    await expect
      .poll(() =>
        store.ping().then(
          () => 'answers',
          () => 'away',
        ),
      )
      .toBe('answers');
  });

  test('many first calls at once are all answered', async () => {
    const store = await open();
    const positions = await Promise.all(Array.from({ length: 20 }, () => positionIn(store)));
    expect(new Set(positions)).toEqual(new Set([null]));
  });

  test('that comes back empty has no checkpoint, and what expects one is moved', async () => {
    const store = await open();
    await store.commit(commitOf({ from: null, to: 5, changes: { a: 0 } }));
    await redis.kill();
    await redis.restart();
    await expect.poll(() => positionIn(store).catch(() => 'away')).toBeNull();
    expect(await store.commit(commitOf({ from: 5, to: 6, changes: { a: 1 } }))).toMatchObject({
      kind: 'moved',
      position: null,
    });
  });

  test('that lost its scripts is given them again', async () => {
    const store = await open();
    for (let position = 0; position < 4; position++) {
      const commit = commitOf({ from: position === 0 ? null : position - 1, to: position, changes: { a: position } });
      expect(await store.commit(commit)).toEqual({ kind: 'ok' });
      await redis.command('script', 'flush');
      expect(await headOf(store, 'a')).toBe('x'.repeat(position + 1));
      await redis.command('script', 'flush');
    }
  });

  test('that became a replica is waited for', async () => {
    const store = await open();
    await store.commit(commitOf({ from: null, to: 1 }));
    await redis.command('replicaof', '127.0.0.1', '1');
    await expect(store.commit(commitOf({ from: 1, to: 2 }))).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    });
    await redis.command('replicaof', 'no', 'one');
    await expect.poll(() => store.commit(commitOf({ from: 1, to: 2 })).catch(() => null)).toEqual({ kind: 'ok' });
  });

  test('tells subscribers of the shard what a commit changed, and nothing of one that was refused', async () => {
    const store = await open();
    const subscriber = new Redis(redis.url);
    closers.push(async () => void (await subscriber.quit()));
    const heard: unknown[] = [];
    subscriber.on('message', (_channel, message: string) => heard.push(JSON.parse(message)));
    await subscriber.subscribe(`${TAG}i`);
    await store.commit(commitOf({ from: null, to: 3, changes: { a: 0, 'b"': 0 } }));
    await store.commit(commitOf({ from: 1, to: 4 }));
    await store.commit(commitOf({ from: 3, to: 4 }));
    await expect
      .poll(() => heard)
      .toEqual([
        { shard: SHARD, sections: [told({ from: null, to: 3, changes: { a: 0, 'b"': 0 } })] },
        { shard: SHARD, sections: [told({ from: 3, to: 4 })] },
      ]);
  });

  test('a message that no commit has sent counts as one that was missed: the subscriber begins anew', async () => {
    const store = await open();
    const heard: string[] = [];
    const subscription = store.subscribe({
      onBegin: () => void heard.push('begin'),
      onCommit: ({ sections }) =>
        void heard.push(`commit of ${sections.map(({ entities }) => entities.join()).join()}`),
    });
    closers.push(() => subscription.close());
    subscription.follow(SHARD);
    await expect.poll(() => heard).toEqual(['begin']);
    await redis.command('publish', `${TAG}i`, '{"sections":[null]}');
    await redis.command('publish', `${TAG}i`, '{"sections":[{"fingerprint":"f"}]}');
    await store.commit(commitOf({ from: null, to: 1, changes: { a: 0 } }));
    await expect.poll(() => heard).toEqual(['begin', 'begin', 'begin', 'commit of a']);
  });

  test('keeps its keys where docs/redis.md says, with a time to live on states alone', async () => {
    const store = await open();
    await store.commit(commitOf({ from: null, to: 1, changes: { a: 0 }, ttlMs: 60_000 }));
    const keys = (await redis.command('keys', '*')) as string[];
    expect(keys.toSorted()).toEqual([`${TAG}c:f`, `${TAG}h:f:a`]);
    expect(await redis.command('pttl', `${TAG}c:f`)).toBe(-1);
    expect(await redis.command('pttl', `${TAG}h:f:a`)).toBeGreaterThan(30_000);
    const stored = await redis.command('getrange', `${TAG}h:f:a`, '16', '-1');
    expect(textOf(Buffer.from(String(stored)))).toBe('x');
  });

  test('leaves out of a read the tiles that the reader has, and only those', async () => {
    const plan = planOf({ features: [{ name: 'n', agg: 'count', windows: ['1h'] }], view: { head_max: 4 } });
    const state = emptyState(plan);
    for (const event of eventsOf(plan, times(...Array.from({ length: 9 }, (_none, at) => NOON + at))))
      fold(plan, state, event);
    const store = await open();
    const commit = commitOf({ from: null, to: 1 });
    const changes = [{ entity: 'a', change: takeChange(plan, state) as StateChange }];
    await store.commit({ ...commit, sections: commit.sections.map((section) => ({ ...section, changes })) });
    const section = { fingerprint: 'f', entities: ['a'] };
    const tiles = (await store.read(SHARD, [section]))[0]?.states[0]?.tiles ?? new Uint8Array();
    await redis.command('del', `${TAG}t:f:a`);
    const informed = await store.read(SHARD, [{ ...section, knownTiles: new Map([['a', tiles]]) }]);
    expect(informed[0]?.states[0]?.tiles).toBe(tiles);
    const others = await store.read(SHARD, [{ ...section, knownTiles: new Map([['a', Buffer.from('others')]]) }]);
    expect(others[0]?.states[0]).toMatchObject({ version: 9, tiles: null });
  });

  test('a drop that was killed is listed until another ends it', async () => {
    const store = await open();
    await store.commit(
      commitOf({
        from: null,
        to: 1,
        changes: Object.fromEntries(Array.from({ length: 2_500 }, (_, index) => [`e${index}`, 0])),
      }),
    );
    await redis.command('rename', `${TAG}c:f`, `${TAG}d:f`);
    await redis.command('unlink', `${TAG}h:f:e0`);
    expect(await positionIn(store)).toBeNull();
    expect((await store.list()).map(({ shard, fingerprint }) => ({ shard, fingerprint }))).toEqual([
      { shard: SHARD, fingerprint: 'f' },
    ]);
    expect(await store.drop(SHARD, 'f')).toBe(2_499);
    expect(await store.list()).toEqual([]);
    expect(await redis.command('dbsize')).toBe(0);
  });
});
