/**
 * The only reader of the environment. Every flag has a variable (`--store` ↔ `SKEWLESS_STORE`, or `SKEWLESS_STORE_FILE`
 * naming a file that holds the value, for secrets); an unknown `SKEWLESS_…` variable is an error, like an unknown flag.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_BYTES_MAX } from './cache/tier.ts';
import { nearestName } from './core/suggest.ts';
import { messageOf } from './core/errors.ts';
import {
  BUDGET_MS,
  CONNECTIONS_MAX,
  DRAIN_MS,
  type LogLocation,
  STALENESS_DEFAULT_MS,
  type SqliteLocation,
  type StoreLocation,
  type TrailLocation,
  UsageError,
  parseOtlpEndpoint,
} from './flag-values.ts';
import type { OpenLineageLocation } from './openlineage/location.ts';
import type { Rate } from './serve/access/rate.ts';

export const ROLES = ['all', 'serve', 'materialize'] as const;
export type Role = (typeof ROLES)[number];
export const AUTH_MODES = ['none', 'keys'] as const;
type AuthMode = (typeof AUTH_MODES)[number];
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

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
  /** Of states in memory and what hangs on them, as reckoned. */
  readonly cacheBytes: number;
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
  readonly cacheSize?: number;
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
    cacheBytes: flags.cacheSize ?? CACHE_BYTES_MAX,
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
