/**
 * A training set: labels with the vector of each, as it was at the label's time. Five steps, of which each leaves its result
 * whole in the work folder: labels are read and become requests by entity; events are decoded and kept by entity; both are
 * sorted and folded, part by part; evaluations and rows are put together; the output gets its name. A run that was killed
 * goes on with the step, the chunk or the part that it was at, and reads of the log what the first run had planned to read.
 */
import { assert } from '../core/assert.ts';
import { contentHash } from '../core/content-hash.ts';
import { SkewlessError } from '../core/errors.ts';
import { formatTimestamp } from '../core/time.ts';
import { createCompleteness } from './completeness.ts';
import { type Duck, openDuck } from './duck.ts';
import { countRows } from './entity-rows.ts';
import { BY_ARRIVAL, BY_EVENT_TIME } from './fold-orders.ts';
import type { PartCounts } from './fold-part.ts';
import { type FoldWorkers, NO_WORKERS, startFoldWorkers } from './fold-parts.ts';
import { type Labels, labelsFormat } from './labels.ts';
import {
  type Manifest,
  type ManifestSource,
  manifestOfCounts,
  manifestOfDifferences,
  manifestOfService,
} from './manifest.ts';
import type { RequestPaths, Requests } from './requests.ts';
import type { Spilled } from './spill.ts';
import { writeTrainingSet } from './train-output.ts';
import { planTraining } from './train-plan.ts';
import {
  DEFAULT_TRAIN_BOUNDS,
  type Run,
  type TrainBounds,
  type TrainOptions,
  begin,
  decideAll,
  identityOf,
  rangesOf,
  readerOf,
  report,
  threadsNow,
} from './train-run.ts';
import {
  type Folded,
  NO_EVENTS,
  type PreparedLabels,
  foldAll,
  hasLabels,
  prepareLabels,
  spillSource,
} from './train-steps.ts';
import { compileCellsWriter } from './vector-cells.ts';
import { type Vectors, assembleVectors } from './vectors.ts';
import { type WorkFolder, openWorkFolder } from './work-folder.ts';

/**
 * Answers the manifest, which is written beside the output. Rejects with `labels_invalid`, `arrival_unknown`,
 * `file_unreadable`, `output_unwritable`, what the log failed with, and the signal's reason.
 */
export async function train(options: TrainOptions): Promise<Manifest> {
  const plan = planTraining(options.service, options.aggregations, options.features);
  labelsFormat(options.labelsPath);
  const labelsHash = await contentHash(options.labelsPath);
  const folder = await openWorkFolder(options.outPath, identityOf(options, plan, labelsHash));
  try {
    const begun = await begin(options, plan, folder);
    const knownTimes = await decideAll(options, plan, begun);
    const manifest = await withDuck(options, await folder.makeFolder('sorting'), (duck, limits) => {
      const paths: RequestPaths = { labels: folder.at('labels.parquet'), requests: folder.at('requests.rows') };
      const orders = options.knowledge === 'arrival' ? [BY_EVENT_TIME, BY_ARRIVAL] : [BY_EVENT_TIME];
      const writeEvaluation = compileCellsWriter(plan);
      const own = { plan, orders, writeEvaluation, paths };
      const run = { ...options, ...own, limits, folder, duck, begun, knownTimes };
      return runSteps(run, labelsHash);
    });
    await folder.remove();
    return manifest;
  } catch (error) {
    if (!(await hasLabels(folder))) await folder.remove();
    throw withMend(error, folder);
  }
}

/** What a resumed run was to read, the log may have forgotten meanwhile. */
function withMend(error: unknown, { path }: WorkFolder): unknown {
  if (!(error instanceof SkewlessError) || error.code !== 'log_gap') return error;
  const mend = `this run goes on with what an earlier one had planned to read: delete ${path} to begin anew`;
  return new SkewlessError('log_gap', `${error.message}; ${mend}`, { cause: error });
}

export async function withDuck<T>(
  { bounds }: Pick<TrainOptions, 'bounds'>,
  temporary: string,
  work: (duck: Duck, limits: TrainBounds) => Promise<T>,
): Promise<T> {
  const limits = { ...DEFAULT_TRAIN_BOUNDS, ...bounds };
  const duck = await openDuck(temporary, limits.duckBytes, threadsNow());
  try {
    return await work(duck, limits);
  } finally {
    await duck.close();
  }
}

async function runSteps(run: Run, labelsHash: string): Promise<Manifest> {
  const prepared = await prepareLabels(run);
  const { labels, requests } = prepared;
  refuseTooEarly(run, requests);
  const workers = await startWorkers(run);
  let spilled: ReadonlyMap<string, Spilled>;
  let folded: Folded;
  try {
    spilled = await spillAll(run, prepared);
    folded = await foldAll(run, spilled, workers);
  } finally {
    await workers.close();
  }
  const vectors = await assembleVectors({
    ...run,
    knowledges: run.orders.map(({ known }) => known),
    labels,
    labelsPath: run.paths.labels,
    files: [...folded.files, run.folder.at(NO_EVENTS)],
    onRow: (row) => report(run, 'fold', 'rows', row / labels.rows, 'rows'),
  });
  assert(vectors.rows === requests.rows, 'a vector for each label of the sample');
  return finish(run, { labels, labelsHash, requests, spilled, counts: folded.counts, vectors });
}

/** Beside this thread: as many as requests alone make parts for, so that they start while events are read. */
async function startWorkers(run: Run): Promise<FoldWorkers> {
  const { definitionFiles: files, service, features, orders, paths, limits } = run;
  if (files === null) return NO_WORKERS;
  const parts = Math.floor((await countRows([paths.requests])) / limits.partRows);
  const { id, fingerprint } = service;
  const source = { files, service: id, fingerprint, features, orders: orders.map(({ known }) => known) };
  return startFoldWorkers(source, Math.max(0, Math.min(threadsNow(), parts) - 1));
}

async function spillAll(run: Run, { wanted }: PreparedLabels): Promise<ReadonlyMap<string, Spilled>> {
  const spilled = new Map<string, Spilled>();
  for (const [index, { name }] of run.plan.sources.entries()) {
    spilled.set(name, await spillSource(run, name, wanted, index));
  }
  return spilled;
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

interface Finished {
  readonly labels: Labels;
  readonly labelsHash: string;
  readonly requests: Requests;
  readonly spilled: ReadonlyMap<string, Spilled>;
  readonly counts: PartCounts;
  readonly vectors: Vectors;
}

async function finish(run: Run, finished: Finished): Promise<Manifest> {
  const { duck, plan, folder, outPath, paths, statuses } = run;
  const { labels, labelsHash, counts, vectors } = finished;
  const output = { duck, plan, labels, labelsPath: paths.labels, vectors, statuses };
  return writeTrainingSet({ ...output, folder, outPath }, (written) => ({
    ...manifestOfService(run.service, plan),
    knowledge: run.knowledge,
    labels: { file: run.labelsPath, sha256: labelsHash, rows: labels.rows, sample: run.sample },
    ...written,
    sources: plan.sources.map(({ name }) => sourceOf(run, finished, name)),
    events: {
      folded: counts.events - counts.duplicates - counts.erased,
      duplicates: counts.duplicates,
      erased: counts.erased,
    },
    late_data: vectors.differences === null ? null : manifestOfDifferences(vectors.differences.report()),
    served: null,
  }));
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
