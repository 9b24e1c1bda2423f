/**
 * An audit: rows as they were served, against the log. Each is replayed up to the positions that its receipt names, by the
 * code that serves and out of core (fold-orders.ts), and must be the same to the last bit; and by event time over all that
 * the log holds, which says what late data has cost it. Services of the same definitions are replayed together.
 */
import { availableParallelism } from 'node:os';
import type { Aggregation } from '../aggregate/aggregation.ts';
import { formatTimestamp } from '../core/time.ts';
import type { ServiceDefinition, SourceDefinition } from '../definition/definition.ts';
import { AUDIT_FORMAT, type AuditReport } from '../vector/audit-report.ts';
import { type Mismatch, type ServiceTally, compareRow, createServiceTally } from './audit-compare.ts';
import {
  type AuditService,
  type ServedService,
  type ServedTimes,
  type StagedRows,
  planServed,
  readServed,
  serviceKey,
  stageServed,
} from './audit-rows.ts';
import { type Duck, openDuck } from './duck.ts';
import { EntityFilter } from './entity-filter.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import { BY_EVENT_TIME, byPosition } from './fold-orders.ts';
import { decideKnownTimes } from './known-times.ts';
import type { Spilled } from './spill.ts';
import { type Lane, type ReplayPlan, type TrainAppearance, planTraining } from './train-plan.ts';
import { DEFAULT_TRAIN_BOUNDS, type ReplayRun, type TrainBounds, begin, rangesOf } from './train-run.ts';
import { foldAll, spillSource } from './train-steps.ts';
import { readEvaluations } from './vectors.ts';
import { type WorkFolder, openWorkFolder } from './work-folder.ts';

export interface AuditOptions {
  /** As they are now: rows of other fingerprints are skipped, and counted. */
  readonly services: readonly ServiceDefinition[];
  readonly aggregations: ReadonlyMap<string, Aggregation>;
  /** By name of the source, of all that these services read. */
  readonly readers: ReadonlyMap<string, EventReader>;
  /** The served log. */
  readonly served: EventReader;
  readonly servedRanges: readonly ReadRange[];
  readonly times: ServedTimes;
  readonly kind: AuditReport['kind'];
  readonly nowMs: number;
  /** Where to work: a folder that is empty, or not there yet. */
  readonly workPath: string;
  readonly bounds?: Partial<TrainBounds>;
  readonly signal: AbortSignal;
  /** Share of the whole, 0 to 1, and what is being done. */
  readonly onProgress: (share: number, note: string) => void;
}

export interface Audit {
  /** By service, in the order of their names. */
  readonly reports: readonly AuditReport[];
  /** Values that are not what the replay gives: the first few of each service. */
  readonly mismatches: readonly Mismatch[];
  readonly rows: number;
  /** Records of the served log that are no rows of ours. */
  readonly unreadable: number;
}

const THREADS_MAX = 4;
/** Share of the whole that it takes to read the served log. */
const STAGED_SHARE = 0.1;

export async function audit(options: AuditOptions): Promise<Audit> {
  const folder = await openWorkFolder(options.workPath, {});
  const threads = Math.min(THREADS_MAX, availableParallelism());
  const { sortBytes } = { ...DEFAULT_TRAIN_BOUNDS, ...options.bounds };
  try {
    const duck = await openDuck(await folder.makeFolder('sorting'), sortBytes, threads);
    try {
      return await runAudit(options, duck, folder);
    } finally {
      duck.close();
    }
  } finally {
    await folder.remove();
  }
}

async function runAudit(options: AuditOptions, duck: Duck, folder: WorkFolder): Promise<Audit> {
  const { served: reader, servedRanges: ranges, times, signal, onProgress } = options;
  const onShare = (share: number): void => onProgress(share * STAGED_SHARE, 'served rows');
  const context = { duck, reader, ranges, times, signal, onShare };
  const staged = await stageServed(context, folder.at('served.parquet'));
  const services = planServices(options, staged);
  const tallies = new Map([...services].map(([key, service]) => [key, createServiceTally(service)]));
  if (services.size > 0) await replayServices(options, { duck, folder, staged, services, tallies });
  const keys = [...staged.services.keys()].toSorted();
  return {
    reports: keys.map((key) => reportOf(options, staged.services.get(key) as ServedService, tallies.get(key))),
    mismatches: [...tallies.values()].flatMap((tally) => tally.findings().mismatches),
    rows: staged.rows,
    unreadable: staged.unreadable,
  };
}

/** Those that rows are of, with lanes in common. */
function planServices(options: AuditOptions, staged: StagedRows): ReadonlyMap<string, AuditService> {
  const services = new Map<string, AuditService>();
  const lanes: Lane[] = [];
  let base = 0;
  for (const definition of options.services) {
    const { name: service, version, fingerprint } = definition;
    const key = serviceKey({ service, version, fingerprint });
    if (!staged.services.has(key)) continue;
    services.set(key, { key, definition, plan: planTraining(definition, options.aggregations, null, lanes), base });
    base += definition.appearances.length;
  }
  return services;
}

function mergePlans(services: Iterable<AuditService>): ReplayPlan {
  const lanes = new Map<number, Lane>();
  const appearances = new Map<number, TrainAppearance>();
  const sources = new Map<string, SourceDefinition>();
  for (const { plan, base } of services) {
    for (const lane of plan.lanes) lanes.set(lane.index, lane);
    for (const [index, appearance] of plan.appearances) appearances.set(base + index, appearance);
    for (const source of plan.sources) sources.set(source.name, source);
  }
  return { lanes: [...lanes.values()], appearances, sources: [...sources.values()] };
}

interface Replay {
  readonly duck: Duck;
  readonly folder: WorkFolder;
  readonly staged: StagedRows;
  readonly services: ReadonlyMap<string, AuditService>;
  readonly tallies: ReadonlyMap<string, ServiceTally>;
}

async function replayServices(options: AuditOptions, replay: Replay): Promise<void> {
  const { duck, folder, staged, services, tallies } = replay;
  const plan = mergePlans(services.values());
  // After the served log was read: what its receipts name is there.
  const begun = await begin(options, plan, folder);
  const paths = { requests: folder.at('requests.parquet'), positions: folder.at('positions.parquet') };
  const wanted = new EntityFilter();
  const planning = { duck, stagedPath: staged.path, services, ranges: begun.ranges, paths };
  const beyond = await planServed(planning, wanted);
  const run = await runOf(options, replay, { plan, begun, paths });
  const spilled = new Map<string, Spilled>();
  for (const [index, { name }] of plan.sources.entries()) {
    spilled.set(name, await spillSource(run, name, wanted, index));
  }
  const { files } = await foldAll(run, spilled);
  const evaluations = readEvaluations({ duck, files, signal: options.signal });
  for await (const row of readServed(duck, staged.path, services)) {
    const tally = tallies.get(row.service.key) as ServiceTally;
    if (row.check === 'receipt_invalid') tally.skip(row.check);
    else if (beyond.has(row.row)) tally.skip('beyond_log');
    else await compareRow(row, evaluations, tally);
    run.onProgress(0.9 + (0.1 * row.row) / staged.rows, 'comparing');
  }
}

async function runOf(
  { readers, signal, bounds, onProgress }: AuditOptions,
  { duck, folder }: Replay,
  { plan, begun, paths }: Pick<ReplayRun, 'plan' | 'begun'> & { paths: { requests: string; positions: string } },
): Promise<ReplayRun> {
  const knownTimes: ReplayRun['knownTimes'] = new Map(
    await Promise.all(
      plan.sources.map(async (source) => {
        const reader = readers.get(source.name) as EventReader;
        const partitions = rangesOf(begun, source.name).length;
        return [source.name, await decideKnownTimes(source, 'event-time', reader, partitions, null)] as const;
      }),
    ),
  );
  return {
    plan,
    readers,
    limits: { ...DEFAULT_TRAIN_BOUNDS, ...bounds },
    folder,
    duck,
    begun,
    knownTimes,
    orders: [BY_EVENT_TIME, byPosition(paths.positions)],
    paths,
    signal,
    onProgress,
  };
}

/** `tally` undefined: nobody knows the service as it was served. */
function reportOf(
  { kind, nowMs, servedRanges, services }: AuditOptions,
  served: ServedService,
  tally: ServiceTally | undefined,
): AuditReport {
  const { service, version, fingerprint, rows, firstMs, lastMs } = served;
  const isDefined = services.some((each) => each.name === service && each.version === version);
  const unknown = { skipped: { [isDefined ? 'unknown_fingerprint' : 'unknown_service']: rows } };
  const { skipped, features, mismatches } = tally?.findings() ?? { ...unknown, features: [], mismatches: [] };
  return {
    format: AUDIT_FORMAT,
    audited_at: formatTimestamp(nowMs),
    kind,
    service,
    version,
    fingerprint,
    served_from: formatTimestamp(firstMs),
    served_until: formatTimestamp(lastMs),
    positions: Object.fromEntries(
      servedRanges.map(({ partition, from, next }) => [partition, { from, next: next ?? from }]),
    ),
    rows,
    skipped,
    compared: features.reduce((sum, { compared }) => sum + compared, 0),
    mismatched: features.reduce((sum, { mismatched }) => sum + mismatched, 0),
    features,
    examples: mismatches.map(({ feature, partition, offset, as_of }) => ({ feature, partition, offset, as_of })),
  };
}
