/**
 * What a scenario may cost, read from budgets.json: each budget becomes one threshold of k6, which alone decides whether
 * it holds. Read by k6 and by Node alike, so it imports nothing of either.
 */

/** The names of the scenarios, each a file in scenarios/. */
export const SCENARIOS = ['smoke', 'steady', 'batch', 'hot-key', 'cold-cache', 'mixed', 'soak', 'redis-down'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];
export const PERCENTILES = ['p50', 'p95', 'p99'] as const;
export type Percentile = (typeof PERCENTILES)[number];
/** Ms, or a factor, by percentile. */
export type ByPercentile = Readonly<Record<Percentile, number>>;

export interface Budgets {
  readonly calibration: Calibration;
  readonly scenarios: Readonly<Record<ScenarioName, ScenarioBudgets>>;
}

export interface Calibration {
  /** Latency of the null route on the machine that the budgets were set on, ms. */
  readonly reference_ms: ByPercentile;
  /** No noise excuses more than this. */
  readonly factor_max: number;
}

export interface ScenarioBudgets {
  /** Budgets hold at this load: iterations that begin in a second, and how long. */
  readonly per_second: number;
  readonly seconds: number;
  /** By endpoint; the only budgets that are scaled. Of answers that were expected, after the warm-up. */
  readonly latency_ms: Readonly<Record<string, Readonly<Partial<ByPercentile>>>>;
  readonly failed_share_max: number;
  readonly checks_share_min: number;
  /** Of the iterations that should begin: those whose answers were all right. Their rate is what this keeps up. */
  readonly answered_share_min: number;
  readonly dropped_iterations_max: number;
  /** Memory of the serving process in the end ÷ when the load had been reached; where a scenario watches it. */
  readonly memory_growth_max?: number;
}

export interface Load {
  /** Iterations that begin in a second. */
  readonly perSecond: number;
  /** Without the warm-up. */
  readonly seconds: number;
}

/** One line of a report. */
export interface Budget {
  /** Such as `vectors p99`. */
  readonly name: string;
  /** Of k6. */
  readonly metric: string;
  readonly aggregate: string;
  readonly comparison: '<=' | '>=';
  readonly limit: number;
  /** Before it was scaled; the same where it is not. */
  readonly unscaled: number;
  readonly unit: Unit;
}

export type Unit = 'ms' | 'share' | 'per second' | 'count' | 'factor';

/** Measured ÷ reference, at least 1 and at most `factor_max`. */
export function factorsOf({ reference_ms: reference, factor_max: max }: Calibration, measuredMs: ByPercentile) {
  const factor = (of: Percentile): number => Math.min(max, Math.max(1, measuredMs[of] / reference[of]));
  return { p50: factor('p50'), p95: factor('p95'), p99: factor('p99') } satisfies ByPercentile;
}

/** All budgets of a scenario. `iterations`: that begin in the measured part of it. */
export function budgetsOf(
  scenario: ScenarioBudgets,
  factors: ByPercentile,
  { seconds }: Load,
  iterations: number,
): readonly Budget[] {
  const latency = Object.entries(scenario.latency_ms).flatMap(([endpoint, limits]) =>
    PERCENTILES.flatMap((percentile) => {
      const unscaled = limits[percentile];
      return unscaled === undefined ? [] : [latencyBudget(endpoint, percentile, unscaled, factors[percentile])];
    }),
  );
  const plain = { comparison: '<=', aggregate: 'rate', unit: 'share' } as const;
  const failed = scenario.failed_share_max;
  const checks = scenario.checks_share_min;
  const answered = (scenario.answered_share_min * iterations) / seconds;
  const dropped = scenario.dropped_iterations_max;
  return [
    ...latency,
    { ...plain, name: 'failed requests', metric: 'http_req_failed', limit: failed, unscaled: failed },
    { ...plain, name: 'checks', metric: 'checks', comparison: '>=', limit: checks, unscaled: checks },
    {
      name: 'answered rightly',
      metric: 'answered{phase:measured}',
      aggregate: 'count',
      comparison: '>=',
      limit: answered,
      unscaled: answered,
      unit: 'per second',
    },
    {
      ...plain,
      name: 'dropped iterations',
      metric: 'dropped_iterations',
      aggregate: 'count',
      limit: dropped,
      unscaled: dropped,
      unit: 'count',
    },
    ...(scenario.memory_growth_max === undefined ? [] : [memoryBudget(scenario.memory_growth_max)]),
  ];
}

function memoryBudget(limit: number): Budget {
  const metric = { metric: 'server_memory_growth', aggregate: 'value', comparison: '<=' } as const;
  return { ...metric, name: 'memory growth', limit, unscaled: limit, unit: 'factor' };
}

function latencyBudget(endpoint: string, percentile: Percentile, unscaled: number, factor: number): Budget {
  return {
    name: `${endpoint} ${percentile}`,
    metric: `http_req_duration{endpoint:${endpoint},phase:measured,expected_response:true}`,
    aggregate: `p(${percentile.slice(1)})`,
    comparison: '<=',
    limit: unscaled * factor,
    unscaled,
    unit: 'ms',
  };
}

/** k6's expression of a budget. A rate is held as a count, for k6 would divide by the warm-up, too. */
export function expressionOf({ aggregate, comparison, limit, unit }: Budget, { seconds }: Load): string {
  return `${aggregate}${comparison}${unit === 'per second' ? Math.ceil(limit * seconds) : limit}`;
}
