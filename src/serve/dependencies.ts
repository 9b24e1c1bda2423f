/** What the app is given by the composition root, and what it makes of it once, at start. */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { createDirectReader } from '../cache/direct-reader.ts';
import type { ShardReader } from '../cache/shard-reader.ts';
import type { Clock } from '../core/clock.ts';
import type { Definitions, ServiceDefinition, SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import type { Schemas } from '../event/schemas.ts';
import type { Log } from '../log/log.ts';
import { type ViewPlan, compilePlan } from '../state/plan.ts';
import type { Store } from '../store/store.ts';
import { type ServicePlan, compileService } from '../vector/service.ts';
import type { PressureLimits } from './admission.ts';
import type { AuditReports } from './audit-reports.ts';
import type { KeySource } from './access/install.ts';
import type { Rate } from './access/rate.ts';
import type { Circuits } from './circuits.ts';
import { deprecationHeaders } from './deprecations.ts';
import { type Drain, createDrain } from './drain.ts';
import { type EntityPlaces, createEntityPlaces } from './entity-places.ts';
import type { IngestRecorder, MetricsSink, VectorRecorder } from './metrics-sink.ts';
import { type CorruptStates, createCorruptStates } from './corrupt-states.ts';
import { type Outages, createOutages } from './outages.ts';
import { type Partitions, createPartitions, entityKeyOf } from './partitions.ts';
import { type Readers, createReaders } from './readers.ts';
import type { ReceiptVerifier } from './receipt-verifier.ts';
import type { ServedLog } from './served-log.ts';
import type { ServerLimits } from './server-limits.ts';
import { createStateDecoder } from './state-decoder.ts';
import { TIMED_OUT, within } from './time-limit.ts';
import type { Tracing } from './tracing.ts';
import { type Watermarks, createWatermarks } from './watermarks.ts';

export interface ServeDependencies {
  readonly definitions: Definitions;
  readonly store: Store;
  /** Where states are read: the LRU tier; null or absent: the store itself, each time. */
  readonly tier?: ShardReader | null;
  /** Null: events cannot be ingested here, and lag is unknown. */
  readonly log: Log | null;
  /** By which events are written; null or absent: no registry is named. */
  readonly schemas?: Schemas | null;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  /** What the materializer of this process says of itself; null where there is none. */
  readonly materializerStatus: (() => MaterializeReport) | null;
  readonly version: string;
  /** Null or absent: nobody keeps metrics, and there is no `/metrics`. */
  readonly metrics?: MetricsSink | null;
  /** Null or absent: nobody traces. */
  readonly tracing?: Tracing | null;
  /** Null or absent: receipts cannot be checked here. */
  readonly verifier?: ReceiptVerifier | null;
  /** For the receipts of one request (default 30,000), ms. */
  readonly verifyLimitMs?: number;
  /** Whether a process whose shards still build is ready (`materialize`), or not yet (`serve`, `all`). */
  readonly readyWhileBuilding?: boolean;
  /** One read of the store takes at most this, ms (default 5,000); beyond it what was asked for is `UNAVAILABLE`. */
  readonly readLimitMs?: number;
  /** Requests answered at a time (default 1,024); one more is refused with 503. */
  readonly inflightMax?: number;
  /** What clients may take of connections and time, where it differs from `SERVER_LIMITS`. */
  readonly limits?: Partial<ServerLimits>;
  /** Beyond it requests are refused with 503; null or absent: the process is not looked at. */
  readonly pressure?: PressureLimits | null;
  /** How this server will leave; absent: at once. */
  readonly drain?: Drain;
  /** Of a request that names no `budget_ms` (default 5,000), ms. */
  readonly budgetMs?: number;
  /** Those that `store` is guarded by; absent: none. */
  readonly circuits?: Pick<Circuits, 'isAway'>;
  /** Bytes of ingested records that the log has not confirmed (default 32 MiB); beyond, ingest answers 503. */
  readonly ingestInflightBytesMax?: number;
  /** Keys that requests must come with; null or absent: nobody is asked for one. */
  readonly keys?: KeySource | null;
  /** Of a key without a rate of its own, or, where no keys are asked for, of a client address; null or absent: no limit. */
  readonly rate?: Rate | null;
  /** Takes rows of sampled entities as they are served; null or absent: none are logged. */
  readonly servedLog?: ServedLog | null;
  /** What audits have published; null or absent: there is no log to read it from. */
  readonly auditReports?: AuditReports | null;
  /** Serves metrics and the documentation instead of the app, and is closed with it; null or absent: the app does. */
  readonly adminApp?: FastifyInstance | null;
}

/** The part of a materializer's status that the catalog and readiness tell on. */
export interface MaterializeReport {
  readonly sources: readonly {
    readonly source: string;
    readonly state: { readonly mode: string; readonly code?: string; readonly message?: string };
    readonly deadLetters: number;
    readonly views: readonly { readonly views: readonly string[]; readonly counters: ViewCounters }[];
  }[];
}

/** What a view made of the records this process saw. */
export interface ViewCounters {
  readonly folded: number;
  readonly late: number;
  readonly tooLate: number;
  readonly duplicates: number;
  readonly filtered: number;
  readonly nullKey: number;
  readonly erased: number;
  readonly rejected: Readonly<Record<string, number>>;
}

export interface Serving extends ServeDependencies {
  readonly services: ReadonlyMap<string, ServicePlan>;
  readonly viewPlans: ReadonlyMap<string, ViewPlan>;
  readonly partitions: Partitions;
  readonly entityPlaces: EntityPlaces;
  readonly watermarks: Watermarks;
  readonly outages: Outages;
  readonly corruptStates: CorruptStates;
  readonly readers: Readers;
  /** By id of the service. */
  readonly deprecations: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly states: ShardReader;
  /** Of a service, and by source; nothing where nobody keeps metrics. */
  readonly vectorRecorderOf: (plan: ServicePlan) => VectorRecorder | undefined;
  readonly ingestRecorders: ReadonlyMap<string, IngestRecorder>;
  readonly readLimitMs: number;
  readonly budgetMs: number;
  readonly drain: Drain;
}

const READ_LIMIT_MS = 5_000;
const BUDGET_MS = 5_000;
/** Where the log could be asked instead. */
const BUILT_LIMIT_MS = 250;

/** How many partitions the source's states were built for; null where none were, or the store does not say in time. */
async function builtPartitions(
  { definitions, store }: ServeDependencies,
  source: SourceDefinition,
  limitMs: number,
): Promise<number | null> {
  for (const view of definitions.views.values()) {
    if (view.source.name !== source.name) continue;
    const shard = { source: source.name, entityKey: entityKeyOf(view), partition: 0 };
    const sections = [{ fingerprint: view.stateFingerprint, entities: [] }];
    const reads = await within(store.read(shard, sections), limitMs).catch((): typeof TIMED_OUT => TIMED_OUT);
    if (reads === TIMED_OUT) return null;
    const checkpoint = reads[0]?.checkpoint ?? null;
    if (checkpoint !== null) return checkpoint.partitions;
  }
  return null;
}

/** Those of declared services are there from the start, those of lists that requests make up when they are first asked for. */
function recorderOf({ definitions, metrics = null }: ServeDependencies): Serving['vectorRecorderOf'] {
  if (metrics === null) return () => undefined;
  const recorders = new WeakMap<ServiceDefinition, VectorRecorder>();
  const recorderFor = (service: ServiceDefinition): VectorRecorder => {
    const known = recorders.get(service);
    if (known !== undefined) return known;
    const names = service.features.map(({ name }) => name);
    const made = metrics.vectors(service.id, names);
    recorders.set(service, made);
    return made;
  };
  for (const service of definitions.services.values()) recorderFor(service);
  return ({ definition }) => recorderFor(definition);
}

export function createServing(dependencies: ServeDependencies): Serving {
  const { definitions, log, metrics = null, readLimitMs = READ_LIMIT_MS } = dependencies;
  const mapValues = <T, U>(map: ReadonlyMap<string, T>, make: (value: T) => U) =>
    new Map([...map].map(([id, value]) => [id, make(value)]));
  return {
    ...dependencies,
    services: mapValues(definitions.services, (service: ServiceDefinition) => compileService(service, AGGREGATIONS)),
    viewPlans: mapValues(definitions.views, (view: ViewDefinition) => compilePlan(view, AGGREGATIONS)),
    partitions: createPartitions(async (source) => {
      // States are where they were put, also after their topic has grown.
      const limitMs = log === null ? readLimitMs : Math.min(readLimitMs, BUILT_LIMIT_MS);
      const built = await builtPartitions(dependencies, source, limitMs);
      if (built !== null || log === null) return built;
      return (await log.ranges(source.topic))?.length ?? null;
    }),
    entityPlaces: createEntityPlaces(dependencies.servedLog?.isSampled),
    watermarks: createWatermarks(),
    states: dependencies.tier ?? createDirectReader(dependencies.store, createStateDecoder(definitions)),
    vectorRecorderOf: recorderOf(dependencies),
    ingestRecorders:
      metrics === null
        ? new Map()
        : mapValues(definitions.sources, ({ name }: SourceDefinition) => metrics.ingest(name)),
    outages: createOutages(dependencies.logger, dependencies.clock),
    corruptStates: createCorruptStates(dependencies.logger, dependencies.clock),
    readers: createReaders(),
    deprecations: deprecationHeaders(definitions),
    readLimitMs,
    budgetMs: dependencies.budgetMs ?? BUDGET_MS,
    drain: dependencies.drain ?? createDrain(),
  };
}
