/**
 * A training set: labels with the vector of each, as it was at the label's time. Five steps, of which each leaves its result
 * whole in the work folder: labels are read and become requests by entity; events are decoded and kept by entity; both are
 * sorted and folded, part by part; evaluations and rows are put together; the output gets its name. A run that was killed
 * goes on with the step, the chunk or the part that it was at, and reads of the log what the first run had planned to read.
 */
import { availableParallelism } from 'node:os';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Aggregation } from '../aggregate/aggregation.ts';
import { assert } from '../core/assert.ts';
import { formatTimestamp } from '../core/time.ts';
import type { ServiceDefinition } from '../definition/definition.ts';
import { SkewlessError } from '../core/errors.ts';
import { createCompleteness } from './completeness.ts';
import { type Duck, openDuck, sync } from './duck.ts';
import { EntityFilter } from './entity-filter.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import { type Part, type PartCounts, foldPart } from './fold-part.ts';
import { type KnownTimes, type Knowledge, type PositionIndex, decideKnownTimes } from './known-times.ts';
import { type Labels, stageLabels } from './labels.ts';
import {
  type Manifest,
  type ManifestSource,
  manifestOfCounts,
  manifestOfDifferences,
  manifestPath,
} from './manifest.ts';
import { checkNames, columnsOfOutput, writeOutput } from './output.ts';
import { BUCKETS, type RequestPaths, type Requests, planRequests } from './requests.ts';
import { DEFAULT_SPILL_BOUNDS, type SpillBounds, type Spilled, createSpiller, readSpilled } from './spill.ts';
import { type TrainPlan, lanesOf, planTraining } from './train-plan.ts';
import { type Vectors, assembleVectors } from './vectors.ts';
import { type WorkFolder, contentHash, openWorkFolder, writeWhole } from './work-folder.ts';

export interface TrainOptions {
  readonly service: ServiceDefinition;
  readonly aggregations: ReadonlyMap<string, Aggregation>;
  /** Names of features, in the order wanted; null: all. */
  readonly features: readonly string[] | null;
  readonly labelsPath: string;
  readonly outPath: string;
  /** By name of the source. */
  readonly readers: ReadonlyMap<string, EventReader>;
  readonly knowledge: Knowledge;
  readonly positionIndex: PositionIndex | null;
  /** Share of the labels that are taken: above 0, at most 1. */
  readonly sample: number;
  readonly statuses: boolean;
  readonly nowMs: number;
  readonly bounds?: Partial<TrainBounds>;
  readonly signal: AbortSignal;
  /** Share of the whole, 0 to 1, and what is being done. */
  readonly onProgress: (share: number, note: string) => void;
}

export interface TrainBounds extends SpillBounds {
  /** Of DuckDB, which keeps what is beyond in files. */
  readonly sortBytes: number;
  /** Events that are sorted and folded together, about. */
  readonly partEvents: number;
}

export const DEFAULT_TRAIN_BOUNDS: TrainBounds = {
  ...DEFAULT_SPILL_BOUNDS,
  sortBytes: 536_870_912,
  partEvents: 2_000_000,
};

const THREADS_MAX = 4;
/** Raised when work that was begun by another version cannot be gone on with. */
const WORK_FORMAT = 1;
/** Shares of the whole at which steps end. */
const STEP_ENDS = { labels: 0.05, events: 0.6, fold: 0.9, rows: 1 } as const;

/** What the first run planned, and later ones are held to. */
interface Begun {
  readonly startedMs: number;
  readonly ranges: Readonly<Record<string, readonly ReadRange[]>>;
}

interface Run extends TrainOptions {
  readonly plan: TrainPlan;
  readonly limits: TrainBounds;
  readonly folder: WorkFolder;
  readonly duck: Duck;
  readonly begun: Begun;
  readonly knownTimes: ReadonlyMap<string, KnownTimes>;
  /** 0: event time, 1: arrival, which is compared with the first. */
  readonly knowledges: readonly number[];
  readonly paths: RequestPaths;
}

/**
 * Answers the manifest, which is written beside the output. Rejects with `labels_invalid`, `arrival_unknown`,
 * `file_unreadable`, `output_unwritable`, what the log failed with, and the signal's reason.
 */
export async function train(options: TrainOptions): Promise<Manifest> {
  const plan = planTraining(options.service, options.aggregations, options.features);
  const labelsHash = await contentHash(options.labelsPath);
  const folder = await openWorkFolder(options.outPath, identityOf(options, plan, labelsHash));
  const begun = await begin(options, plan, folder);
  const knownTimes = await decideAll(options, plan, begun);
  const limits = { ...DEFAULT_TRAIN_BOUNDS, ...options.bounds };
  const threads = Math.min(THREADS_MAX, availableParallelism());
  const duck = await openDuck(await folder.makeFolder('sorting'), limits.sortBytes, threads);
  try {
    const paths = {
      labels: folder.at('labels.parquet'),
      requests: folder.at('requests.parquet'),
      results: folder.at('results.parquet'),
    };
    const knowledges = options.knowledge === 'arrival' ? [0, 1] : [0];
    const run: Run = { ...options, plan, limits, folder, duck, begun, knownTimes, knowledges, paths };
    const manifest = await runSteps(run, labelsHash);
    await folder.remove();
    return manifest;
  } finally {
    duck.close();
  }
}

async function runSteps(run: Run, labelsHash: string): Promise<Manifest> {
  const { labels, requests, wanted } = await prepareLabels(run);
  refuseTooEarly(run, requests);
  const spilled = new Map<string, Spilled>();
  for (const [index, source] of run.plan.sources.entries()) {
    spilled.set(source.name, await spillSource(run, source.name, wanted, index));
  }
  const folded = await foldAll(run, spilled);
  const vectors = await assembleVectors({
    ...run,
    labels,
    labelsPath: run.paths.labels,
    files: [run.paths.results, ...folded.files],
    onRow: (row) => report(run, 'fold', 'rows', row / labels.rows, 'rows'),
  });
  assert(vectors.rows === requests.rows, 'a vector for each label of the sample');
  return finish(run, { labels, labelsHash, requests, spilled, counts: folded.counts, vectors });
}

/** All that decides what comes out. */
function identityOf(
  options: TrainOptions,
  { selection, lanes, appearances, sources }: TrainPlan,
  labelsHash: string,
): unknown {
  return {
    format: WORK_FORMAT,
    service: options.service.fingerprint,
    features: selection.names,
    states: lanes.map(({ view }) => view.stateFingerprint),
    reads: [...appearances.values()].map(({ view }) => view.readFingerprint),
    labels: labelsHash,
    sample: options.sample,
    knowledge: options.knowledge,
    statuses: options.statuses,
    events: sources.map(({ name }) => [name, readerOf(options, name).identity]),
  };
}

function readerOf({ readers }: TrainOptions, source: string): EventReader {
  const reader = readers.get(source);
  assert(reader !== undefined, `events of ${source} are given`);
  return reader;
}

async function begin(options: TrainOptions, plan: TrainPlan, folder: WorkFolder): Promise<Begun> {
  const known = await folder.read<Begun>('begun.json');
  if (known !== null) return known;
  const ranges: Record<string, readonly ReadRange[]> = {};
  for (const { name } of plan.sources) ranges[name] = await readerOf(options, name).ranges();
  const begun = { startedMs: options.nowMs, ranges };
  await folder.write('begun.json', begun);
  return begun;
}

function rangesOf({ ranges }: Begun, source: string): readonly ReadRange[] {
  return ranges[source] ?? [];
}

async function decideAll(
  options: TrainOptions,
  plan: TrainPlan,
  begun: Begun,
): Promise<ReadonlyMap<string, KnownTimes>> {
  const decided = new Map<string, KnownTimes>();
  for (const source of plan.sources) {
    const reader = readerOf(options, source.name);
    const partitions = rangesOf(begun, source.name).length;
    decided.set(
      source.name,
      await decideKnownTimes(source, options.knowledge, reader, partitions, options.positionIndex),
    );
  }
  return decided;
}

function refuseTooEarly({ knownTimes, labelsPath }: Run, { earliestMs }: Requests): void {
  for (const [source, { firstMs }] of knownTimes) {
    if (firstMs === null || earliestMs === null || earliestMs >= firstMs) continue;
    const message =
      `${labelsPath}: a label is of ${formatTimestamp(earliestMs)}, and what was known of source ${source} was noted from ` +
      `${formatTimestamp(firstMs)} on; leave out earlier labels, or build for --knowledge event-time`;
    throw new SkewlessError('arrival_unknown', message);
  }
}

function report(
  { onProgress, signal }: TrainOptions,
  from: keyof typeof STEP_ENDS | null,
  to: keyof typeof STEP_ENDS,
  share: number,
  note: string,
): void {
  signal.throwIfAborted();
  const start = from === null ? 0 : STEP_ENDS[from];
  onProgress(start + (STEP_ENDS[to] - start) * Math.min(1, share), note);
}

interface PreparedLabels {
  readonly labels: Labels;
  readonly requests: Requests;
  readonly wanted: EntityFilter;
}

async function prepareLabels(run: Run): Promise<PreparedLabels> {
  const { duck, plan, folder, paths, sample, knowledges, labelsPath } = run;
  const filter = folder.at('wanted.bin');
  const done = await folder.read<Omit<PreparedLabels, 'wanted'>>('labels.json');
  if (done !== null) return { ...done, wanted: new EntityFilter(await readFile(filter)) };
  const labels = await stageLabels(duck, labelsPath, paths.labels, plan.service.definition.requestColumns);
  checkNames(labelsPath, labels, plan);
  const wanted = new EntityFilter();
  const requests = await planRequests(duck, plan, labels, paths, { sample, knowledges, labelsPath }, wanted, (row) =>
    report(run, null, 'labels', row / labels.rows, 'labels'),
  );
  await writeFile(filter, wanted.bytes);
  await folder.write('labels.json', { labels, requests });
  return { labels, requests, wanted };
}

/** Reads what was planned of a source and is not in the work folder yet. */
async function spillSource(run: Run, name: string, wanted: EntityFilter, index: number): Promise<Spilled> {
  const { duck, folder, plan, begun, limits, signal } = run;
  const source = plan.sources[index];
  assert(source !== undefined && source.name === name, 'sources in the order of the plan');
  const reader = readerOf(run, name);
  const lanes = lanesOf(plan, source);
  const ranges = rangesOf(begun, name);
  const doneBefore = await folder.read<object>(`events-${name}/done.txt`);
  const before = await readSpilled(folder, source, lanes, ranges);
  if (doneBefore !== null) return before;
  const knownTimes = run.knownTimes.get(name);
  assert(knownTimes !== undefined, 'decided for every source');
  const context = {
    duck,
    folder,
    source,
    lanes,
    wanted,
    knownTimes,
    isPartitioned: reader.isPartitioned,
    begins: new Map(ranges.filter(({ from }) => from > 0).map(({ partition, from }) => [partition, from])),
    bounds: limits,
  };
  const spiller = await createSpiller(context, before, ranges.length);
  const left = ranges.map((range) => ({ ...range, from: before.next.get(range.partition) ?? range.from }));
  const shares = new Map(ranges.map(({ partition }) => [partition, 0]));
  await reader.read(
    left,
    async (batch) => {
      await spiller.take(batch);
      shares.set(batch.partition, batch.share);
      const share = [...shares.values()].reduce((sum, each) => sum + each, 0) / shares.size;
      report(run, 'labels', 'events', (index + share) / plan.sources.length, `events of ${name}`);
    },
    { signal, startedMs: begun.startedMs },
  );
  await spiller.end();
  await folder.write(`events-${name}/done.txt`, {});
  return readSpilled(folder, source, lanes, ranges);
}

async function foldAll(
  run: Run,
  spilled: ReadonlyMap<string, Spilled>,
): Promise<{ readonly files: readonly string[]; readonly counts: PartCounts }> {
  const { duck, plan, folder, knowledges, paths, signal, limits, begun } = run;
  const completeFromMs = createCompleteness(plan, run.readers, begun.ranges, begun.startedMs);
  const all = [...spilled.values()];
  const context = {
    duck,
    plan,
    knowledges,
    signal,
    completeFromMs,
    files: all.flatMap(({ files }) => files),
    requestsPath: paths.requests,
    voided: all.flatMap(({ voided }) => voided),
  };
  const parts = partsFor(
    all.reduce((sum, { events }) => sum + events, 0),
    limits.partEvents,
  );
  await folder.makeFolder('parts');
  const files: string[] = [];
  const counts: PartCounts = { events: 0, duplicates: 0, erased: 0, requests: 0 };
  for (const [index, part] of parts.entries()) {
    report(run, 'events', 'fold', index / parts.length, 'folding');
    const name = `parts/${part.from}-${part.to}`;
    let done = await folder.read<PartCounts>(`${name}.json`);
    if (done === null) {
      done = await foldPart(context, part, folder.at(`${name}.parquet`));
      await folder.write(`${name}.json`, done);
    }
    files.push(folder.at(`${name}.parquet`));
    for (const each of Object.keys(counts) as (keyof PartCounts)[]) counts[each] += done[each];
  }
  return { files, counts };
}

/** Buckets in as many runs as it takes for each to hold about so many events. */
function partsFor(events: number, partEvents: number): readonly Part[] {
  const count = Math.min(BUCKETS, Math.max(1, Math.ceil(events / partEvents)));
  return Array.from({ length: count }, (_none, index) => ({
    from: Math.floor((index * BUCKETS) / count),
    to: Math.floor(((index + 1) * BUCKETS) / count) - 1,
  }));
}

interface Finished {
  readonly labels: Labels;
  readonly labelsHash: string;
  readonly requests: Requests;
  readonly spilled: ReadonlyMap<string, Spilled>;
  readonly counts: PartCounts;
  readonly vectors: Vectors;
}

/** An old output goes first and the new one comes last: what stands beside a manifest is whole, and what it speaks of. */
async function finish(run: Run, finished: Finished): Promise<Manifest> {
  const { duck, plan, folder, outPath, paths, statuses } = run;
  const { labels, labelsHash, counts, vectors } = finished;
  const written = folder.at('output.parquet');
  await writeOutput({ duck, plan, labels, labelsPath: paths.labels, vectors, statuses }, written);
  const columns = await columnsOfOutput(duck, written, plan, labels);
  const { service } = run;
  const manifest: Manifest = {
    format: 1,
    service: service.id,
    fingerprint: service.fingerprint,
    views: [...new Map([...plan.appearances.values()].map(({ view }) => [view.id, view])).values()].map((view) => ({
      view: view.id,
      state_fingerprint: view.stateFingerprint,
      read_fingerprint: view.readFingerprint,
    })),
    knowledge: run.knowledge,
    labels: { file: run.labelsPath, sha256: labelsHash, rows: labels.rows, sample: run.sample },
    rows: vectors.rows,
    sha256: await contentHash(written),
    columns,
    statuses: vectors.statuses,
    sources: plan.sources.map(({ name }) => sourceOf(run, finished, name)),
    events: {
      folded: counts.events - counts.duplicates - counts.erased,
      duplicates: counts.duplicates,
      erased: counts.erased,
    },
    late_data: vectors.differences === null ? null : manifestOfDifferences(vectors.differences.report()),
  };
  await rm(outPath, { force: true });
  await writeWhole(manifestPath(outPath), `${JSON.stringify(manifest, null, 2)}\n`, false);
  await rename(written, outPath);
  await sync(dirname(outPath));
  return manifest;
}

function sourceOf(run: Run, { spilled }: Finished, name: string): ManifestSource {
  const found = spilled.get(name);
  const source = run.plan.sources.find((each) => each.name === name);
  assert(found !== undefined && source !== undefined, 'every source was read');
  const ranges = rangesOf(run.begun, name);
  const lost = createCompleteness(run.plan, run.readers, run.begun.ranges, run.begun.startedMs).byPartition(source);
  return {
    name,
    from: readerOf(run, name).identity,
    known_by: run.knownTimes.get(name)?.by ?? 'event_time',
    positions: Object.fromEntries(
      ranges.map(({ partition, from }) => [partition, { from, next: found.next.get(partition) ?? from }]),
    ),
    complete_from: Object.fromEntries([...lost].map(([partition, ms]) => [partition, formatTimestamp(ms)])),
    ...manifestOfCounts(found.counts),
  };
}
