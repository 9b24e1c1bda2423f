/** One run of `skewless train`: what it is asked for, what its first run has planned, and how far it is. */
import { availableParallelism } from 'node:os';
import type { Aggregation } from '../aggregate/aggregation.ts';
import { assert } from '../core/assert.ts';
import type { ServiceDefinition } from '../definition/definition.ts';
import type { DefinitionFile } from '../definition/parse.ts';
import type { Duck } from './duck.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import type { FoldOrder } from './fold-orders.ts';
import { type KnownTimes, type Knowledge, type PositionIndex, decideKnownTimes } from './known-times.ts';
import type { RequestPaths } from './requests.ts';
import type { EvaluationWriter } from './results.ts';
import { DEFAULT_SPILL_BOUNDS, type SpillBounds } from './spill.ts';
import { type ReplayPlan, type TrainPlan, lanesOf } from './train-plan.ts';
import type { WorkFolder } from './work-folder.ts';

/** Of every training set, whatever its values come from. */
export interface TrainingSetOptions {
  readonly service: ServiceDefinition;
  readonly aggregations: ReadonlyMap<string, Aggregation>;
  /** Names of features, in the order wanted; null: all. */
  readonly features: readonly string[] | null;
  readonly labelsPath: string;
  readonly outPath: string;
  /** Share of the labels that are taken: above 0, at most 1. */
  readonly sample: number;
  readonly statuses: boolean;
  readonly bounds?: Partial<TrainBounds>;
  readonly signal: AbortSignal;
  /** Share of the whole, 0 to 1, and what is being done. */
  readonly onProgress: (share: number, note: string) => void;
}

export interface TrainOptions extends TrainingSetOptions {
  /** By name of the source. */
  readonly readers: ReadonlyMap<string, EventReader>;
  readonly knowledge: Knowledge;
  readonly positionIndex: PositionIndex | null;
  /** What the service was loaded from, so that other threads can have it as well; null: this one works alone. */
  readonly definitionFiles: readonly DefinitionFile[] | null;
  readonly nowMs: number;
}

export interface TrainBounds extends SpillBounds {
  /** Of DuckDB, which keeps what is beyond in files. */
  readonly duckBytes: number;
  /** Of rows that are put in order (row-sorter.ts); what is beyond is kept in files. */
  readonly sortBytes: number;
}

export const DEFAULT_TRAIN_BOUNDS: TrainBounds = {
  ...DEFAULT_SPILL_BOUNDS,
  duckBytes: 268_435_456,
  sortBytes: 134_217_728,
};

const THREADS_MAX = 4;

/** That DuckDB may have, and folding. */
export function threadsNow(): number {
  return Math.min(THREADS_MAX, availableParallelism());
}

/** Raised when work that was begun by another version cannot be gone on with. */
const WORK_FORMAT = 4;
/** Shares of the whole at which steps end. */
const STEP_ENDS = { labels: 0.05, events: 0.6, fold: 0.9, rows: 1 } as const;

/** What the first run planned, and later ones are held to. */
export interface Begun {
  readonly startedMs: number;
  readonly ranges: Readonly<Record<string, readonly ReadRange[]>>;
}

/** What it takes to read events, and to fold them for requests. */
export interface ReplayRun {
  readonly plan: ReplayPlan;
  /** By name of the source. */
  readonly readers: ReadonlyMap<string, EventReader>;
  readonly limits: TrainBounds;
  readonly folder: WorkFolder;
  readonly duck: Duck;
  readonly begun: Begun;
  readonly knownTimes: ReadonlyMap<string, KnownTimes>;
  readonly orders: readonly FoldOrder[];
  readonly writeEvaluation: EvaluationWriter;
  readonly paths: { readonly requests: string };
  readonly signal: AbortSignal;
  readonly onProgress: TrainOptions['onProgress'];
}

export interface Run extends TrainOptions, ReplayRun {
  readonly plan: TrainPlan;
  readonly paths: RequestPaths;
}

/** All that decides what comes out. */
export function identityOf(
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
    notes: options.positionIndex?.identity ?? null,
    statuses: options.statuses,
    events: sources.map(({ name }) => [name, readerOf(options, name).identity]),
  };
}

export function readerOf({ readers }: Pick<ReplayRun, 'readers'>, source: string): EventReader {
  const reader = readers.get(source);
  assert(reader !== undefined, `events of ${source} are given`);
  return reader;
}

export async function begin(
  options: Pick<TrainOptions, 'readers' | 'nowMs'>,
  plan: ReplayPlan,
  folder: WorkFolder,
): Promise<Begun> {
  const known = await folder.read<Begun>('begun.json');
  if (known !== null) return known;
  const ranges: Record<string, readonly ReadRange[]> = {};
  for (const { name } of plan.sources) ranges[name] = await readerOf(options, name).ranges();
  const begun = { startedMs: options.nowMs, ranges };
  await folder.write('begun.json', begun);
  return begun;
}

export function rangesOf({ ranges }: Begun, source: string): readonly ReadRange[] {
  return ranges[source] ?? [];
}

export async function decideAll(
  options: TrainOptions,
  plan: TrainPlan,
  begun: Begun,
): Promise<ReadonlyMap<string, KnownTimes>> {
  const decided = new Map<string, KnownTimes>();
  for (const source of plan.sources) {
    const reader = readerOf(options, source.name);
    const [ranges, lanes] = [rangesOf(begun, source.name), lanesOf(plan, source)];
    decided.set(
      source.name,
      await decideKnownTimes(source, options.knowledge, reader, ranges, lanes, options.positionIndex),
    );
  }
  return decided;
}

/** Also the place where an aborted run stops. */
export function report(
  { onProgress, signal }: Pick<TrainOptions, 'onProgress' | 'signal'>,
  from: keyof typeof STEP_ENDS | null,
  to: keyof typeof STEP_ENDS,
  share: number,
  note: string,
): void {
  signal.throwIfAborted();
  const start = from === null ? 0 : STEP_ENDS[from];
  onProgress(start + (STEP_ENDS[to] - start) * Math.min(1, share), note);
}
