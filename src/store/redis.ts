/**
 * The Redis store: standalone, Sentinel or Cluster. A commit is one script, which checks everything before its first write;
 * a read is one script, so its sections reflect one moment. A primary that fails over may lose the newest commits, each
 * as a whole: the next commit is then answered `moved`, and the driver replays what was lost from the log.
 */
import type { Redis } from 'ioredis';
import { assert } from '../core/assert.ts';
import type { StoredState } from '../state/state.ts';
import {
  DEFAULT_REDIS_BOUNDS,
  type RedisBounds,
  type RedisClient,
  type RedisTls,
  connectRedis,
  redisFault,
} from './redis-client.ts';
import { type RedisKeys, createRedisKeys, escapePattern } from './redis-keys.ts';
import type { RedisLocation } from './redis-location.ts';
import { checkPolicy } from './redis-policy.ts';
import type {
  Checkpoint,
  Commit,
  CommitResult,
  CommitSection,
  Position,
  ReadSection,
  ShardId,
  ShardRead,
  Store,
  StoredFingerprint,
} from './store.ts';

export interface RedisStoreOptions {
  readonly location: RedisLocation;
  /** Used where the location says TLS. */
  readonly tls?: RedisTls | null;
  /** Keeps deployments that share a Redis apart. */
  readonly namespace: string;
  readonly bounds?: Partial<RedisBounds>;
}

/** A script of this size holds Redis for well under 2 ms. */
const COMMIT_BYTES_MAX = 65_536;
const BUILD_BYTES = 8;
const PREFIX_BYTES = 16;
const SCAN_COUNT = 1_000;
const NOTHING = Buffer.alloc(0);

/** Connects by itself and again: a Redis that is away is a retryable error of each call, and none of this one. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const bounds = { ...DEFAULT_REDIS_BOUNDS, ...options.bounds };
  const keys = createRedisKeys(options.namespace);
  const client = connectRedis(options.location, options.tls ?? null, bounds);
  /** Checked once for each connection: after a failover it is another server. */
  let checked: Promise<void> | null = null;
  client.on('ready', () => {
    checked = null;
  });

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (client.status === 'wait') await client.connect();
      checked ??= checkPolicy(client);
      await checked;
      return await work();
    } catch (error) {
      checked = null;
      throw redisFault(error);
    }
  }

  return {
    commitBytesMax: COMMIT_BYTES_MAX,
    commit: (commit) =>
      ask(async () => resultOf(await client.skewlessCommit(keys.tag(commit.shard), ...argumentsOf(commit)))),
    read: (shard, sections) => ask(() => readShard(client, keys.tag(shard), sections)),
    list: () => ask(() => listAll(client, keys)),
    drop: (shard, fingerprint) => ask(() => dropStates(client, keys.tag(shard), fingerprint)),
    async ping() {
      await ask(() => client.ping());
    },
    async close() {
      const left = client.quit().catch(() => undefined);
      await Promise.race([left, new Promise((resolve) => setTimeout(resolve, bounds.commandMs).unref())]);
      client.disconnect();
    },
  };
}

function argumentsOf({ shard, sections }: Commit): (string | number | Buffer)[] {
  const fingerprints = new Set(sections.map(({ fingerprint }) => fingerprint));
  assert(fingerprints.size === sections.length, 'a commit has one section for a fingerprint');
  const args: (string | number | Buffer)[] = [sections.length];
  for (const section of sections) addSection(args, shard, section);
  return args;
}

function addSection(args: (string | number | Buffer)[], shard: ShardId, section: CommitSection): void {
  const { fingerprint, expectedPosition, checkpoint, stateTtlMs, changes } = section;
  const { buildStartedMs, epoch, position } = checkpoint;
  args.push(
    fingerprint,
    formatPosition(expectedPosition),
    epoch,
    formatPosition(position),
    prefixOf(buildStartedMs, null),
    JSON.stringify(checkpoint),
    stateTtlMs ?? '',
    messageOf(shard, section),
    changes.length,
  );
  for (const { entity, change } of changes) {
    const { fromVersion, toVersion, head, tiles } = change;
    // What is appended to nothing is the whole.
    const mode = fromVersion === 0 && head.mode === 'append' ? 'replace' : head.mode;
    args.push(
      entity,
      fromVersion === 0 ? NOTHING : prefixOf(buildStartedMs, fromVersion),
      prefixOf(buildStartedMs, toVersion),
      MODES[mode] + (tiles === null ? '' : 't'),
      bufferOf(head.bytes),
      tiles === null ? NOTHING : bufferOf(tiles),
    );
  }
}

const MODES = { append: 'a', replace: 'r', delete: 'd' } as const;

/** What subscribers hear of a commit. */
function messageOf({ source, entityKey, partition }: ShardId, section: CommitSection): string {
  const { fingerprint, expectedPosition, checkpoint, changes } = section;
  return JSON.stringify({
    shard: [source, entityKey, partition],
    fingerprint,
    expected: expectedPosition,
    next: checkpoint.position,
    keys: changes.map(({ entity }) => entity),
  });
}

/** Build and, unless null, version, 8 bytes each. */
function prefixOf(buildStartedMs: number, version: number | null): Buffer {
  const bytes = Buffer.alloc(version === null ? BUILD_BYTES : PREFIX_BYTES);
  bytes.writeDoubleBE(buildStartedMs);
  if (version !== null) bytes.writeDoubleBE(version, BUILD_BYTES);
  return bytes;
}

/** Canonical, so that equal positions are equal texts; empty: nothing is stored. */
function formatPosition(position: Position | null): string {
  if (position === null) return '';
  const entries = Object.entries(position).toSorted(([one], [other]) => Number(one) - Number(other));
  return `@${entries.map(([partition, next]) => `${partition}:${next}`).join(',')}`;
}

function parsePosition(text: string): Position {
  const entries = text
    .slice(1)
    .split(',')
    .filter((entry) => entry !== '');
  return Object.fromEntries(entries.map((entry) => entry.split(':').map(Number)));
}

function resultOf([kind, fingerprint = '', detail]: [string, string?, string?]): CommitResult {
  if (kind === 'ok') return { kind };
  if (kind === 'fenced') return { kind, fingerprint, epoch: Number(detail) };
  assert(kind === 'moved', 'a commit is ok, fenced or moved');
  return { kind, fingerprint, position: detail ? parsePosition(detail) : null };
}

async function readShard(client: RedisClient, tag: string, sections: readonly ReadSection[]): Promise<ShardRead[]> {
  const args = sections.flatMap(({ fingerprint, entities }) => [fingerprint, entities.length, ...entities]);
  const answers = await client.skewlessReadBuffer(tag, sections.length, ...args);
  return sections.map(({ entities }, index) => {
    const [text, ...values] = answers[index] ?? [];
    const checkpoint = text ? (JSON.parse(text.toString()) as Checkpoint) : null;
    const stateAt = (at: number): StoredState | null =>
      checkpoint === null ? null : stateOf(checkpoint.buildStartedMs, values[at * 2], values[at * 2 + 1]);
    return { checkpoint, states: entities.map((_entity, at) => stateAt(at)) };
  });
}

/** Null where there is none of the build. */
function stateOf(build: number, head: Buffer | null | undefined, tiles: Buffer | null | undefined): StoredState | null {
  if (!head || head.length < PREFIX_BYTES || head.readDoubleBE() !== build) return null;
  const ofBuild = tiles && tiles.length >= BUILD_BYTES && tiles.readDoubleBE() === build;
  return {
    version: head.readDoubleBE(BUILD_BYTES),
    head: head.subarray(PREFIX_BYTES),
    tiles: ofBuild ? tiles.subarray(BUILD_BYTES) : null,
  };
}

function primariesOf(client: RedisClient): readonly Redis[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}

async function listAll(client: RedisClient, keys: RedisKeys): Promise<readonly StoredFingerprint[]> {
  const found: StoredFingerprint[] = [];
  for (const node of primariesOf(client)) {
    for await (const batch of scan(node, keys.checkpointPattern)) {
      for (const key of batch) {
        const named = keys.parseCheckpoint(key);
        const text = named === null ? null : await client.hget(key, 'checkpoint');
        if (named !== null && text !== null) found.push({ ...named, checkpoint: JSON.parse(text) as Checkpoint });
      }
    }
  }
  return found;
}

/** The checkpoint first: states without one count as absent, and a second call finds what the first left. */
async function dropStates(client: RedisClient, tag: string, fingerprint: string): Promise<number> {
  await client.del(`${tag}c:${fingerprint}`);
  let heads = 0;
  for (const node of primariesOf(client)) {
    for (const kind of ['h', 't']) {
      for await (const batch of scan(node, `${escapePattern(`${tag}${kind}:${fingerprint}:`)}*`)) {
        if (batch.length > 0) await client.unlink(...batch);
        if (kind === 'h') heads += batch.length;
      }
    }
  }
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

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
