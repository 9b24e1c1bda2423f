#!/usr/bin/env node
/**
 * The composition root: picks roles, wires adapters, closes in reverse order. `skewless <command>` begins here.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import closeWithGrace from 'close-with-grace';
import { AGGREGATIONS } from './aggregate/table.ts';
import { type Tier, createTier } from './cache/tier.ts';
import { openLogWithArchives } from './cli/archives.ts';
import { type SecurityFlags, openStore } from './cli/connect.ts';
import { openSchemas } from './cli/connect-registry.ts';
import { loadOrTell } from './cli/definition-files.ts';
import { EXIT } from './cli/exit.ts';
import { keepDefinitions } from './cli/kept-definitions.ts';
import { loadExample } from './cli/load-example.ts';
import { openReporter, placeOfLog, placeOfStore } from './cli/openlineage.ts';
import { showBuild } from './cli/show-build.ts';
import { runProgram } from './cli/program.ts';
import { openBook, recordDefinitions } from './cli/trail-write.ts';
import { VERSION } from './cli/version.ts';
import { createVerify } from './cli/verifier.ts';
import type { Config } from './config.ts';
import { systemClock } from './core/clock.ts';
import { SkewlessError, messageOf } from './core/errors.ts';
import type { Definitions } from './definition/definition.ts';
import { createMaterializer } from './materialize/materializer.ts';
import { type FollowedStatus, followMaterializer } from './openlineage/follow-materializer.ts';
import { followKeyFile } from './serve/access/follow-keys.ts';
import { createAdminApp } from './serve/admin-app.ts';
import { buildApp } from './serve/app.ts';
import { createAuditReports } from './serve/audit-reports.ts';
import { createStateDecoder } from './serve/state-decoder.ts';
import { createCircuits } from './serve/circuits.ts';
import { type ServedLog, createServedLog } from './serve/served-log.ts';
import { type Drain, createDrain } from './serve/drain.ts';
import { TIMED_OUT, within } from './serve/time-limit.ts';
import type { Log } from './log/log.ts';
import type { Store } from './store/store.ts';
import { measureStore } from './store/measured.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import type { Traces } from './telemetry/traces.ts';
import { createResource } from './telemetry/resource.ts';
import { auditsTopic } from './vector/audit-report.ts';
import { servedTopic } from './vector/served-row.ts';

/** From the signal to the end, ms; what has not closed by then is cut off. */
const CLOSE_MS = 10_000;
/** Of that, for the last metrics and traces. */
const FLUSH_MS = 2_000;

/** Utilization is none of it: a busy process is not an overloaded one. A sample without a turn of the loop counts as delay. */
const PRESSURE = { eventLoopDelayMs: 1_000, sampleMs: 1_000 };
const HEAP_SHARE = 0.9;

/** Held in memory while receipts of a request are checked. */
const VERIFY_EVENTS_MAX = 200_000;

/** Closes what was opened, newest first; one that fails does not keep the others open. */
interface Closers {
  add(name: string, close: () => Promise<unknown>): void;
  closeAll(onError: (name: string, error: unknown) => void): Promise<void>;
}

function createClosers(): Closers {
  const closers: { name: string; close: () => Promise<unknown> }[] = [];
  return {
    add: (name, close) => void closers.push({ name, close }),
    async closeAll(onError) {
      for (const { name, close } of closers.splice(0).toReversed())
        await close().catch((error: unknown) => onError(name, error));
    },
  };
}

/** Runs until told to stop by a signal; answers the exit code. */
async function runRoles(config: Config, security: SecurityFlags): Promise<number> {
  const definitions = loadOrTell(config.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const logger = createLogger(config.logLevel);
  const closers = createClosers();
  const logFault = (name: string, error: unknown): void => logger.error({ err: error }, `closing ${name} failed`);
  const closed = Promise.withResolvers<number>();
  const drain = createDrain();
  const grace = closeWithGrace({ delay: config.drainMs + CLOSE_MS, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'stopping after a fault');
    else logger.info(`stopping on ${signal ?? 'request'}`);
    // Whoever presses Ctrl-C is no load balancer.
    if (err === undefined && signal !== 'SIGINT') await drain.begin(config.drainMs);
    await closers.closeAll(logFault);
    closed.resolve(err === undefined ? EXIT.ok : EXIT.finding);
  });
  try {
    await Promise.race([open(config, security, definitions, logger, closers, drain), closed.promise]);
  } catch (error) {
    grace.uninstall();
    await closers.closeAll(logFault);
    throw error;
  }
  return closed.promise;
}

async function open(
  config: Config,
  security: SecurityFlags,
  definitions: Definitions,
  logger: ReturnType<typeof createLogger>,
  closers: Closers,
  drain: Drain,
): Promise<void> {
  const clock = systemClock;
  const { namespace, role } = config;
  const warn = (message: string): void => logger.warn(message);
  const log =
    config.log === null
      ? null
      : await openLogWithArchives(config.log, security, definitions, config.definitionsDir, warn);
  if (log !== null) closers.add('the log', () => log.close());
  const schemas = log === null ? null : await openSchemas(definitions.sources.values(), security);
  const owner = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  await recordInTrail(config, security, definitions, owner);
  const { metrics, traces, close } = await openTelemetry(config, owner, warn);
  const opened = await openStore(config.store, security, namespace, warn);
  const store = measureStore(opened, { begun: metrics.store, trace: traces === null ? null : traces.store });
  closers.add('the store', () => store.close());
  // Before the store: its last metrics are read from there.
  closers.add('telemetry', close);
  await checkStore(store, logger);
  if (log !== null && config.exampleDir !== null) await loadExample(log, definitions, config.exampleDir);
  const materializer =
    role === 'serve' || log === null
      ? null
      : createMaterializer({
          definitions,
          aggregations: AGGREGATIONS,
          log,
          schemas,
          store,
          clock,
          namespace,
          owner,
          tracing: traces,
        });
  const status = materializer === null ? null : () => materializer.status();
  if (status !== null) await tellOfRuns(config, security, definitions, status, metrics, closers, warn);
  if (materializer !== null) closers.add('the materializer', () => materializer.stop());
  if (status !== null) metrics.observeMaterializer(status);
  const circuits = createCircuits((node, state, reason) => warn(`reads of ${node}: circuit ${state} ${reason}`));
  metrics.observeCircuits(() => circuits.report());
  const guarded = circuits.guard(store);
  const tier = openTier(config, guarded, definitions);
  if (tier !== null) {
    closers.add('the tier', () => tier.close());
    metrics.observeCache(() => tier.report());
  }
  const servedLog = openServedLog(config, log, warn);
  if (servedLog !== null) {
    closers.add('the served log', () => servedLog.close());
    metrics.observeServedLog(() => servedLog.report());
  }
  const keys = config.keysFile === null ? null : await followKeyFile(config.keysFile, logger);
  if (keys !== null) closers.add('the file of keys', async () => keys.close());
  const { admin, rate } = config;
  const adminAccess = { definitions, clock, keys: admin?.asksForKeys === true ? keys : null, rate: null };
  const adminApp = admin === null ? null : await createAdminApp(logger, adminAccess);
  const app = await buildApp({
    definitions,
    store: guarded,
    tier,
    circuits,
    drain,
    budgetMs: config.budgetMs,
    limits: { connectionsMax: config.connectionsMax },
    pressure: { ...PRESSURE, heapBytesMax: HEAP_SHARE * getHeapStatistics().heap_size_limit },
    log,
    schemas,
    clock,
    logger,
    materializerStatus: status,
    metrics,
    tracing: traces,
    verifier:
      log === null || role === 'materialize'
        ? null
        : createVerify(log, namespace, definitions, VERIFY_EVENTS_MAX, schemas),
    version: VERSION,
    readyWhileBuilding: role === 'materialize',
    keys,
    rate,
    servedLog,
    auditReports: log === null ? null : createAuditReports(log, auditsTopic(namespace)),
    adminApp,
  });
  closers.add('the server', () => app.close());
  const url = await app.listen({ host: config.host, port: config.port });
  const adminUrl = admin === null ? url : await adminApp?.listen({ host: admin.host, port: admin.port });
  process.stdout.write(
    `Skewless ${VERSION} (${role}) listens on ${url}\nConsole: ${url}/console\nDocumentation: ${adminUrl}/docs\n`,
  );
  // Probes are answered from here on, also while the log or the store is waited for.
  await materializer?.start();
  if (materializer !== null && log !== null) {
    await keepDefinitions(log, namespace, definitions, config.definitionsDir, warn).catch((error: unknown) =>
      warn(`these definitions are not kept, and receipts need them once they have changed: ${messageOf(error)}`),
    );
  }
  if (config.exampleDir === null || materializer === null) return;
  await showBuild(() => materializer.status());
  const request = readFileSync(join(config.exampleDir, 'request.json'), 'utf8').trim();
  const vectors = `${url}/v1/feature-services/departure_delay/vectors`;
  const key = keys === null ? '' : " -H 'authorization: Bearer <key>'";
  process.stdout.write(`Ready. Try:\ncurl -s ${vectors}${key} -H 'content-type: application/json' -d '${request}'\n`);
}

/** Once, at the start. A trail that cannot be written ends it: who asks for one relies on it. */
async function recordInTrail(
  { trail, namespace }: Config,
  security: SecurityFlags,
  definitions: Definitions,
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

/** Runs end when the materializer has stopped. */
async function tellOfRuns(
  { openlineage, log, store, namespace }: Config,
  security: SecurityFlags,
  definitions: Definitions,
  status: () => FollowedStatus,
  metrics: Metrics,
  closers: Closers,
  onWarning: (message: string) => void,
): Promise<void> {
  if (openlineage === null || log === null) return;
  const reporter = await openReporter(openlineage, security, onWarning);
  closers.add('the reports of runs', () => reporter.close());
  metrics.observeRunEvents(reporter.report);
  const places = { log: placeOfLog(log), store: placeOfStore(store, namespace) };
  const stopFollowing = followMaterializer({ reporter, definitions, places, status });
  closers.add('the runs', async () => stopFollowing());
}

/** Null: no rows are logged as they are served. */
function openServedLog(
  { namespace, servedSample: share }: Config,
  log: Log | null,
  onWarning: (message: string) => void,
): ServedLog | null {
  if (log === null || share === 0) return null;
  return createServedLog({ log, topic: servedTopic(namespace), share, onWarning });
}

/** Null: states are read for each request. */
function openTier(
  { role, stalenessMs, cacheBytes: bytesMax }: Config,
  store: Store,
  definitions: Definitions,
): Tier | null {
  if (role === 'materialize' || stalenessMs === 0) return null;
  const tier = createTier({
    store,
    decode: createStateDecoder(definitions),
    clock: systemClock,
    stalenessMs,
    bytesMax,
  });
  tier.start();
  return tier;
}

/** The exporters are loaded where a collector is named, and what traces only where something is traced. */
async function openTelemetry(
  { otlpEndpoint, traceRatio, log, namespace, role }: Config,
  owner: string,
  onWarning: (message: string) => void,
): Promise<{ readonly metrics: Metrics; readonly traces: Traces | null; close(): Promise<void> }> {
  const resource = createResource(VERSION, owner, namespace);
  const otlp =
    otlpEndpoint === null
      ? null
      : (await import('./telemetry/otlp.ts')).openOtlp({
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
async function checkStore(store: Store, logger: ReturnType<typeof createLogger>): Promise<void> {
  try {
    await store.ping();
  } catch (error) {
    if (!(error instanceof SkewlessError) || !error.retryable) throw error;
    logger.warn(`the store cannot be reached yet: ${error.message}`);
  }
}

try {
  process.exitCode = await runProgram(process.argv.slice(2), runRoles, VERSION);
} catch (error) {
  process.stderr.write(`skewless: ${messageOf(error)}\n`);
  process.exitCode = EXIT.finding;
}
