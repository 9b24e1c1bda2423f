/**
 * A scenario as options of k6: open models, in which iterations begin when they are due however slow answers are. Each flow
 * is warmed up first; budgets are about what comes after.
 */
import type { Options, Scenario } from 'k6/options';
import { type Budget, type Budgets, budgetsOf, expressionOf } from '../budgets.ts';
import { WARM_UP_SECONDS } from '../workload.ts';
import { environment } from './environment.ts';

const budgets = JSON.parse(open(import.meta.resolve('../budgets.json'))) as Budgets;
export const run = environment();

export interface Flow {
  /** The function that the scenario's file exports. */
  readonly exec: string;
  /** Of the load. */
  readonly share: number;
}

/** As percentiles are named in thresholds. */
const TREND_STATS = ['min', 'p(50)', 'p(95)', 'p(99)', 'p(99.9)', 'max'] as const;
const TIME_UNIT_SECONDS = 10;
/** Iterations that are under way at once, in seconds of the rate: a server that takes longer has iterations dropped. */
const UNDERWAY_SECONDS = 0.5;
const VUS_MIN = 4;
const RAMP_SHARE = 0.1;
const WATCH_SECONDS = 5;
/** Iterations of a flow begin at equal distances. Those of another do not begin with them. */
const APART_SECONDS = 0.017;

/** The load stays the same. */
export function steadyOptions(flows: readonly Flow[]): Options {
  const { perSecond, seconds } = run.load;
  const parts = flows.flatMap(({ exec, share }, index): [string, Scenario][] => {
    const part = { exec, perSecond: perSecond * share };
    const startSeconds = index * APART_SECONDS;
    return [
      [`${exec}_warm_up`, steadyPart({ ...part, startSeconds, seconds: WARM_UP_SECONDS })],
      [exec, steadyPart({ ...part, startSeconds: startSeconds + WARM_UP_SECONDS, seconds })],
    ];
  });
  return optionsOf(Object.fromEntries(parts), perSecond * seconds);
}

/** The load grows for a tenth of the time, stays, and falls. `watched` is called now and then while it stays, by one user. */
export function rampingOptions(flows: readonly Flow[], watched: string): Options {
  const { perSecond, seconds } = run.load;
  const ramp = Math.max(1, Math.round(seconds * RAMP_SHARE));
  const stages = (target: number) => [
    { target, duration: `${ramp}s` },
    { target, duration: `${Math.max(1, seconds - 2 * ramp)}s` },
    { target: 0, duration: `${ramp}s` },
  ];
  const parts = flows.map(({ exec, share }): [string, Scenario] => [
    exec,
    {
      ...common(exec, 'measured', perSecond * share),
      executor: 'ramping-arrival-rate',
      startRate: 0,
      stages: stages(rateOf(perSecond * share)),
    },
  ]);
  const watching: Scenario = {
    exec: watched,
    executor: 'constant-arrival-rate',
    rate: 1,
    timeUnit: `${WATCH_SECONDS}s`,
    preAllocatedVUs: 1,
    maxVUs: 1,
    startTime: `${ramp}s`,
    duration: `${Math.max(1, seconds - 2 * ramp)}s`,
  };
  return optionsOf({ ...Object.fromEntries(parts), [watched]: watching }, perSecond * (seconds - ramp));
}

interface Part {
  readonly exec: string;
  readonly perSecond: number;
  readonly startSeconds: number;
  readonly seconds: number;
}

/** Warm-up, or measured, by when it begins. */
export function steadyPart({ exec, perSecond, startSeconds, seconds }: Part): Scenario {
  return {
    ...common(exec, startSeconds < WARM_UP_SECONDS ? 'warm_up' : 'measured', perSecond),
    executor: 'constant-arrival-rate',
    rate: rateOf(perSecond),
    startTime: `${Math.round(startSeconds * 1e3)}ms`,
    duration: `${seconds}s`,
  };
}

/** Those of the measured part. */
let iterationsDue = 0;

/** `iterations`: that begin in the measured part. */
export function optionsOf(scenarios: Readonly<Record<string, Scenario>>, iterations: number): Options {
  iterationsDue = iterations;
  const thresholds: Record<string, string[]> = {};
  for (const budget of budgetsOfRun()) (thresholds[budget.metric] ??= []).push(expressionOf(budget, run.load));
  return { scenarios: { ...scenarios }, thresholds, summaryTrendStats: [...TREND_STATS] };
}

/** Once `optionsOf` was called, which a script does in each of k6's virtual machines. */
export function budgetsOfRun(): readonly Budget[] {
  return budgetsOf(budgets.scenarios[run.scenario], run.factors, run.load, iterationsDue);
}

function common(exec: string, phase: string, perSecond: number) {
  const vus = VUS_MIN + Math.ceil(perSecond * UNDERWAY_SECONDS);
  return {
    exec,
    tags: { phase },
    timeUnit: `${TIME_UNIT_SECONDS}s`,
    preAllocatedVUs: vus,
    maxVUs: vus,
    gracefulStop: '5s',
  };
}

function rateOf(perSecond: number): number {
  return Math.max(1, Math.round(perSecond * TIME_UNIT_SECONDS));
}
