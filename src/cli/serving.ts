/** The HTTP server of a process, with what it reads from. Every role has one: where nothing is served it answers probes. */
import { getHeapStatistics } from 'node:v8';
import type { FastifyInstance } from 'fastify';
import { type Tier, createTier } from '../cache/tier.ts';
import { systemClock } from '../core/clock.ts';
import type { Materializer } from '../materialize/materializer.ts';
import { followKeyFile } from '../serve/access/follow-keys.ts';
import { createAdminApp } from '../serve/admin-app.ts';
import { buildApp } from '../serve/app.ts';
import { createAuditReports } from '../serve/audit-reports.ts';
import { createCircuits } from '../serve/circuits.ts';
import type { ServeDependencies } from '../serve/dependencies.ts';
import type { Drain } from '../serve/drain.ts';
import { type ServedLog, createServedLog } from '../serve/served-log.ts';
import { createStateDecoder } from '../serve/state-decoder.ts';
import type { Store } from '../store/store.ts';
import { auditsTopic } from '../vector/audit-report.ts';
import { servedTopic } from '../vector/served-row.ts';
import type { Foundation } from './foundation.ts';
import { createVerify } from './verifier.ts';
import { VERSION } from './version.ts';

/** Utilization is none of it: a busy process is not an overloaded one. A sample without a turn of the loop counts as delay. */
const PRESSURE = { eventLoopDelayMs: 1_000, sampleMs: 1_000 };
const HEAP_SHARE = 0.9;

/** Held in memory while receipts of a request are checked. */
const VERIFY_EVENTS_MAX = 200_000;

export interface Listening {
  readonly url: string;
  /** Where `/docs` and `/metrics` are. */
  readonly adminUrl: string;
  readonly asksForKeys: boolean;
}

/** Resolves once it listens. `materializer`: of the same process. */
export async function listen(
  foundation: Foundation,
  materializer: Materializer | null,
  drain: Drain,
): Promise<Listening> {
  const { config, definitions, logger, closers, store, metrics, warn } = foundation;
  const circuits = createCircuits((node, state, reason) => warn(`reads of ${node}: circuit ${state} ${reason}`));
  metrics.observeCircuits(() => circuits.report());
  const guarded = circuits.guard(store);
  const tier = openTier(foundation, guarded);
  const servedLog = openServedLog(foundation);
  const keys = config.keysFile === null ? null : await followKeyFile(config.keysFile, logger);
  if (keys !== null) closers.add('the file of keys', async () => keys.close());
  const { admin } = config;
  const adminKeys = admin?.asksForKeys === true ? keys : null;
  const adminApp =
    admin === null
      ? null
      : await createAdminApp(logger, { definitions, clock: systemClock, keys: adminKeys, rate: null });
  const dependencies = dependenciesOf(foundation, materializer);
  const app = await buildApp({ ...dependencies, store: guarded, tier, circuits, drain, keys, servedLog, adminApp });
  closers.add('the server', () => app.close());
  const url = await app.listen({ host: config.host, port: config.port });
  const adminUrl =
    admin === null ? url : await (adminApp as FastifyInstance).listen({ host: admin.host, port: admin.port });
  return { url, adminUrl, asksForKeys: keys !== null };
}

/** Those that need not be opened. */
function dependenciesOf(
  { config, definitions, logger, log, schemas, metrics, traces }: Foundation,
  materializer: Materializer | null,
): Omit<ServeDependencies, 'store'> {
  const { namespace, role, budgetMs, connectionsMax, rate } = config;
  const isVerifying = log !== null && role !== 'materialize';
  return {
    definitions,
    budgetMs,
    limits: { connectionsMax },
    pressure: { ...PRESSURE, heapBytesMax: HEAP_SHARE * getHeapStatistics().heap_size_limit },
    log,
    schemas,
    clock: systemClock,
    logger,
    materializerStatus: materializer === null ? null : () => materializer.status(),
    metrics,
    tracing: traces,
    verifier: isVerifying ? createVerify(log, namespace, definitions, VERIFY_EVENTS_MAX, schemas) : null,
    version: VERSION,
    readyWhileBuilding: role === 'materialize',
    rate,
    auditReports: log === null ? null : createAuditReports(log, auditsTopic(namespace)),
  };
}

/** Null: states are read for each request. */
function openTier({ config, definitions, metrics, closers }: Foundation, store: Store): Tier | null {
  const { role, stalenessMs, cacheBytes: bytesMax } = config;
  if (role === 'materialize' || stalenessMs === 0) return null;
  const decode = createStateDecoder(definitions);
  const tier = createTier({ store, decode, clock: systemClock, stalenessMs, bytesMax });
  tier.start();
  closers.add('the tier', () => tier.close());
  metrics.observeCache(() => tier.report());
  return tier;
}

/** Null: no rows are logged as they are served. */
function openServedLog({ config, log, metrics, closers, warn }: Foundation): ServedLog | null {
  const { namespace, servedSample: share } = config;
  if (log === null || share === 0) return null;
  const servedLog = createServedLog({ log, topic: servedTopic(namespace), share, onWarning: warn });
  closers.add('the served log', () => servedLog.close());
  metrics.observeServedLog(() => servedLog.report());
  return servedLog;
}
