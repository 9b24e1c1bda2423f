/**
 * A running app from definitions and events: the embedded log and store in a folder of their own, a real materializer,
 * and the app over them. Every answer is held against the OpenAPI document, so that what it says stays true.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Tier } from '../../src/cache/tier.ts';
import { createVerify } from '../../src/cli/verifier.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { validateEvent } from '../../src/event/validate.ts';
import { type SqliteLog, openSqliteLog } from '../../src/log/sqlite.ts';
import { type Materializer, createMaterializer } from '../../src/materialize/materializer.ts';
import { buildApp } from '../../src/serve/app.ts';
import { createAuditReports } from '../../src/serve/audit-reports.ts';
import type { KeySource } from '../../src/serve/access/install.ts';
import type { Rate } from '../../src/serve/access/rate.ts';
import type { Circuits } from '../../src/serve/circuits.ts';
import type { ServeDependencies } from '../../src/serve/dependencies.ts';
import type { Store } from '../../src/store/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { auditsTopic } from '../../src/vector/audit-report.ts';
import { conformsTo } from './openapi-conformance.ts';
import { measureStore } from '../../src/store/measured.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createResource } from '../../src/telemetry/resource.ts';

/** Of entities whose receipts are checked. */
const EVENTS_MAX = 10_000;
const MANIFEST = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
const VERSION = (JSON.parse(MANIFEST) as { version: string }).version;

export interface HarnessOptions {
  readonly definitions: string;
  /** Source → events, appended and folded before the harness is handed out. */
  readonly events?: Readonly<Record<string, readonly object[]>>;
  /** Wall time at the start; it goes on from there. */
  readonly nowMs?: number;
  readonly materialize?: boolean;
  readonly withLog?: boolean;
  readonly partitions?: number;
  readonly readLimitMs?: number;
  readonly inflightMax?: number;
  readonly ingestInflightBytesMax?: number;
  readonly keys?: KeySource | null;
  readonly rate?: Rate;
  readonly adminApp?: FastifyInstance;
  /** Of the app, where they differ from what the harness gives it. */
  readonly dependencies?: Partial<ServeDependencies>;
  /** Puts something between the app and the store. */
  readonly wrapStore?: (store: Store) => Store;
  /** Guard the app's reads of the store. */
  readonly circuits?: Circuits;
  /** Puts a tier between the app and the store; closed with the app. */
  readonly tierOf?: (store: Store, definitions: Definitions, clock: Clock) => Tier;
  /** Done to the log before anything reads it. */
  readonly beforeMaterialize?: (log: SqliteLog) => Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON of any shape, looked into by assertions
  readonly json: any;
}

export interface Harness {
  readonly app: FastifyInstance;
  readonly definitions: Definitions;
  readonly log: SqliteLog;
  readonly store: Store;
  readonly materializer: Materializer;
  readonly clock: { offsetMs: number; nowMs(): number };
  /** What the app logged. */
  readonly logged: Record<string, unknown>[];
  readonly call: (request: InjectOptions & { readonly url: string }) => Promise<Answer>;
  readonly get: (url: string) => Promise<Answer>;
  readonly post: (url: string, body: unknown) => Promise<Answer>;
  readonly vectors: (service: string, body: unknown) => Promise<Answer>;
  /** Until all that the log holds is folded. */
  readonly caughtUp: () => Promise<void>;
  /** Appends as a producer would, unchecked by the app, and waits until folded. */
  readonly append: (source: string, events: readonly object[]) => Promise<void>;
}

export function compileDefinitions(text: string): Definitions {
  const result = loadDefinitions([{ path: 'definitions.yaml', text }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.definitions;
}

export async function startHarness(options: HarnessOptions): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-serve-'));
  const definitions = compileDefinitions(options.definitions);
  const clock = {
    offsetMs: options.nowMs === undefined ? 0 : options.nowMs - Date.now(),
    nowMs: (): number => Date.now() + clock.offsetMs,
  };
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock });
  const metrics = createMetrics({
    clock,
    version: VERSION,
    role: 'all',
    resource: createResource(VERSION, 'harness', 'test'),
  });
  const opened = await openSqliteStore({ file: join(folder, 'store.sqlite'), namespace: 'test' });
  const measured = (some: Store): Store => measureStore(some, { begun: metrics.store, trace: null });
  const store = measured(opened);
  const materializer = createMaterializer({
    definitions,
    aggregations: AGGREGATIONS,
    log,
    store,
    clock,
    namespace: 'test',
    owner: 'harness',
    bounds: { heartbeatMs: 20, noteMs: 20 },
  });
  for (const source of definitions.sources.values()) await log.ensureTopic(source.topic, options.partitions ?? 1);
  for (const [source, events] of Object.entries(options.events ?? {})) await appendTo(log, definitions, source, events);
  await options.beforeMaterialize?.(log);
  if (options.materialize !== false) {
    await materializer.start();
    await caughtUp(definitions, log, materializer);
  }
  const logged: Record<string, unknown>[] = [];
  if (options.materialize !== false) metrics.observeMaterializer(() => materializer.status());
  const wrapped = options.wrapStore === undefined ? store : measured(options.wrapStore(opened));
  const { circuits } = options;
  const served = circuits?.guard(wrapped) ?? wrapped;
  const tier = options.tierOf?.(served, definitions, clock) ?? null;
  metrics.observeRunEvents(() => ({ sent: 0, failed: 0, dropped: 0 }));
  if (circuits !== undefined) metrics.observeCircuits(() => circuits.report());
  if (tier !== null) metrics.observeCache(() => tier.report());
  const servedLog = options.dependencies?.servedLog ?? null;
  if (servedLog !== null) metrics.observeServedLog(() => servedLog.report());
  const app = await buildApp({
    definitions,
    store: served,
    tier,
    ...(circuits === undefined ? {} : { circuits }),
    log: options.withLog === false ? null : log,
    clock,
    logger: pino({ level: 'trace' }, { write: (line: string) => logged.push(JSON.parse(line) as never) }),
    materializerStatus: options.materialize === false ? null : () => materializer.status(),
    metrics,
    verifier: options.withLog === false ? null : createVerify(log, 'test', definitions, EVENTS_MAX),
    version: VERSION,
    ...(options.readLimitMs === undefined ? {} : { readLimitMs: options.readLimitMs }),
    auditReports: options.withLog === false ? null : createAuditReports(log, auditsTopic('test')),
    keys: options.keys ?? null,
    rate: options.rate ?? null,
    adminApp: options.adminApp ?? null,
    ...(options.inflightMax === undefined ? {} : { inflightMax: options.inflightMax }),
    ...(options.ingestInflightBytesMax === undefined ? {} : { ingestInflightBytesMax: options.ingestInflightBytesMax }),
    ...options.dependencies,
  });
  await app.ready();
  onTestFinished(async () => {
    await app.close();
    await tier?.close();
    await materializer.stop();
    await store.close();
    await log.close();
    await metrics.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const call: Harness['call'] = async (request) => {
    const response = await app.inject(request);
    const isJson = /json/.test(String(response.headers['content-type']));
    const answer = {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      json: isJson && response.body !== '' ? (JSON.parse(response.body) as unknown) : null,
    };
    conformsTo(app, request, answer);
    return answer;
  };
  return {
    app,
    definitions,
    log,
    store,
    materializer,
    clock,
    logged,
    call,
    get: (url) => call({ method: 'GET', url }),
    post: (url, body) => call({ method: 'POST', url, payload: body as object }),
    vectors: (service, body) =>
      call({ method: 'POST', url: `/v1/feature-services/${service}/vectors`, payload: body as object }),
    caughtUp: () => caughtUp(definitions, log, materializer),
    async append(source, events) {
      await appendTo(log, definitions, source, events);
      await caughtUp(definitions, log, materializer);
    },
  };
}

async function appendTo(
  log: SqliteLog,
  definitions: Definitions,
  source: string,
  events: readonly object[],
): Promise<void> {
  const definition = definitions.sources.get(source);
  if (definition === undefined) throw new Error(`no source ${source}`);
  const records = events.map((event) => {
    const validated = validateEvent(definition, event);
    const value = new TextEncoder().encode(JSON.stringify(event));
    return { key: validated.ok ? validated.key : null, value, timestampMs: null };
  });
  await log.append(definition.topic, records);
}

const CATCH_UP_MS = 30_000;

/** Until every lane has read, and stored, all that the log holds. Throws at once for a lane that failed. */
async function caughtUp(definitions: Definitions, log: SqliteLog, materializer: Materializer): Promise<void> {
  const deadlineMs = performance.now() + CATCH_UP_MS;
  for (;;) {
    const behind = await laneBehind(definitions, log, materializer);
    if (behind === null) return;
    if (performance.now() > deadlineMs || behind.includes('"failed"')) throw new Error(`not caught up: ${behind}`);
    await delay(5);
  }
}

/** What is not there yet, as text; null: nothing. */
async function laneBehind(definitions: Definitions, log: SqliteLog, { status }: Materializer): Promise<string | null> {
  for (const source of status().sources) {
    const topic = definitions.sources.get(source.source)?.topic ?? '';
    const ends = new Map((await log.ranges(topic))?.map(({ partition, endOffset }) => [partition, endOffset]));
    const allOfThem = [...ends.values()].reduce((sum, end) => sum + end, 0);
    const lanes = source.views.flatMap(({ partitions }) => partitions);
    if (lanes.length === 0) return `${source.source} has no lane: ${JSON.stringify(source.state)}`;
    for (const lane of lanes) {
      const { partition, position, state, caughtUpAtMs } = lane;
      if ((position !== ends.get(partition) && position !== allOfThem) || state !== 'live' || caughtUpAtMs === null) {
        return JSON.stringify({ source: source.source, state: source.state, lane });
      }
    }
  }
  return null;
}
