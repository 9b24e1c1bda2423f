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
 * `redis-sentinel://[user:password@]host:port,…/<name of the primary>`. The last two take `?tls=true`; sentinels that
 * want the same login take `?sentinel-login=true`. Several are joined with `&`.
 */
export type RedisLocation = RedisLogin & { readonly tls: boolean } & (
    | { readonly mode: 'standalone'; readonly node: RedisNode; readonly database: number }
    | { readonly mode: 'cluster'; readonly nodes: readonly RedisNode[] }
    | {
        readonly mode: 'sentinel';
        readonly nodes: readonly RedisNode[];
        readonly primary: string;
        readonly sentinelLogin: boolean;
      }
  );

const SHAPE = /^(rediss?|redis-cluster|redis-sentinel):\/\/(?:([^@]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'redis-sentinel': 26_379 };
const DEFAULT_PORT = 6_379;
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  'redis-cluster': ['tls=true'],
  'redis-sentinel': ['tls=true', 'sentinel-login=true'],
};

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
  const parameters = parseParameters(scheme, query);
  const common = { ...parseLogin(login), tls: scheme === 'rediss' || parameters.has('tls') };
  const [node, ...others] = nodes as [RedisNode, ...RedisNode[]];
  switch (scheme) {
    case 'redis-cluster':
      if (path !== '') throw invalid('a Redis Cluster has no databases: nothing may follow its hosts');
      return { ...common, mode: 'cluster', nodes };
    case 'redis-sentinel':
      if (path === '') throw invalid('redis-sentinel://host:port,…/<name of the primary>: the name is missing');
      return {
        ...common,
        mode: 'sentinel',
        nodes,
        primary: decode(path),
        sentinelLogin: parameters.has('sentinel-login'),
      };
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
  return {
    username: user === '' ? null : decode(user),
    password: colon < 0 ? null : decode(text.slice(colon + 1)),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('a user, password or name is not percent-encoded: write % as %25, @ as %40, / as %2F');
  }
}

/** The names of those that are said to be true. */
function parseParameters(scheme: string, query: string): ReadonlySet<string> {
  const known = PARAMETERS[scheme] ?? [];
  const parameters = query === '' ? [] : query.split('&');
  for (const parameter of parameters) {
    if (known.includes(parameter)) continue;
    const expected = known.length === 0 ? `${scheme}:// takes none` : `${scheme}:// takes ${known.join(' and ')}`;
    throw invalid(`"?${parameter}": ${expected}; TLS of one host is rediss://`);
  }
  return new Set(parameters.map((parameter) => parameter.slice(0, parameter.indexOf('='))));
}

function parseDatabase(path: string): number {
  if (!/^\d{0,4}$/.test(path)) throw invalid(`"/${path}" is not the number of a database`);
  return Number(path === '' ? '0' : path);
}

function invalid(message: string): SkewlessError {
  return new SkewlessError('invalid_location', message);
}
