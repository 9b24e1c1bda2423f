/**
 * What a Redis must be to hold states: version 7 or later, and not one that drops keys when memory runs short, for an
 * entity that was dropped looks like one that never was. Some services deny `CONFIG`, hence `INFO` is asked first.
 */
import type { Cluster, Redis } from 'ioredis';
import { SkewlessError } from '../core/errors.ts';

const VERSION_MIN = 7;

/**
 * Rejects with `store_evicts` or `store_too_old`. Of a cluster, a primary that cannot be reached is left out: those of its
 * slots wait for its replica, and the others need not.
 */
export async function checkPolicy(client: Redis | Cluster, onWarning: (message: string) => void): Promise<void> {
  const nodes = primariesOf(client);
  const checks = await Promise.allSettled(nodes.map((node) => checkNode(node, onWarning)));
  const failed = checks.flatMap((check) => (check.status === 'rejected' ? [check.reason as unknown] : []));
  const [first] = failed;
  const unfit = failed.find((reason) => reason instanceof SkewlessError);
  if (unfit !== undefined) throw unfit;
  if (failed.length === nodes.length) throw first ?? new Error('the cluster has no primary');
}

export function primariesOf(client: Redis | Cluster): readonly Redis[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}

async function checkNode(node: Redis, onWarning: (message: string) => void): Promise<void> {
  const server = await allowed(() => node.info());
  const facts = server === null ? new Map<string, string>() : fieldsOf(server);
  const version = facts.get('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < VERSION_MIN) {
    throw new SkewlessError('store_too_old', `Redis ${version}: ${VERSION_MIN}.0 or later is needed`);
  }
  const policy = facts.get('maxmemory_policy') ?? (await configuredPolicy(node));
  if (policy === null) {
    onWarning(
      'Redis does not say its maxmemory-policy: be sure that it is noeviction, or states will be lost unnoticed',
    );
  } else if (policy !== 'noeviction') {
    const message =
      `Redis may drop keys when memory runs short (maxmemory-policy ${policy}), and what it drops would be served as ` +
      'NOT_FOUND; set maxmemory-policy to noeviction';
    throw new SkewlessError('store_evicts', message);
  }
}

/** Null: the service tells nobody. */
async function configuredPolicy(node: Redis): Promise<string | null> {
  const answer = await allowed<unknown>(() => node.config('GET', 'maxmemory-policy'));
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
}

/** Null where the user may not ask, or the service does not know the command. */
async function allowed<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR unknown command)/i.test(error.message)) return null;
    throw error;
  }
}

/** Of the text of `INFO`. */
function fieldsOf(info: string): ReadonlyMap<string, string> {
  const lines = info.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
