/**
 * What each flag may say, one by one: a text becomes a value, or a `UsageError` that says what was expected. What depends on several
 * flags is in config.ts.
 */
import { isAbsolute, join } from 'node:path';
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

const NAMESPACE = /^[a-z][a-z0-9]*([_-][a-z0-9]+)*$/;

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

export const STALENESS_DEFAULT_MS = 1_000;
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

const BYTES_OF_UNIT: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** `512MiB`: from 1 MiB to 64 GiB. */
export function parseSize(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})(KiB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = Number(count) * (BYTES_OF_UNIT[unit] ?? 0);
  if (bytes < 2 ** 20 || bytes > 2 ** 36) {
    throw new UsageError(`"${text}" is not a size; expected 1MiB to 64GiB, such as 512MiB`);
  }
  return bytes;
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
export const DRAIN_MS = 5_000;
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
