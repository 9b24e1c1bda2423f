/** A primary, a replica and three sentinels of the test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, freePorts, startChild, until } from './child.ts';
import { askRedis, startOwnRedis } from './redis.ts';

export interface RedisSentinel {
  readonly url: string;
  /** Kills the primary, and resolves once the sentinels have promoted the replica. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

const PRIMARY = 'primary';
const SENTINELS = 3;

export async function startRedisSentinel(): Promise<RedisSentinel> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-sentinel-'));
  const primary = await startOwnRedis(['--repl-diskless-sync-delay', '0']);
  const replica = await startOwnRedis(['--replicaof', '127.0.0.1', `${primary.port}`]);
  // Before there are sentinels: they ask for replicas at once, and then every ten seconds.
  await until('the replica is in step', async () => {
    const info = String(await primary.command('info', 'replication'));
    if (!/slave0:.*state=online/.test(info)) throw new Error(info);
  });
  const ports = await freePorts(SENTINELS);
  const sentinels = ports.map((port): Child => {
    const file = join(folder, `${port}.conf`);
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${PRIMARY} 127.0.0.1 ${primary.port} 2`,
      `sentinel down-after-milliseconds ${PRIMARY} 1000`,
      `sentinel failover-timeout ${PRIMARY} 10000`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return startChild('redis-server', [file, '--sentinel']);
  });
  for (const port of ports) {
    await until('the sentinels know each other and the replica', async () => {
      const info = String(await askRedis({ port }, 'info', 'sentinel'));
      if (!info.includes('slaves=1,sentinels=3')) throw new Error(info);
    });
  }
  return {
    url: `redis-sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${PRIMARY}`,
    async failOver() {
      await primary.kill();
      for (const port of ports) {
        await until('the replica is the primary', async () => {
          const address = (await askRedis({ port }, 'sentinel', 'get-master-addr-by-name', PRIMARY)) as string[];
          const [role] = (await replica.command('role')) as string[];
          if (address[1] !== `${replica.port}` || role !== 'master') throw new Error(address.join(':'));
        });
      }
    },
    async stop() {
      await Promise.all(sentinels.map((child) => child.kill()));
      await Promise.all([primary.stop(), replica.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
