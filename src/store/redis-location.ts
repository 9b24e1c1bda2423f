/** `redis://…` and its kin → where a Redis is and how to log in. Pure; errors say what was expected, and no password. */
import { SkewlessError } from '../core/errors.ts';

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export interface RedisLogin {
  readonly username: string | null;
  readonly password: string | null;
}

/**
 * `redis://[user:password@]host[:port][/db]`, `rediss://` the same over TLS, `redis-cluster://[user:password@]host:port,…`,
 * `redis-sentinel://[user:password@]host:port,…/<name of the primary>`. The last two take `?tls=true`.
 */
export type RedisLocation = RedisLogin & { readonly tls: boolean } & (
    | { readonly mode: 'standalone'; readonly node: RedisNode; readonly database: number }
    | { readonly mode: 'cluster'; readonly nodes: readonly RedisNode[] }
    | { readonly mode: 'sentinel'; readonly nodes: readonly RedisNode[]; readonly primary: string }
  );

const SHAPE = /^(rediss?|redis-cluster|redis-sentinel):\/\/(?:([^@]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'redis-sentinel': 26_379 };
const DEFAULT_PORT = 6_379;

export const REDIS_SCHEMES = ['redis', 'rediss', 'redis-cluster', 'redis-sentinel'] as const;

/** Throws `invalid_location`. */
export function parseRedisUrl(text: string): RedisLocation {
  const [, scheme, login, hosts, path = '', query = ''] = SHAPE.exec(text) ?? [];
  if (scheme === undefined || hosts === undefined) {
    throw invalid(
      'a Redis location is redis://host:port, rediss://…, redis-cluster://host:port,… or redis-sentinel://host:port,…/primary',
    );
  }
  const nodes = hosts.split(',').map((host) => parseNode(host, DEFAULT_PORTS[scheme] ?? DEFAULT_PORT));
  const common = { ...parseLogin(login), tls: parseTls(scheme, query) };
  const [node, ...others] = nodes as [RedisNode, ...RedisNode[]];
  switch (scheme) {
    case 'redis-cluster':
      if (path !== '') throw invalid('a Redis Cluster has no databases: nothing may follow its hosts');
      return { ...common, mode: 'cluster', nodes };
    case 'redis-sentinel':
      if (path === '') throw invalid('redis-sentinel://host:port,…/<name of the primary>: the name is missing');
      return { ...common, mode: 'sentinel', nodes, primary: decodeURIComponent(path) };
    default:
      if (others.length > 0)
        throw invalid(`${scheme}:// names one host; several are a redis-cluster:// or redis-sentinel://`);
      return { ...common, mode: 'standalone', node, database: parseDatabase(path) };
  }
}

function parseNode(text: string, defaultPort: number): RedisNode {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port ?? 1) > 65_535) throw invalid(`"${text}" is not host:port`);
  return { host, port: port === undefined ? defaultPort : Number(port) };
}

/** `user:password`, `:password`, or a user alone; percent-encoded. */
function parseLogin(text: string | undefined): RedisLogin {
  if (text === undefined || text === '') return { username: null, password: null };
  const colon = text.indexOf(':');
  const user = colon < 0 ? text : text.slice(0, colon);
  try {
    return {
      username: user === '' ? null : decodeURIComponent(user),
      password: colon < 0 ? null : decodeURIComponent(text.slice(colon + 1)),
    };
  } catch {
    throw invalid('the user or password is not percent-encoded: write % as %25, @ as %40, / as %2F');
  }
}

function parseTls(scheme: string, query: string): boolean {
  if (query === '') return scheme === 'rediss';
  if (query === 'tls=true' && scheme.startsWith('redis-')) return true;
  throw invalid(`"?${query}": only ?tls=true is known, of redis-cluster:// and redis-sentinel://; else use rediss://`);
}

function parseDatabase(path: string): number {
  if (!/^\d{0,4}$/.test(path)) throw invalid(`"/${path}" is not the number of a database`);
  return Number(path === '' ? '0' : path);
}

function invalid(message: string): SkewlessError {
  return new SkewlessError('invalid_location', message);
}
