/**
 * Runs of the materializer, one for each view: begun when it starts, told to be running each hour, failed where its source
 * gave up, and complete when the process stops.
 */
import { SkewlessError } from '../core/errors.ts';
import type { Definitions } from '../definition/definition.ts';
import type { Place } from './datasets.ts';
import { materializeJob } from './jobs.ts';
import { type JobRun, type Reporter, startRun } from './run.ts';

const LOOK_MS = 10_000;
const RUNNING_MS = 3_600_000;

/** The part of the materializer's status that is looked at. */
export interface FollowedStatus {
  readonly sources: readonly {
    readonly source: string;
    readonly state: { readonly mode: string; readonly code?: string; readonly message?: string };
  }[];
}

export interface FollowOptions {
  readonly reporter: Reporter;
  readonly definitions: Definitions;
  readonly places: { readonly log: Place; readonly store: Place };
  readonly status: () => FollowedStatus;
}

/** Answers how to stop following. */
export function followMaterializer({ reporter, definitions, places, status }: FollowOptions): () => void {
  const bySource = new Map<string, JobRun[]>();
  for (const view of definitions.views.values()) {
    const run = startRun(reporter, materializeJob(reporter.producer, places, view));
    bySource.set(view.source.name, [...(bySource.get(view.source.name) ?? []), run]);
  }
  const all = (): readonly JobRun[] => [...bySource.values()].flat();
  let toldMs = reporter.clock.nowMs();
  const look = (): void => {
    for (const { source, state } of status().sources) {
      if (state.mode !== 'failed') continue;
      const error = new SkewlessError(state.code ?? 'failed', state.message ?? 'the source failed');
      for (const run of bySource.get(source) ?? []) run.fail(error);
    }
    const nowMs = reporter.clock.nowMs();
    if (nowMs - toldMs < RUNNING_MS) return;
    toldMs = nowMs;
    for (const run of all()) run.running();
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    look();
    for (const run of all()) run.complete();
  };
}
