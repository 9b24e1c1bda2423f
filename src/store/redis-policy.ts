/**
 * What a Redis must be to hold states: version 7 or later, and not one that drops keys when memory runs short, for an
 * entity that was dropped looks like one that never was. Some services deny `CONFIG`; then `INFO` says it.
 */
import type { Cluster, Redis } from 'ioredis';
import { SkewlessError } from '../core/errors.ts';

const VERSION_MIN = 7;

/** Rejects with `store_evicts` or `store_too_old`. */
export async function checkPolicy(client: Redis | Cluster): Promise<void> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  for (const node of nodes) {
    const server = fieldsOf(await node.info('server'));
    const version = server.get('redis_version') ?? '';
    if (Number.parseInt(version, 10) < VERSION_MIN) {
      throw new SkewlessError('store_too_old', `Redis ${version}: ${VERSION_MIN}.0 or later is needed`);
    }
    const policy = await policyOf(node);
    if (policy !== null && policy !== 'noeviction') {
      const message =
        `Redis may drop keys when memory runs short (maxmemory-policy ${policy}), and what it drops would be served as ` +
        'NOT_FOUND; set maxmemory-policy to noeviction';
      throw new SkewlessError('store_evicts', message);
    }
  }
}

/** Null: the service tells nobody. */
async function policyOf(node: Redis): Promise<string | null> {
  const memory = fieldsOf(await node.info('memory'));
  const told = memory.get('maxmemory_policy');
  if (told !== undefined) return told;
  const answer = (await node.config('GET', 'maxmemory-policy').catch(() => [])) as string[];
  return answer[1] ?? null;
}

/** Of the text of `INFO`. */
export function fieldsOf(info: string): ReadonlyMap<string, string> {
  const lines = info.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
