/** What `skewless train` tells of its run, where somebody wants to know. */
import { resolve } from 'node:path';
import type { LogLocation } from '../flag-values.ts';
import type { ServiceDefinition } from '../definition/definition.ts';
import { plainDataset } from '../openlineage/datasets.ts';
import { FILES, type Replayed, trainJob, trainingSet } from '../openlineage/jobs.ts';
import type { OpenLineageLocation } from '../openlineage/location.ts';
import { startRun } from '../openlineage/run.ts';
import type { ManifestColumn } from '../replay/manifest.ts';
import { type SecurityFlags, warnOnStderr } from './connect.ts';
import { openReporter, placeOfLog } from './openlineage.ts';

interface TrainReport {
  complete(columns: readonly ManifestColumn[]): void;
  fail(error: unknown): void;
  close(): Promise<void>;
}

interface Training {
  readonly service: ServiceDefinition;
  readonly labelsPath: string;
  readonly outPath: string;
  /** Files by source, or the log. */
  readonly events: ReadonlyMap<string, readonly string[]> | LogLocation;
}

const NOBODY: TrainReport = { complete: () => {}, fail: () => {}, close: () => Promise.resolve() };

export async function reportTraining(
  location: OpenLineageLocation | undefined,
  security: SecurityFlags,
  { service, labelsPath, outPath, events }: Training,
): Promise<TrainReport> {
  if (location === undefined) return NOBODY;
  const reporter = await openReporter(location, security, warnOnStderr);
  const { producer } = reporter;
  const replayed = replayedOf(events);
  const labels = plainDataset(FILES, resolve(labelsPath));
  const run = startRun(reporter, trainJob(producer, replayed, labels, service));
  return {
    complete: (columns) =>
      run.complete([trainingSet(producer, replayed, labels, service, { path: resolve(outPath), columns })]),
    fail: run.fail,
    close: reporter.close,
  };
}

function replayedOf(events: Training['events']): Replayed {
  if (!('kind' in events))
    return { files: new Map([...events].map(([name, paths]) => [name, paths.map((path) => resolve(path))])) };
  return { log: placeOfLog(events) };
}
