/**
 * A Redis Cluster for tests: three primaries, three replicas, each a `redis-server` of its own that a test may kill,
 * suspend or start again. A killed node that starts again comes back empty, and as a replica of its successor.
 */
import { spawnSync } from 'node:child_process';
import { freePorts, until } from './child.ts';
import { type OwnRedis, startOwnRedis } from './redis.ts';

export interface RedisCluster {
  /** Of all nodes. */
  readonly url: string;
  readonly nodes: readonly OwnRedis[];
  /** The node that serves the slot of `key`; waits until all that are awake name the same one. */
  primaryOf(key: string): Promise<OwnRedis>;
  /** The node that keeps a copy of what `primary` has. */
  replicaOf(primary: OwnRedis): Promise<OwnRedis>;
  /** Kills the primary of `key`; resolves to it once its replica has been promoted. */
  failOver(key: string): Promise<OwnRedis>;
  /** Until each node that is awake counts every slot as served, by nodes that are awake. */
  waitForPromotion(): Promise<void>;
  /** Runs a command on every node that is a primary and awake, one after another. */
  onPrimaries(name: string, ...args: string[]): Promise<unknown[]>;
  stop(): Promise<void>;
}

const NODES = 6;
const HOST = '127.0.0.1';
/** After this long without an answer a primary is replaced; less, and a busy machine replaces one that is alive. */
const NODE_TIMEOUT_MS = 2_000;

/** `args`: more of redis-server's command line, of every node. */
export async function startRedisCluster(args: readonly string[] = []): Promise<RedisCluster> {
  const busPorts = await freePorts(NODES);
  const nodes = await Promise.all(busPorts.map((busPort) => startOwnRedis([...nodeArgs(busPort), ...args])));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    join(nodes);
    await until('every slot has a primary and a replica', () => checkReplicas(nodes));
  } catch (error) {
    await stop();
    throw error;
  }

  async function primaryOf(key: string): Promise<OwnRedis> {
    let found: OwnRedis | undefined;
    await until(`all nodes name one primary of ${key}`, async () => {
      const awake = nodes.filter((node) => node.awake());
      const ports = new Set(await Promise.all(awake.map((node) => primaryPort(node, key))));
      found = awake.find(({ port }) => ports.size === 1 && ports.has(port));
      if (found === undefined) throw new Error(`the nodes name ${[...ports].join(', ')}`);
    });
    return found as OwnRedis;
  }

  const waitForPromotion = (): Promise<void> => until('a replica is promoted', () => checkCoverage(nodes));
  return {
    url: `redis-cluster://${nodes.map(({ port }) => `${HOST}:${port}`).join(',')}`,
    nodes,
    primaryOf,
    async replicaOf(primary) {
      for (const node of nodes.filter((each) => each.awake())) {
        const [role, , port] = (await node.command('role')) as [string, string, number];
        if (role === 'slave' && port === primary.port) return node;
      }
      throw new Error(`${primary.port} has no replica`);
    },
    async failOver(key) {
      const node = await primaryOf(key);
      await node.kill();
      await waitForPromotion();
      return node;
    },
    waitForPromotion,
    async onPrimaries(name, ...args) {
      const answers: unknown[] = [];
      for (const node of nodes.filter((each) => each.awake())) {
        const [role] = (await node.command('role')) as [string];
        if (role === 'master') answers.push(await node.command(name, ...args));
      }
      return answers;
    },
    stop,
  };
}

function nodeArgs(busPort: number): string[] {
  const options = {
    'cluster-enabled': 'yes',
    // By default the port of clients plus 10,000, which may be no port at all.
    'cluster-port': String(busPort),
    'cluster-node-timeout': String(NODE_TIMEOUT_MS),
    // A replica takes over however long it has been apart: a slow machine must not leave a shard without a primary.
    'cluster-replica-validity-factor': '0',
    'repl-diskless-sync-delay': '0',
    // Nodes tell of a replica once its offset has moved, which the first ping after a copy does.
    'repl-ping-replica-period': '1',
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

function join(nodes: readonly OwnRedis[]): void {
  const addresses = nodes.map(({ port }) => `${HOST}:${port}`);
  const args = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'];
  const created = spawnSync('redis-cli', args, { encoding: 'utf8', timeout: 60_000 });
  if (created.status !== 0) throw new Error(`no cluster was made: ${created.stdout} ${created.stderr}`);
}

interface SlotRange {
  readonly from: number;
  readonly to: number;
  /** Ports. */
  readonly primary: number;
  readonly replicas: readonly number[];
}

async function slotRanges(node: OwnRedis): Promise<SlotRange[]> {
  type Address = [host: string, port: number, ...rest: unknown[]];
  const ranges = (await node.command('cluster', 'slots')) as [number, number, Address, ...Address[]][];
  return ranges.map(([from, to, [, primary], ...replicas]) => {
    return { from, to, primary, replicas: replicas.map(([, port]) => port) };
  });
}

async function primaryPort(node: OwnRedis, key: string): Promise<number | undefined> {
  const slot = Number(await node.command('cluster', 'keyslot', key));
  return (await slotRanges(node)).find(({ from, to }) => from <= slot && slot <= to)?.primary;
}

async function checkCoverage(nodes: readonly OwnRedis[]): Promise<void> {
  const awake = nodes.filter((node) => node.awake());
  const ports = new Set(awake.map(({ port }) => port));
  for (const node of awake) {
    const state = /cluster_state:(\w+)/.exec(String(await node.command('cluster', 'info')))?.[1];
    if (state !== 'ok') throw new Error(`the cluster is ${state} at ${node.port}`);
    for (const { primary } of await slotRanges(node)) {
      if (!ports.has(primary)) throw new Error(`${node.port} takes ${primary}, which is gone, for a primary`);
    }
  }
}

async function checkReplicas(nodes: readonly OwnRedis[]): Promise<void> {
  await checkCoverage(nodes);
  for (const node of nodes) {
    for (const { primary, replicas } of await slotRanges(node)) {
      if (replicas.length === 0) throw new Error(`${primary} has no replica at ${node.port}`);
    }
    const link = /master_link_status:(\w+)/.exec(String(await node.command('info', 'replication')))?.[1];
    if (link === 'down') throw new Error(`${node.port} has not copied its primary yet`);
  }
}
