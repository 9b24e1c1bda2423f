/** The connection to Redis: its modes and its time limits. */
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { isFromReplica } from './redis-faults.ts';
import type { RedisLocation, RedisNode } from './redis-location.ts';
import { COMMIT_SCRIPT } from './redis-scripts.ts';

export interface RedisBounds {
  readonly connectMs: number;
  /** One command; beyond it the caller hears that the store is away. */
  readonly commandMs: number;
  /** A connection that has not answered for this long is dropped: one that hangs does not mend itself for minutes. */
  readonly silenceMs: number;
  /** Waits between attempts to connect: doubling up to this. */
  readonly reconnectMs: number;
}

export const DEFAULT_REDIS_BOUNDS: RedisBounds = {
  connectMs: 2_000,
  commandMs: 2_000,
  silenceMs: 5_000,
  reconnectMs: 1_000,
};

/** PEM texts; null: the system's authorities, and no certificate of ours. */
export interface RedisTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

type Argument = string | number | Buffer;

/** A command of ours beside Redis's. */
export interface ShardCommands {
  skewlessCommit(tag: string, ...args: Argument[]): Promise<[string, string, string?]>;
}

export type RedisClient = (Redis | Cluster) & ShardCommands;

export function connectRedis(location: RedisLocation, tls: RedisTls | null, bounds: RedisBounds): RedisClient {
  const client = createClient(location, optionsOf(location, tls, bounds), bounds);
  // Sharded pub/sub alone keeps a message within the shard's node of a cluster.
  const publish = location.mode === 'cluster' ? 'SPUBLISH' : 'PUBLISH';
  client.defineCommand('skewlessCommit', { numberOfKeys: 1, lua: COMMIT_SCRIPT.replaceAll('PUBLISH', `'${publish}'`) });
  return client as RedisClient;
}

/**
 * A connection that hears what is published, of one node of a cluster or of the primary: made anew by whoever listens when
 * it ends, never by itself, for ioredis would subscribe again without a word of what was missed.
 */
export function connectToListen(
  location: RedisLocation,
  tls: RedisTls | null,
  bounds: RedisBounds,
  node: RedisNode | null,
): Redis {
  const options = {
    ...optionsOf(location, tls, bounds),
    retryStrategy: () => null,
    autoResubscribe: false,
    // What is asked of it waits until it is there: it is made to be asked at once.
    enableOfflineQueue: true,
  };
  if (location.mode === 'cluster') return new Redis({ ...options, ...node });
  return createClient(location, options, bounds) as Redis;
}

function createClient(location: RedisLocation, options: ConnectOptions, bounds: RedisBounds): Redis | Cluster {
  switch (location.mode) {
    case 'standalone':
      return new Redis({ ...options, ...location.node, db: location.database });
    case 'sentinel':
      return new Redis({
        ...options,
        sentinels: location.nodes.map((node) => ({ ...node })),
        name: location.primary,
        sentinelRetryStrategy: options.retryStrategy,
        sentinelCommandTimeout: bounds.commandMs,
        failoverDetector: true,
        ...(location.tls ? { enableTLSForSentinelMode: true, sentinelTLS: options.tls ?? {} } : {}),
        ...(location.sentinelLogin ? sentinelLogin(location) : {}),
      });
    case 'cluster':
      return new Cluster(
        location.nodes.map((node) => ({ ...node })),
        {
          lazyConnect: true,
          enableOfflineQueue: false,
          clusterRetryStrategy: options.retryStrategy,
          slotsRefreshTimeout: bounds.commandMs,
          slotsRefreshInterval: bounds.silenceMs,
          redisOptions: options,
          // Certificates name hosts, and so must we.
          ...(location.tls ? { dnsLookup: (address, callback) => callback(null, address) } : {}),
        },
      );
    default:
      return location satisfies never;
  }
}

function sentinelLogin({ username, password }: RedisLocation) {
  return {
    ...(username === null ? {} : { sentinelUsername: username }),
    ...(password === null ? {} : { sentinelPassword: password }),
  };
}

type ConnectOptions = Omit<ReturnType<typeof optionsOf>, 'retryStrategy' | 'enableOfflineQueue'> & {
  readonly retryStrategy: (attempt: number) => number | null;
  readonly enableOfflineQueue: boolean;
};

function optionsOf({ username, password, tls }: RedisLocation, files: RedisTls | null, bounds: RedisBounds) {
  const options = {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: tlsOptions(files) } : {}),
    lazyConnect: true,
    connectTimeout: bounds.connectMs,
    commandTimeout: bounds.commandMs,
    socketTimeout: bounds.silenceMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxLoadingRetryTime: bounds.reconnectMs,
    reconnectOnError: isFromReplica,
    retryStrategy: (attempt: number) => Math.min(25 * 2 ** Math.min(attempt, 10), bounds.reconnectMs),
  } satisfies RedisOptions;
  return options;
}

function tlsOptions(files: RedisTls | null): ConnectionOptions {
  const { ca = null, cert = null, key = null } = files ?? {};
  return { ...(ca === null ? {} : { ca }), ...(cert === null || key === null ? {} : { cert, key }) };
}
