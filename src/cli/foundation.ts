/** What all roles of a process stand on: the log, the store, telemetry. Each is closed by the process's closers. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../config.ts';
import { systemClock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import type { Definitions } from '../definition/definition.ts';
import type { Log } from '../log/log.ts';
import { TIMED_OUT, within } from '../serve/time-limit.ts';
import { measureStore } from '../store/measured.ts';
import type { Store } from '../store/store.ts';
import type { createLogger } from '../telemetry/logger.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createResource } from '../telemetry/resource.ts';
import type { Traces } from '../telemetry/traces.ts';
import { openLogWithArchives } from './archives.ts';
import type { Closers } from './closers.ts';
import { type SecurityFlags, openStore } from './connect.ts';
import { openSchemas } from './connect-registry.ts';
import { openBook, recordDefinitions } from './trail-write.ts';
import { VERSION } from './version.ts';

/** Of closing, ms, for the last metrics and traces. */
const FLUSH_MS = 2_000;

/** What a process is told. */
export interface Told {
  readonly config: Config;
  readonly security: SecurityFlags;
  readonly definitions: Definitions;
  readonly logger: ReturnType<typeof createLogger>;
  readonly closers: Closers;
}

export interface Foundation extends Told {
  /** This process, by a name that no other one has. */
  readonly owner: string;
  /** Null: it was told of none. */
  readonly log: Log | null;
  readonly schemas: Awaited<ReturnType<typeof openSchemas>> | null;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly traces: Traces | null;
  readonly warn: (message: string) => void;
}

export async function openFoundation(told: Told): Promise<Foundation> {
  const { config, security, definitions, logger, closers } = told;
  const warn = (message: string): void => logger.warn(message);
  const log =
    config.log === null
      ? null
      : await openLogWithArchives(config.log, security, definitions, config.definitionsDir, warn);
  if (log !== null) closers.add('the log', () => log.close());
  const schemas = log === null ? null : await openSchemas(definitions.sources.values(), security);
  const owner = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  await recordInTrail(told, owner);
  const { metrics, traces, close } = await openTelemetry(config, owner, warn);
  const opened = await openStore(config.store, security, config.namespace, warn);
  const store = measureStore(opened, { begun: metrics.store, trace: traces === null ? null : traces.store });
  closers.add('the store', () => store.close());
  // Before the store: its last metrics are read from there.
  closers.add('telemetry', close);
  await checkStore(store, warn);
  return { ...told, owner, log, schemas, store, metrics, traces, warn };
}

/** Once, at the start. A trail that cannot be written ends it: who asks for one relies on it. */
async function recordInTrail(
  { config: { trail, namespace }, security, definitions }: Told,
  owner: string,
): Promise<void> {
  if (trail === null) return;
  const book = await openBook(trail, security);
  try {
    await recordDefinitions(book, definitions, { namespace, actor: owner, atMs: systemClock.nowMs() });
  } finally {
    await book.close();
  }
}

/** The exporters are loaded where a collector is named, and what traces only where something is traced. */
async function openTelemetry(
  { otlpEndpoint, traceRatio, log, namespace, role }: Config,
  owner: string,
  onWarning: (message: string) => void,
): Promise<Pick<Foundation, 'metrics' | 'traces'> & { close(): Promise<void> }> {
  const resource = createResource(VERSION, owner, namespace);
  const otlp =
    otlpEndpoint === null
      ? null
      : (await import('../telemetry/otlp.ts')).openOtlp({
          endpoint: otlpEndpoint,
          traceRatio,
          resource,
          version: VERSION,
          logSystem: log?.kind ?? 'none',
          onWarning,
        });
  const openReader = otlp === null ? null : otlp.openReader;
  const metrics = createMetrics({ clock: systemClock, version: VERSION, role, resource, openReader });
  return {
    metrics,
    traces: otlp?.traces ?? null,
    async close() {
      // A collector that takes its time may not keep the process from ending.
      const flushed = await within(Promise.all([metrics.close(), otlp?.close()]), FLUSH_MS);
      if (flushed === TIMED_OUT)
        onWarning(`telemetry: the collector did not take the last of it within ${FLUSH_MS} ms`);
    },
  };
}

/** A store that will never do ends the start; one that is away is waited for. */
async function checkStore(store: Store, warn: (message: string) => void): Promise<void> {
  try {
    await store.ping();
  } catch (error) {
    if (!(error instanceof SkewlessError) || !error.retryable) throw error;
    warn(`the store cannot be reached yet: ${error.message}`);
  }
}
