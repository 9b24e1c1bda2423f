/** A finished run as data: what the reports show, in whatever format. Read by k6 and by Node alike. */
import type { Budget, ByPercentile, Load, ScenarioName, Unit } from '../budgets.ts';

/** What k6 gives to handleSummary, as far as it is used. */
export interface K6Summary {
  readonly metrics: Readonly<Record<string, K6Metric>>;
  readonly root_group: { readonly checks: readonly K6Check[] };
  readonly state: { readonly testRunDurationMs: number };
}

interface K6Metric {
  readonly values: Readonly<Record<string, number>>;
  /** By expression. */
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

interface K6Check {
  readonly name: string;
  readonly passes: number;
  readonly fails: number;
}

/** What k6 says is 0 where it has measured nothing, and never is where it has. */
const MEASURED_ABOVE_0: ReadonlySet<Unit> = new Set<Unit>(['ms', 'factor']);

export interface Judged extends Budget {
  /** Null: nothing was measured. */
  readonly measured: number | null;
  readonly kept: boolean;
}

export interface Report {
  readonly scenario: ScenarioName;
  readonly ok: boolean;
  readonly per_second: number;
  readonly seconds: number;
  /** All of the run, the warm-up too. */
  readonly took_seconds: number;
  readonly requests: number;
  readonly calibration: {
    readonly null_route_ms: ByPercentile;
    /** Latency budgets are so many times what budgets.json says. */
    readonly factors: ByPercentile;
  };
  readonly budgets: readonly Judged[];
  readonly checks: readonly K6Check[];
}

export interface RunFacts {
  readonly scenario: ScenarioName;
  readonly load: Load;
  readonly factors: ByPercentile;
  readonly nullRouteMs: ByPercentile;
}

/** `expressionOf` names a budget's threshold in the summary. */
export function reportOf(
  { scenario, load, factors, nullRouteMs }: RunFacts,
  budgets: readonly Budget[],
  expressionOf: (budget: Budget, load: Load) => string,
  { metrics, root_group: root, state }: K6Summary,
): Report {
  const judged = budgets.map((budget): Judged => {
    const metric = metrics[budget.metric];
    const measured = measuredOf(budget, metric, load);
    // What k6 has not judged is not kept, nor a latency of which nothing was measured: to k6 that is 0 ms.
    const kept = measured !== null && metric?.thresholds?.[expressionOf(budget, load)]?.ok === true;
    return { ...budget, measured, kept };
  });
  return {
    scenario,
    ok: judged.every(({ kept }) => kept),
    per_second: load.perSecond,
    seconds: load.seconds,
    took_seconds: state.testRunDurationMs / 1e3,
    requests: metrics['http_reqs']?.values['count'] ?? 0,
    calibration: { null_route_ms: nullRouteMs, factors },
    budgets: judged,
    checks: root.checks.map(({ name, passes, fails }) => ({ name, passes, fails })),
  };
}

function measuredOf({ aggregate, unit }: Budget, metric: K6Metric | undefined, { seconds }: Load): number | null {
  const value = metric?.values[aggregate];
  if (value === undefined || (MEASURED_ABOVE_0.has(unit) && metric?.values['max'] === 0)) return null;
  return unit === 'per second' ? value / seconds : value;
}
