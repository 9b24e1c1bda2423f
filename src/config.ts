/**
 * The only reader of the environment. Every flag has a variable (`--store` ↔ `SKEWLESS_STORE`, or `SKEWLESS_STORE_FILE`
 * naming a file that holds the value, for secrets); an unknown `SKEWLESS_…` variable is an error, like an unknown flag.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { nearestName } from './core/suggest.ts';
import { parseDurationMs, parseTimestampMs } from './core/time.ts';
import { SkewlessError, messageOf } from './core/errors.ts';
import { OPENLINEAGE_FORMS, type OpenLineageLocation, parseOpenLineageLocation } from './openlineage/location.ts';
import { RATE_FORMS, type Rate, parseRate } from './serve/access/rate.ts';
import { REDIS_SCHEMES, type RedisLocation, parseRedisUrl } from './store/redis-location.ts';

/** Wrong flags or variables: exit code 2. */
export class UsageError extends SkewlessError {
  constructor(message: string, cause?: unknown) {
    super('usage', message, { cause });
    this.name = 'UsageError';
  }
}

export const ROLES = ['all', 'serve', 'materialize'] as const;
export type Role = (typeof ROLES)[number];
export const AUTH_MODES = ['none', 'keys'] as const;
type AuthMode = (typeof AUTH_MODES)[number];
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface SqliteLocation {
  readonly kind: 'sqlite';
  readonly file: string;
}

/** Where a log is. */
export type LogLocation = SqliteLocation | { readonly kind: 'kafka'; readonly brokers: readonly string[] };

/** Where a store is. */
export type StoreLocation = SqliteLocation | { readonly kind: 'redis'; readonly redis: RedisLocation };

/** Where the audit trail is kept. */
export type TrailLocation = Exclude<OpenLineageLocation, { readonly kind: 'http' }>;

export interface AdminListener {
  readonly host: string;
  readonly port: number;
  /** Whether it asks for keys: on loopback, who reaches it is trusted with what it tells. */
  readonly asksForKeys: boolean;
}

/** What `skewless start` runs; frozen. */
export interface Config {
  readonly role: Role;
  readonly definitionsDir: string;
  /** Folder of the bundled example to load before serving, or null when definitions were named. */
  readonly exampleDir: string | null;
  /** Null: no log, so that events cannot be ingested (`serve` only). */
  readonly log: LogLocation | null;
  readonly store: StoreLocation;
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
  /** File of the keys that callers must have; null: nobody is asked for one. */
  readonly keysFile: string | null;
  /** Of a key without a rate of its own, or, without keys, of a client address; null: no limit. */
  readonly rate: Rate | null;
  /** Where metrics and the documentation are served; null: with everything else. */
  readonly admin: AdminListener | null;
  /** Of a request that names none. */
  readonly budgetMs: number;
  readonly connectionsMax: number;
  /** From SIGTERM until no connection is accepted any more. */
  readonly drainMs: number;
  readonly logLevel: LogLevel;
  /** What is served was what the store held at most so long before the request, ms; 0: it is read for each request. */
  readonly stalenessMs: number;
  /** Where metrics and traces are sent, by OTLP over HTTP; null: nowhere. */
  readonly otlpEndpoint: string | null;
  /** Share of requests that are traced, 0 to 1. */
  readonly traceRatio: number;
  /** Where runs are told of, as OpenLineage events; null: nowhere. */
  readonly openlineage: OpenLineageLocation | null;
  /** Where it is recorded which definitions ran; null: nowhere. */
  readonly trail: TrailLocation | null;
  /** Share of entities whose rows are logged as they are served, 0 to 1. */
  readonly servedSample: number;
}

export const EXAMPLE_DIR = join(import.meta.dirname, '../examples/flights');
const VARIABLE_PREFIX = 'SKEWLESS_';
const LOCALHOST = '127.0.0.1';
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);
const NAMESPACE = /^[a-z][a-z0-9]*([_-][a-z0-9]+)*$/;

/** `log-level` → `SKEWLESS_LOG_LEVEL`. */
export function variableOf(flag: string): string {
  return VARIABLE_PREFIX + flag.replaceAll('-', '_').toUpperCase();
}

/**
 * Values of flags given by variables: `{ store: 'sqlite:…' }`. Throws `UsageError` naming every unknown variable
 * (`knownFlags` are those of all commands) and every file that cannot be read.
 */
export function flagsFromEnvironment(knownFlags: Iterable<string>, environment = process.env): Map<string, string> {
  const variables = new Map([...knownFlags].map((flag) => [variableOf(flag), flag]));
  const flags = new Map<string, string>();
  const problems: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(VARIABLE_PREFIX) || value === undefined) continue;
    const direct = variables.get(name);
    const viaFile = name.endsWith('_FILE') ? variables.get(name.slice(0, -'_FILE'.length)) : undefined;
    if (direct !== undefined) {
      if (environment[`${name}_FILE`] !== undefined) problems.push(`${name} and ${name}_FILE are both set; keep one`);
      flags.set(direct, value);
    } else if (viaFile !== undefined) {
      try {
        flags.set(viaFile, readFileSync(value, 'utf8').trimEnd());
      } catch (error) {
        problems.push(`${name}: ${messageOf(error)}`);
      }
    } else {
      const near = nearestName(name, variables.keys());
      problems.push(`unknown variable ${name}${near === null ? '' : `; did you mean ${near}?`}`);
    }
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return flags;
}

/** `sqlite:FILE` or `kafka://host:port,…` → location; throws `UsageError`, which repeats no password. */
export function parseLogLocation(text: string): LogLocation {
  const sqlite = parseSqlite(text);
  if (sqlite !== null) return sqlite;
  const hosts = /^kafka:\/\/([^/@?]+)\/?$/.exec(text)?.[1];
  if (hosts === undefined) {
    throw new UsageError(
      `"${withoutLogin(text)}" is not a log; expected sqlite:FILE, such as sqlite:.skewless/log.sqlite, or kafka://host:port,…`,
    );
  }
  const brokers = hosts.split(',').map((host) => (/:\d+$/.test(host) ? host : `${host}:${KAFKA_PORT}`));
  return { kind: 'kafka', brokers };
}

/** `sqlite:FILE`, or a URL of Redis → location; throws `UsageError`, which repeats no password. */
export function parseStoreLocation(text: string): StoreLocation {
  const sqlite = parseSqlite(text);
  if (sqlite !== null) return sqlite;
  if (!REDIS_SCHEMES.some((scheme) => text.startsWith(`${scheme}://`))) {
    throw new UsageError(
      `"${withoutLogin(text)}" is not a store; expected sqlite:FILE, such as sqlite:.skewless/store.sqlite, or ` +
        REDIS_SCHEMES.map((scheme) => `${scheme}://…`).join(', '),
    );
  }
  try {
    return { kind: 'redis', redis: parseRedisUrl(text) };
  } catch (error) {
    throw new UsageError(`"${withoutLogin(text)}": ${messageOf(error)}`, error);
  }
}

/** `file:PATH` or `kafka://host:port,…/topic`; throws `UsageError`, which repeats no password. */
export function parseTrail(text: string): TrailLocation {
  const location = parseOpenLineageLocation(text);
  if (location !== null && location.kind !== 'http') return location;
  throw new UsageError(
    `"${withoutLogin(text)}" is no place for a trail; expected file:PATH or kafka://host:port/topic`,
  );
}

/** Throws `UsageError`, which repeats no password. */
export function parseOpenLineage(text: string): OpenLineageLocation {
  const location = parseOpenLineageLocation(text);
  if (location !== null) return location;
  throw new UsageError(`"${withoutLogin(text)}" is not where runs are told of; expected ${OPENLINEAGE_FORMS}`);
}

const KAFKA_PORT = 9_092;

function parseSqlite(text: string): SqliteLocation | null {
  const file = /^sqlite:(.+)$/.exec(text)?.[1];
  if (file === undefined) return null;
  return { kind: 'sqlite', file: isAbsolute(file) ? file : join(process.cwd(), file) };
}

function withoutLogin(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//***@');
}

/** An integer from 0 to 65535; 0 asks the system for a free one. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError(`"${text}" is not a port; expected 0 to 65535`);
  return port;
}

const STALENESS_DEFAULT_MS = 1_000;
const STALENESS_MIN_MS = 20;
const STALENESS_MAX_MS = 60_000;

/** A duration; `0` turns the cache off. */
export function parseStaleness(text: string): number {
  if (text === '0') return 0;
  const ms = parseDurationMs(text);
  if (ms === null || ms < STALENESS_MIN_MS || ms > STALENESS_MAX_MS) {
    throw new UsageError(
      `"${text}" is not a staleness bound; expected 0 (nothing is cached), or a duration from 20ms to 60s, such as 1s`,
    );
  }
  return ms;
}

/** Base of a collector's URLs: `http://collector:4318`. Throws `UsageError`, which repeats no password. */
export function parseOtlpEndpoint(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new UsageError(
      `"${withoutLogin(text)}" is not where a collector is; expected http://host:4318 or https://…, to which /v1/metrics and /v1/traces are added`,
    );
  }
  return text;
}

/** Base of a registry's URLs. Throws `UsageError`, which repeats no password. */
export function parseRegistryUrl(text: string): string {
  const url = URL.parse(text);
  const isPlain = url !== null && ['http:', 'https:'].includes(url.protocol) && url.search === '' && url.hash === '';
  if (isPlain && url.username === '' && url.password === '') return text;
  throw new UsageError(
    `"${withoutLogin(text)}" is not where a schema registry is; expected http://host:8081 or https://…, and a login by --schema-registry-username and its password, or --schema-registry-token`,
  );
}

/** A number from 0 to 1. */
export function parseRatio(text: string): number {
  const ratio = Number(text);
  if (!/^(\d+(\.\d+)?|\.\d+)$/.test(text) || ratio > 1) {
    throw new UsageError(`"${text}" is not a share of all; expected a number from 0 to 1, such as 0.01`);
  }
  return ratio;
}

export function parseNamespace(text: string): string {
  if (!NAMESPACE.test(text) || text.length > 63) {
    throw new UsageError(
      `"${text}" is not a namespace; expected lower-case words joined by - or _, at most 63 characters`,
    );
  }
  return text;
}

/** `100/s` and the like; throws `UsageError`. */
export function parseRateFlag(text: string): Rate {
  const rate = parseRate(text);
  if (rate === null) throw new UsageError(`"${text}" is not a rate; expected ${RATE_FORMS}`);
  return rate;
}

export const BUDGET_MS = 5_000;
const BUDGET_MAX_MS = 60_000;
export const CONNECTIONS_MAX = 10_000;
const DRAIN_MS = 5_000;
const DRAIN_MAX_MS = 300_000;

/** `250ms`, `5s`: from 1 ms to 1 m. */
export function parseBudget(text: string): number {
  return parseDuration(text, 1, BUDGET_MAX_MS, 'a budget; expected 1ms to 1m, such as 250ms');
}

/** `0s`, `15s`: up to 5 m. */
export function parseDrain(text: string): number {
  return parseDuration(text, 0, DRAIN_MAX_MS, 'a time to drain; expected 0s to 5m, such as 15s');
}

const EVERY_MIN_MS = 1_000;
const EVERY_MAX_MS = 7 * 86_400_000;

/** `15m`, `1h`: from 1 s to 7 d. */
export function parseEvery(text: string): number {
  return parseDuration(text, EVERY_MIN_MS, EVERY_MAX_MS, 'a time between audits; expected 1s to 7d, such as 1h');
}

/** RFC 3339 with an offset, or integer milliseconds. */
export function parseTime(text: string): number {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : parseTimestampMs(text);
  if (ms === null) {
    throw new UsageError(
      `"${text}" is not a time; expected RFC 3339 with an offset, such as 2013-01-31T17:00:00Z, or milliseconds`,
    );
  }
  return ms;
}

function parseDuration(text: string, leastMs: number, greatestMs: number, expected: string): number {
  const ms = parseDurationMs(text);
  if (ms === null || ms < leastMs || ms > greatestMs) throw new UsageError(`"${text}" is not ${expected}`);
  return ms;
}

/** An integer from 1 to a million. */
export function parseConnectionsMax(text: string): number {
  const count = Number(text);
  if (!/^\d{1,7}$/.test(text) || count < 1 || count > 1_000_000) {
    throw new UsageError(`"${text}" is not a number of connections; expected 1 to 1000000`);
  }
  return count;
}

/** What the flags of `start` say, parsed one by one; absent ones are undefined. */
export interface StartFlags {
  readonly role: Role;
  readonly definitions?: string;
  readonly log?: LogLocation;
  readonly store?: StoreLocation;
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
  readonly auth?: AuthMode;
  readonly keys?: string;
  readonly rateLimit?: Rate;
  readonly adminHost?: string;
  readonly adminPort?: number;
  readonly budget?: number;
  readonly connectionsMax?: number;
  readonly drain?: number;
  readonly logLevel: LogLevel;
  readonly staleness?: number;
  readonly otlpEndpoint?: string;
  readonly traceRatio?: number;
  readonly openlineage?: OpenLineageLocation;
  readonly trail?: TrailLocation;
  readonly servedSample?: number;
}

/** What a command that was not told otherwise works on: the bundled example when no definitions are named, in files of its own. */
export function defaultsFor(definitions: string | undefined): {
  readonly definitionsDir: string;
  readonly log: SqliteLocation;
  readonly store: SqliteLocation;
} {
  const dataDir = join(process.cwd(), '.skewless', ...(definitions === undefined ? ['flights'] : []));
  return {
    definitionsDir: definitions ?? join(EXAMPLE_DIR, 'definitions'),
    log: { kind: 'sqlite', file: join(dataDir, 'log.sqlite') },
    store: { kind: 'sqlite', file: join(dataDir, 'store.sqlite') },
  };
}

/** The one variable of OpenTelemetry's that is read here: its own libraries read the others, such as those for headers. */
const OTLP_ENDPOINT_VARIABLE = 'OTEL_EXPORTER_OTLP_ENDPOINT';

function otlpEndpointFrom(flags: StartFlags, traceRatio: number, environment: NodeJS.ProcessEnv): string | null {
  const standard = environment[OTLP_ENDPOINT_VARIABLE] ?? '';
  const endpoint = flags.otlpEndpoint ?? (standard === '' ? null : parseOtlpEndpoint(standard));
  if (endpoint === null && traceRatio > 0) {
    throw new UsageError(`--trace-ratio needs --otlp-endpoint, or ${OTLP_ENDPOINT_VARIABLE}: where traces are sent`);
  }
  return endpoint;
}

/** Checks flags against each other and fills in what depends on several. */
export function configFrom(flags: StartFlags, environment = process.env): Config {
  const keysFile = checkAuth(flags);
  const { traceRatio = 0, servedSample = 0 } = flags;
  const defaults = defaultsFor(flags.definitions);
  const log = flags.log ?? (flags.role === 'serve' ? null : defaults.log);
  if (servedSample > 0 && log === null) {
    throw new UsageError('--served-sample needs --log: rows are logged in a topic of it as they are served');
  }
  return Object.freeze({
    role: flags.role,
    definitionsDir: defaults.definitionsDir,
    exampleDir: flags.definitions === undefined && log !== null ? EXAMPLE_DIR : null,
    log,
    store: flags.store ?? defaults.store,
    namespace: flags.namespace,
    host: flags.host,
    port: flags.port,
    keysFile,
    rate: flags.rateLimit ?? null,
    admin: adminListener(flags, keysFile !== null),
    budgetMs: flags.budget ?? BUDGET_MS,
    connectionsMax: flags.connectionsMax ?? CONNECTIONS_MAX,
    // No load balancer looks at a port that only this machine reaches.
    drainMs: flags.drain ?? (LOOPBACK.has(flags.host) ? 0 : DRAIN_MS),
    logLevel: flags.logLevel,
    stalenessMs: flags.staleness ?? STALENESS_DEFAULT_MS,
    otlpEndpoint: otlpEndpointFrom(flags, traceRatio, environment),
    traceRatio,
    openlineage: flags.openlineage ?? null,
    trail: flags.trail ?? null,
    servedSample,
  });
}

/** The file of keys, or null where none are asked for. Throws where who may call is not said and others could. */
function checkAuth({ host, adminHost, auth, keys }: StartFlags): string | null {
  const open = [
    ['--host', host],
    ['--admin-host', adminHost ?? LOCALHOST],
  ] as const;
  for (const [flag, address] of open) {
    if (LOOPBACK.has(address) || auth !== undefined) continue;
    throw new UsageError(
      `${flag} ${address} is reachable from other machines and no authentication is set; ` +
        `listen on ${LOCALHOST}, say --auth keys and --keys FILE (skewless keys create makes one), ` +
        'or say --auth none to serve anyone who can connect',
    );
  }
  if (auth === 'keys' && keys === undefined) {
    throw new UsageError('--auth keys needs --keys FILE; skewless keys create --keys FILE … makes one');
  }
  if (auth !== 'keys' && keys !== undefined) {
    throw new UsageError('--keys is given and nobody would be asked for a key; say --auth keys, or leave --keys out');
  }
  return keys ?? null;
}

function adminListener({ port, adminHost, adminPort }: StartFlags, keys: boolean): AdminListener | null {
  if (adminPort === undefined) {
    if (adminHost === undefined) return null;
    throw new UsageError('--admin-host goes with --admin-port, which is missing');
  }
  if (adminPort === port && port !== 0)
    throw new UsageError(`--admin-port and --port are both ${port}; they must differ`);
  const host = adminHost ?? LOCALHOST;
  return { host, port: adminPort, asksForKeys: keys && !LOOPBACK.has(host) };
}
