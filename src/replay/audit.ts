/**
 * An audit: rows as they were served, against the log. Each is replayed up to the positions that its receipt names, by the
 * code that serves and out of core (fold-orders.ts), and must be the same to the last bit; and by event time over all that
 * the log holds, which says what late data has cost it. Services of the same definitions are replayed together.
 */
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
  stageServed,
} from './audit-rows.ts';
import { createCompleteness } from './completeness.ts';
import { type Duck, openDuck } from './duck.ts';
import { EntityFilter } from './entity-filter.ts';
import type { Readers } from './entity-events.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import { BY_EVENT_TIME } from './fold-orders.ts';
import { NO_WORKERS } from './fold-parts.ts';
import { decideKnownTimes } from './known-times.ts';
import { BY_POSITION } from './position-order.ts';
import { readResults } from './results.ts';
import type { Spilled } from './spill.ts';
import { type Lane, type ReplayPlan, type TrainAppearance, planTraining } from './train-plan.ts';
import { DEFAULT_TRAIN_BOUNDS, type ReplayRun, type TrainBounds, begin, rangesOf, threadsNow } from './train-run.ts';
import { foldAll, spillSource } from './train-steps.ts';
import { type WorkFolder, openWorkFolder } from './work-folder.ts';

export interface AuditOptions {
  /** The service of this name and version with this fingerprint, as it is or as it was; or why it cannot be had. */
  readonly serviceOf: (name: string, version: number, fingerprint: string) => Promise<ServiceDefinition | string>;
  readonly aggregations: ReadonlyMap<string, Aggregation>;
  readonly readers: Readers;
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

/** Share of the whole that it takes to read the served log. */
const STAGED_SHARE = 0.1;

export async function audit(options: AuditOptions): Promise<Audit> {
  const folder = await openWorkFolder(options.workPath, {});
  const { duckBytes } = { ...DEFAULT_TRAIN_BOUNDS, ...options.bounds };
  try {
    const duck = await openDuck(await folder.makeFolder('sorting'), duckBytes, threadsNow());
    try {
      return await runAudit(options, duck, folder);
    } finally {
      await duck.close();
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
  const tallies = new Map<string, ServiceTally>();
  const groups = await groupServices(options, staged);
  for (const [index, group] of groups.entries()) {
    for (const service of group.services.values()) tallies.set(service.key, createServiceTally(service));
    const onProgress = (share: number, note: string): void =>
      options.onProgress(STAGED_SHARE + ((1 - STAGED_SHARE) * (index + share)) / groups.length, note);
    const own = await openWorkFolder(folder.at('group'), index);
    await replayGroup({ ...options, onProgress }, { duck, folder: own, staged, group, tallies });
  }
  const keys = [...staged.services.keys()].toSorted();
  return {
    reports: keys.map((key) => reportOf(options, staged.services.get(key) as ServedService, tallies.get(key))),
    mismatches: [...tallies.values()].flatMap((tally) => tally.findings().mismatches),
    rows: staged.rows,
    unreadable: staged.unreadable,
  };
}

/** Services that are replayed together: their sources are the same, so that a record is decoded once for all of them. */
interface Group {
  readonly services: Map<string, AuditService>;
  readonly sources: Map<string, SourceDefinition>;
  readonly readers: Map<string, EventReader>;
  readonly lanes: Lane[];
  base: number;
}

/** Services that nobody knows, or whose topics are gone, are in none. */
async function groupServices(options: AuditOptions, staged: StagedRows): Promise<readonly Group[]> {
  const groups: Group[] = [];
  for (const [key, served] of staged.services) {
    const definition = await options.serviceOf(served.service, served.version, served.fingerprint);
    if (typeof definition === 'string') continue;
    const sources = definition.appearances.map(({ view }) => view.source);
    const readers = await readersOf(options, sources);
    if (readers === null) continue;
    const fitting = groups.find((each) => sources.every((source) => fits(each, source)));
    const group = fitting ?? { services: new Map(), sources: new Map(), readers: new Map(), lanes: [], base: 0 };
    if (fitting === undefined) groups.push(group);
    for (const source of sources) group.sources.set(source.name, source);
    for (const [name, reader] of readers) group.readers.set(name, reader);
    const plan = planTraining(definition, options.aggregations, null, group.lanes);
    group.services.set(key, { key, definition, plan, base: group.base });
    group.base += definition.appearances.length;
  }
  return groups;
}

function fits({ sources }: Group, source: SourceDefinition): boolean {
  return (sources.get(source.name) ?? source) === source;
}

async function readersOf(
  { readers }: AuditOptions,
  sources: readonly SourceDefinition[],
): Promise<ReadonlyMap<string, EventReader> | null> {
  const found = new Map<string, EventReader>();
  for (const source of sources) {
    const reader = await readers(source);
    if (reader === null) return null;
    found.set(source.name, reader);
  }
  return found;
}

function planOf({ services, sources, lanes }: Group): ReplayPlan {
  const appearances = new Map<number, TrainAppearance>();
  for (const { plan, base } of services.values()) {
    for (const [index, appearance] of plan.appearances) appearances.set(base + index, appearance);
  }
  return { lanes, appearances, sources: [...sources.values()] };
}

interface GroupReplay {
  readonly duck: Duck;
  readonly folder: WorkFolder;
  readonly staged: StagedRows;
  readonly group: Group;
  readonly tallies: ReadonlyMap<string, ServiceTally>;
}

/** Share of a replay at which rows are compared. */
const FOLDED_SHARE = 0.9;

async function replayGroup(options: AuditOptions, replay: GroupReplay): Promise<void> {
  const { duck, folder, staged, group, tallies } = replay;
  const { services, readers } = group;
  const plan = planOf(group);
  // After the served log was read: what its receipts name is there.
  const begun = await begin({ readers, nowMs: options.nowMs }, plan, folder);
  const requestsPath = folder.at('requests.rows');
  const wanted = new EntityFilter();
  const completeFromMs = createCompleteness(plan, readers, begun.ranges, begun.startedMs);
  const planning = { duck, stagedPath: staged.path, services, ranges: begun.ranges, completeFromMs, requestsPath };
  const beyond = await planServed(planning, wanted);
  const run = await runOf(options, replay, { plan, begun, paths: { requests: requestsPath } });
  const spilled = new Map<string, Spilled>();
  for (const [index, { name }] of plan.sources.entries()) {
    spilled.set(name, await spillSource(run, name, wanted, index));
  }
  // Services of several times share one plan, which is this thread's alone.
  const { files } = await foldAll(run, spilled, NO_WORKERS);
  const results = await readResults(files, group.base);
  try {
    for await (const row of readServed(duck, staged.path, services)) {
      options.signal.throwIfAborted();
      const tally = tallies.get(row.service.key) as ServiceTally;
      if (row.check === 'receipt_invalid') tally.skip(row.check);
      else if (beyond.has(row.row)) tally.skip('beyond_log');
      else compareRow(row, await results.blockOf(row.row), tally);
      options.onProgress(FOLDED_SHARE + ((1 - FOLDED_SHARE) * row.row) / staged.rows, 'comparing');
    }
  } finally {
    await results.close();
  }
}

async function runOf(
  { signal, bounds, onProgress }: AuditOptions,
  { duck, folder, group: { readers } }: GroupReplay,
  { plan, begun, paths }: Pick<ReplayRun, 'plan' | 'begun' | 'paths'>,
): Promise<ReplayRun> {
  const knownTimes: ReplayRun['knownTimes'] = new Map(
    await Promise.all(
      plan.sources.map(async (source) => {
        const reader = readers.get(source.name) as EventReader;
        const ranges = rangesOf(begun, source.name);
        return [source.name, await decideKnownTimes(source, 'event-time', reader, ranges, [], null)] as const;
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
    orders: [BY_EVENT_TIME, BY_POSITION],
    writeEvaluation: (writer, appearance, evaluation) =>
      (plan.appearances.get(appearance) as TrainAppearance).codec.write(writer, evaluation),
    paths,
    signal,
    onProgress,
  };
}

/** `tally` undefined: nobody knows the service as it was served, or its topics are gone. */
function reportOf(
  { kind, nowMs, servedRanges }: AuditOptions,
  served: ServedService,
  tally: ServiceTally | undefined,
): AuditReport {
  const { service, version, fingerprint, rows, firstMs, lastMs } = served;
  const unknown = { skipped: { unknown_fingerprint: rows } };
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
