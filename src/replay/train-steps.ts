/** The steps of a run that leave their result in the work folder, each taken up where an earlier run left it. */
import { readFile, writeFile } from 'node:fs/promises';
import { assert } from '../core/assert.ts';
import { asJson } from '../event/schemas.ts';
import { createCompleteness } from './completeness.ts';
import { BUCKETS, EntityFilter } from './entity-filter.ts';
import { type Part, countRows } from './entity-rows.ts';
import type { PartCounts } from './fold-part.ts';
import { type FoldWorkers, foldParts } from './fold-parts.ts';
import { type Labels, stageLabels } from './labels.ts';
import { checkNames } from './output.ts';
import { type Requests, planRequests } from './requests.ts';
import { openResults } from './results.ts';
import { type Spilled, createSpiller, readSpilled } from './spill.ts';
import { lanesOf } from './train-plan.ts';
import type { WorkFolder } from './work-folder.ts';
import { type ReplayRun, type Run, rangesOf, readerOf, report } from './train-run.ts';

export interface PreparedLabels {
  readonly labels: Labels;
  readonly requests: Requests;
  readonly wanted: EntityFilter;
}

const LABELS_DONE = 'labels.json';
/** Results that need no event. */
export const NO_EVENTS = 'results';

/** Whether there is anything in the folder to go on with. */
export async function hasLabels(folder: WorkFolder): Promise<boolean> {
  return (await folder.read<object>(LABELS_DONE)) !== null;
}

export async function prepareLabels(run: Run): Promise<PreparedLabels> {
  const { duck, plan, folder, paths, sample, labelsPath } = run;
  const knowledges = run.orders.map(({ known }) => known);
  const filter = folder.at('wanted.bin');
  const done = await folder.read<Omit<PreparedLabels, 'wanted'>>(LABELS_DONE);
  if (done !== null) return { ...done, wanted: new EntityFilter(await readFile(filter)) };
  const labels = await stageLabels(duck, labelsPath, paths.labels, plan.service.definition.requestColumns);
  checkNames(labelsPath, labels, plan);
  const wanted = new EntityFilter();
  const completeFromMs = createCompleteness(plan, run.readers, run.begun.ranges, run.begun.startedMs);
  const results = openResults(folder.at(NO_EVENTS), run.writeEvaluation);
  const options = { sample, knowledges, labelsPath, completeFromMs, results };
  const onRow = (row: number): void => report(run, null, 'labels', row / labels.rows, 'labels');
  const requests = await planRequests(duck, plan, labels, paths, options, wanted, onRow).finally(results.close);
  await writeFile(filter, wanted.bytes);
  await folder.write(LABELS_DONE, { labels, requests });
  return { labels, requests, wanted };
}

/** Reads what was planned of a source and is not in the work folder yet. */
export async function spillSource(run: ReplayRun, name: string, wanted: EntityFilter, index: number): Promise<Spilled> {
  const { folder, plan, begun, limits, signal } = run;
  const source = plan.sources[index];
  assert(source !== undefined && source.name === name, 'sources in the order of the plan');
  const reader = readerOf(run, name);
  const lanes = lanesOf(plan, source);
  const ranges = rangesOf(begun, name);
  const doneBefore = await folder.read<object>(`events-${name}.json`);
  const before = await readSpilled(folder, source, lanes, ranges);
  if (doneBefore !== null) return before;
  const knownTimes = run.knownTimes.get(name);
  assert(knownTimes !== undefined, 'decided for every source');
  const context = {
    folder,
    source: reader.isPartitioned ? source : asJson(source),
    lanes,
    wanted,
    knownTimes,
    isPartitioned: reader.isPartitioned,
    schemas: reader.schemas,
    begins: new Map(ranges.filter(({ from }) => from > 0).map(({ partition, from }) => [partition, from])),
    bounds: limits,
  };
  const spiller = await createSpiller(context, before, ranges.length);
  const left = ranges.map((range) => ({ ...range, from: before.next.get(range.partition) ?? range.from }));
  const shares = new Map(ranges.map(({ partition }) => [partition, 0]));
  try {
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
  } finally {
    await spiller.settled();
  }
  await folder.write(`events-${name}.json`, {});
  return readSpilled(folder, source, lanes, ranges);
}

export interface Folded {
  /** Of results. */
  readonly files: readonly string[];
  readonly counts: PartCounts;
}

export async function foldAll(
  run: ReplayRun,
  spilled: ReadonlyMap<string, Spilled>,
  workers: FoldWorkers,
): Promise<Folded> {
  const { plan, folder, orders, writeEvaluation, paths, signal, limits } = run;
  const all = [...spilled.values()];
  const context = {
    plan,
    orders,
    writeEvaluation,
    signal,
    files: all.flatMap(({ files }) => files),
    requestsPath: paths.requests,
    voided: all.flatMap(({ voided }) => voided),
    sortingFolder: await folder.makeFolder('sorting'),
    sortBytes: limits.sortBytes / (1 + workers.count),
  };
  const events = all.reduce((sum, spill) => sum + spill.events, 0);
  const parts = partsFor(events + (await countRows([paths.requests])), limits.partRows);
  await folder.makeFolder('parts');
  const tasks = parts.map((part) => ({ part, path: folder.at('parts', `${part.from}-${part.to}`) }));
  const counts: PartCounts = { events: 0, duplicates: 0, erased: 0 };
  let folded = 0;
  report(run, 'events', 'fold', 0, 'folding');
  await foldParts(context, workers, tasks, async ({ part, path }, fold) => {
    const name = `parts/${part.from}-${part.to}.json`;
    let done = await folder.read<PartCounts>(name);
    if (done === null) {
      done = await fold({ part, path });
      await folder.write(name, done);
    }
    for (const each of Object.keys(counts) as (keyof PartCounts)[]) counts[each] += done[each];
    report(run, 'events', 'fold', ++folded / parts.length, 'folding');
  });
  return { files: tasks.map(({ path }) => path), counts };
}

/** Buckets in as many runs as it takes for each to hold about so many rows. */
function partsFor(rows: number, partRows: number): readonly Part[] {
  const count = Math.min(BUCKETS, Math.max(1, Math.ceil(rows / partRows)));
  return Array.from({ length: count }, (_none, index) => ({
    from: Math.floor((index * BUCKETS) / count),
    to: Math.floor(((index + 1) * BUCKETS) / count) - 1,
  }));
}
