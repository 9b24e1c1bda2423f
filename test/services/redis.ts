/** A real Redis for tests: `REDIS_URL` where that is given, else a `redis-server` of the test's own. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type Child, freePorts, isInstalled, startChild, until } from './child.ts';

export interface RedisService {
  readonly url: string;
  stop(): Promise<void>;
}

/** One that a test may harm. */
export interface OwnRedis extends RedisService {
  readonly port: number;
  /** Runs, and is not suspended. */
  awake(): boolean;
  kill(): Promise<void>;
  /** On the same port, empty. */
  restart(): Promise<void>;
  suspend(): void;
  resume(): void;
  /** Saves to disk now; `restoreSnapshot` kills the server and starts it from what was saved then. */
  snapshot(): Promise<void>;
  restoreSnapshot(): Promise<void>;
  /** Runs a command over a connection of its own. */
  command(name: string, ...args: string[]): Promise<unknown>;
}

/** What is missing to have a Redis here, or null. */
export function whyNoRedis(): string | null {
  return process.env['REDIS_URL'] === undefined ? whyNoOwnRedis() : null;
}

/** What is missing to start a Redis here that a test may harm, or null. */
export function whyNoOwnRedis(): string | null {
  return isInstalled('redis-server') ? null : 'there is no redis-server (Debian: redis-server)';
}

export async function startRedis(): Promise<RedisService> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined) return { url: given, stop: () => Promise.resolve() };
  return startOwnRedis();
}

/** Runs a command over a connection of its own, to this machine. */
export async function askRedis(
  options: { readonly port: number; readonly username?: string; readonly password?: string },
  name: string,
  ...args: readonly string[]
): Promise<unknown> {
  const common = { host: '127.0.0.1', lazyConnect: true, maxRetriesPerRequest: 0, commandTimeout: 5_000 };
  const client = new Redis({ ...common, ...options });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

/** `args` as on redis-server's command line. `user` and `password` are used to ask whether it is up. */
export async function startOwnRedis(
  args: readonly string[] = [],
  login: { readonly username?: string; readonly password?: string } = {},
  givenPort: number | null = null,
): Promise<OwnRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-redis-'));
  const [free] = (await freePorts(1)) as [number];
  const port = givenPort ?? free;
  const base = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--dbfilename', 'dump.rdb'];
  let server: Child;
  let suspended = false;
  async function start(): Promise<void> {
    server = startChild('redis-server', [...base, ...args]);
    suspended = false;
    await until('Redis answers', async () => {
      if (!server.running()) throw new Error(`redis-server has ended: ${server.output()}`);
      await command('ping');
    });
  }
  const command = (name: string, ...rest: string[]): Promise<unknown> => askRedis({ port, ...login }, name, ...rest);
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    command,
    kill: () => server.kill(),
    async restart() {
      rmSync(join(folder, 'dump.rdb'), { force: true });
      await start();
    },
    awake: () => server.running() && !suspended,
    suspend() {
      suspended = true;
      server.signal('SIGSTOP');
    },
    resume() {
      suspended = false;
      server.signal('SIGCONT');
    },
    async snapshot() {
      await command('save');
      copyFileSync(join(folder, 'dump.rdb'), join(folder, 'kept.rdb'));
    },
    async restoreSnapshot() {
      await server.kill();
      copyFileSync(join(folder, 'kept.rdb'), join(folder, 'dump.rdb'));
      await start();
    },
    async stop() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
