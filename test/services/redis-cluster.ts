/** A Redis Cluster of the test's own: three primaries, three replicas, on ports below 55,000 (each has a bus port 10,000 above). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, freePorts, startChild, until } from './child.ts';
import { askRedis } from './redis.ts';

export interface RedisCluster {
  readonly url: string;
  /** Kills the primary that serves the slot of `key`, and resolves once its replica has been promoted. */
  failOver(key: string): Promise<void>;
  /** Runs a command on every node that is a primary, one after another. */
  onPrimaries(name: string, ...args: string[]): Promise<unknown[]>;
  stop(): Promise<void>;
}

const NODES = 6;
const PORT_MAX = 55_000;

interface Node {
  readonly port: number;
  readonly child: Child;
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-cluster-'));
  const nodes = (await portsBelow(PORT_MAX)).map((port): Node => ({ port, child: startNode(folder, port) }));
  const running = (): Node[] => nodes.filter(({ child }) => child.running());
  for (const { port } of nodes) await until('a node answers', () => askRedis({ port }, 'ping'));
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const created = spawnSync(
    'redis-cli',
    ['--cluster', 'create', ...hosts, '--cluster-replicas', '1', '--cluster-yes'],
    { encoding: 'utf8' },
  );
  if (created.status !== 0) throw new Error(`no cluster: ${created.stdout} ${created.stderr}`);

  const allSay = (expected: string, among: readonly Node[]): Promise<void> =>
    until(`the cluster says ${expected}`, async () => {
      for (const { port } of among) {
        const info = String(await askRedis({ port }, 'cluster', 'info'));
        if (!info.includes(expected)) throw new Error(info);
      }
    });
  await allSay('cluster_state:ok', nodes);

  const primaries = async (): Promise<Node[]> => {
    const roles = await Promise.all(running().map(async ({ port }) => askRedis({ port }, 'role')));
    return running().filter((_node, index) => (roles[index] as string[])[0] === 'master');
  };
  await until('three replicas are in step', async () => {
    for (const { port } of await primaries()) {
      const info = String(await askRedis({ port }, 'info', 'replication'));
      if (!/slave0:.*state=online/.test(info)) throw new Error(info);
    }
  });

  return {
    url: `redis-cluster://${hosts.join(',')}`,
    async failOver(key) {
      const any = running()[0]?.port ?? 0;
      const slot = Number(await askRedis({ port: any }, 'cluster', 'keyslot', key));
      const owner = await ownerOf(slot, running());
      await owner.child.kill();
      await until('its replica is promoted', async () => {
        if ((await ownerOf(slot, running())).port === owner.port) throw new Error('not yet');
      });
      await allSay('cluster_state:ok', running());
    },
    async onPrimaries(name, ...args) {
      const answers = [];
      for (const { port } of await primaries()) answers.push(await askRedis({ port }, name, ...args));
      return answers;
    },
    async stop() {
      await Promise.all(nodes.map(({ child }) => child.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function portsBelow(limit: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < NODES) for (const port of await freePorts(NODES)) if (port < limit) ports.add(port);
  return [...ports].slice(0, NODES);
}

function startNode(folder: string, port: number): Child {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', join(folder, `${port}.conf`)];
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--dbfilename', `${port}.rdb`];
  const others = ['--cluster-node-timeout', '1000', '--save', '', '--repl-diskless-sync-delay', '0'];
  return startChild('redis-server', [...args, ...cluster, ...others]);
}

/** As every node that runs has it; rejects while they differ. */
async function ownerOf(slot: number, nodes: readonly Node[]): Promise<Node> {
  const ports = new Set<number>();
  for (const { port } of nodes) {
    const ranges = (await askRedis({ port }, 'cluster', 'slots')) as [number, number, [string, number]][];
    const range = ranges.find(([from, to]) => from <= slot && slot <= to);
    if (range !== undefined) ports.add(range[2][1]);
  }
  const [port] = ports;
  const node = nodes.find((each) => each.port === port);
  if (ports.size !== 1 || node === undefined) throw new Error(`who serves slot ${slot} is not agreed`);
  return node;
}
