/**
 * The Redis store: standalone, Sentinel or Cluster. A commit is one script, which checks everything before its first write;
 * a read is one command, so its sections reflect one moment. A primary that fails over may lose the newest commits, each
 * as a whole: the next commit is then answered `moved`, and the driver replays what was lost from the log.
 */
import type { Redis } from 'ioredis';
import {
  DEFAULT_REDIS_BOUNDS,
  type RedisBounds,
  type RedisClient,
  type RedisTls,
  connectRedis,
  connectToListen,
} from './redis-client.ts';
import { argumentsOf, parseCheckpoint, resultOf } from './redis-commit.ts';
import { type RedisKeys, createRedisKeys, escapePattern } from './redis-keys.ts';
import type { RedisLocation } from './redis-location.ts';
import { nodeOfTag } from './redis-node.ts';
import { primariesOf } from './redis-policy.ts';
import { createReads } from './redis-reads.ts';
import { openSession } from './redis-session.ts';
import { subscribeTo } from './redis-subscription.ts';
import type { Store, StoredFingerprint } from './store.ts';

export interface RedisStoreOptions {
  readonly location: RedisLocation;
  /** Used where the location says TLS. */
  readonly tls?: RedisTls | null;
  /** Keeps deployments that share a Redis apart. */
  readonly namespace: string;
  readonly bounds?: Partial<RedisBounds>;
  /** What an operator should know, and no call will tell. */
  readonly onWarning?: (message: string) => void;
}

/** A script of this size holds Redis for well under 2 ms. */
const COMMIT_BYTES_MAX = 65_536;
/** At some 4 µs each: 2 ms, during which Redis answers nobody else. */
const COMMIT_CHANGES_MAX = 500;
const SCAN_COUNT = 1_000;

/** Connects by itself and again: a Redis that is away is a retryable error of each call, and none of this one. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const bounds = { ...DEFAULT_REDIS_BOUNDS, ...options.bounds };
  const keys = createRedisKeys(options.namespace);
  const client = connectRedis(options.location, options.tls ?? null, bounds);
  const onWarning = options.onWarning ?? (() => undefined);
  const session = openSession(client, bounds, onWarning);
  const reads = createReads(client);
  const { close } = session;
  const inTurn =
    <T>(work: () => Promise<T>) =>
    (): Promise<T> => {
      reads.send();
      return work();
    };
  const ask = <T>(work: () => Promise<T>): Promise<T> => session.ask(inTurn(work));
  const askMany = <T>(work: () => Promise<T>): Promise<T> => session.askMany(inTurn(work));
  return {
    commitBytesMax: COMMIT_BYTES_MAX,
    commitChangesMax: COMMIT_CHANGES_MAX,
    commit: (commit) =>
      ask(async () => resultOf(await client.skewlessCommit(keys.tag(commit.shard), ...argumentsOf(commit)))),
    read: (shard, sections) => session.ask(() => reads.read(keys.tag(shard), sections)),
    subscribe: (listener) =>
      subscribeTo({
        cluster: 'slots' in client ? client : null,
        connect: (node) => connectToListen(options.location, options.tls ?? null, bounds, node),
        prepare: () => session.ask(() => Promise.resolve()),
        keys,
        bounds,
        onWarning,
        listener,
      }),
    nodeOf: (shard) => nodeOfTag(client, options.location, keys.tag(shard)),
    list: () => askMany(() => listAll(client, keys)),
    drop: (shard, fingerprint) => askMany(() => dropStates(client, keys.tag(shard), fingerprint)),
    async ping() {
      await ask(() => client.ping());
    },
    close,
  };
}

/** A checkpoint of what is being dropped is listed, too: whoever drops it again ends what was begun. */
async function listAll(client: RedisClient, keys: RedisKeys): Promise<readonly StoredFingerprint[]> {
  const found = new Map<string, StoredFingerprint>();
  for (const node of primariesOf(client)) {
    for await (const batch of scan(node, keys.checkpointPattern)) {
      const texts = await Promise.all(batch.map((key) => client.get(key)));
      for (const [index, key] of batch.entries()) {
        const named = keys.parseCheckpoint(key);
        const text = texts[index];
        if (named === null || !text) continue;
        found.set(JSON.stringify(named), { ...named, checkpoint: parseCheckpoint(text) });
      }
    }
  }
  return [...found.values()];
}

/**
 * The checkpoint goes first: states without one count as absent. It is kept under another name until they are gone, so
 * that a drop that was killed can be found and ended.
 */
async function dropStates(client: RedisClient, tag: string, fingerprint: string): Promise<number> {
  const dropping = `${tag}d:${fingerprint}`;
  if ((await client.exists(`${tag}c:${fingerprint}`)) > 0) await client.rename(`${tag}c:${fingerprint}`, dropping);
  let heads = 0;
  for (const node of primariesOf(client)) {
    for (const kind of ['h', 't']) {
      for await (const batch of scan(node, `${escapePattern(`${tag}${kind}:${fingerprint}:`)}*`)) {
        const removed = batch.length === 0 ? 0 : await client.unlink(...batch);
        if (kind === 'h') heads += removed;
      }
    }
  }
  await client.del(dropping);
  return heads;
}

async function* scan(node: Redis, pattern: string): AsyncGenerator<string[], void, undefined> {
  let cursor = '0';
  do {
    const [next, batch] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    cursor = next;
    yield batch;
  } while (cursor !== '0');
}
