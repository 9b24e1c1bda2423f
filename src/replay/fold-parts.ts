/**
 * Parts on their way through folding, each by whoever has a hand free: this thread, and workers where there are parts enough.
 * Nothing that comes out says who folded it.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SkewlessError } from '../core/errors.ts';
import type { DefinitionFile } from '../definition/parse.ts';
import type { Part } from './entity-rows.ts';
import { type FoldContext, type PartCounts, foldPart } from './fold-part.ts';

/** What a worker makes its plan of, as this thread has made its own (train-plan.ts). */
export interface PlanSource {
  readonly files: readonly DefinitionFile[];
  /** Id and fingerprint of the service. */
  readonly service: string;
  readonly fingerprint: string;
  /** As of `planTraining`. */
  readonly features: readonly string[] | null;
  /** By what their results are of (fold-orders.ts). */
  readonly orders: readonly number[];
}

/** What of a context is no plan. */
export type FoldPlace = Pick<FoldContext, 'files' | 'requestsPath' | 'voided' | 'sortingFolder' | 'sortBytes'>;

export interface FoldTask {
  readonly part: Part;
  readonly path: string;
}

/** Answers a part's counts when its results are written. Rejects with what its thread failed with, or the signal's reason. */
export type PartFolder = (task: FoldTask, signal: AbortSignal) => Promise<PartCounts>;

export interface FoldWorkers {
  readonly count: number;
  /** To be called once. */
  folders(place: FoldPlace): readonly PartFolder[];
  close(): Promise<void>;
}

export const NO_WORKERS: FoldWorkers = { count: 0, folders: () => [], close: () => Promise.resolve() };

/** So that they are ready when there is something to fold. */
export function startFoldWorkers(source: PlanSource, count: number): FoldWorkers {
  const workers = Array.from(
    { length: count },
    () => new Worker(new URL('./fold-worker.ts', import.meta.url), { workerData: source }),
  );
  const failures = workers.map(failureOf);
  return {
    count,
    folders: (place) => workers.map((worker, index) => folderOf(worker, failures[index] as Promise<never>, place)),
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** From the first moment on: it may fail before it has a part. */
function failureOf(worker: Worker): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  worker.once('error', reject);
  worker.once('exit', (code) => reject(new SkewlessError('internal', `a thread that folds has ended with ${code}`)));
  promise.catch(() => undefined);
  return promise;
}

function folderOf(worker: Worker, failure: Promise<never>, place: FoldPlace): PartFolder {
  worker.postMessage(place);
  return async (task, signal) => {
    worker.postMessage(task);
    const [counts] = await Promise.race([once(worker, 'message', { signal }), failure]);
    return counts as PartCounts;
  };
}

/** Calls `each` with a folder for one part after another, of several at once. */
export async function foldParts<T extends FoldTask>(
  context: FoldContext,
  workers: FoldWorkers,
  tasks: readonly T[],
  each: (task: T, fold: (task: T) => Promise<PartCounts>) => Promise<void>,
): Promise<void> {
  const { files, requestsPath, voided, sortingFolder, sortBytes } = context;
  const place: FoldPlace = { files, requestsPath, voided, sortingFolder, sortBytes };
  const failed = new AbortController();
  const signal = AbortSignal.any([context.signal, failed.signal]);
  const left = tasks.values();
  async function workOff(fold: PartFolder): Promise<void> {
    for (const next of left) {
      signal.throwIfAborted();
      await each(next, (task) => fold(task, signal));
    }
  }
  const here: PartFolder = ({ part, path }) => foldPart({ ...context, signal }, part, path);
  const all = [here, ...workers.folders(place)].map(workOff);
  for (const work of all) work.catch((error: unknown) => failed.abort(error));
  const outcomes = await Promise.allSettled(all);
  if (outcomes.some(({ status }) => status === 'rejected')) throw signal.reason;
}
