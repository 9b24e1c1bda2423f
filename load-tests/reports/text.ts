/** A report as lines for a terminal, and the phrases that other formats share. */
import type { Unit } from '../budgets.ts';
import type { Judged, Report } from './report.ts';

export function formatValue(value: number | null, unit: Unit): string {
  if (value === null) return 'nothing measured';
  switch (unit) {
    case 'ms':
      return `${value.toFixed(2)} ms`;
    case 'share':
      return `${(value * 100).toFixed(2)} %`;
    case 'per second':
      return `${value.toFixed(1)} /s`;
    case 'count':
      return `${value}`;
    case 'factor':
      return `× ${value.toFixed(2)}`;
  }
}

export function formatLimit({ comparison, limit, unit }: Judged): string {
  return `${comparison === '<=' ? 'at most' : 'at least'} ${formatValue(limit, unit)}`;
}

/** Such as `over by 31.20 ms (2.6 times the budget)`; empty where it is kept. */
export function formatBreach({ kept, measured, comparison, limit, unit }: Judged): string {
  if (kept) return '';
  if (measured === null) return 'nothing was measured';
  const times = limit > 0 ? ` (${(measured / limit).toFixed(2)} times the budget)` : '';
  return `${comparison === '<=' ? 'over' : 'short'} by ${formatValue(Math.abs(measured - limit), unit)}${times}`;
}

/** Such as `latency × 1.00 at p50, 1.40 at p95, 2.10 at p99`. */
export function formatFactors({ calibration: { factors, null_route_ms: nullRoute } }: Report): string {
  const all = (['p50', 'p95', 'p99'] as const).map(
    (percentile) =>
      `${percentile} × ${factors[percentile].toFixed(2)} (null route ${nullRoute[percentile].toFixed(2)} ms)`,
  );
  return `latency budgets: ${all.join(', ')}`;
}

export function formatReport(report: Report): string {
  const { scenario, per_second: perSecond, seconds, requests, budgets, checks } = report;
  const lines = budgets.map((budget) =>
    [
      budget.kept ? 'kept  ' : 'BROKEN',
      budget.name.padEnd(24),
      formatValue(budget.measured, budget.unit).padStart(16),
      formatLimit(budget).padEnd(20),
      formatBreach(budget),
    ]
      .join('  ')
      .trimEnd(),
  );
  const wrong = checks.filter(({ fails }) => fails > 0);
  return [
    `${scenario}: ${perSecond} iterations a second for ${seconds} s, ${requests} requests`,
    formatFactors(report),
    '',
    ...lines,
    ...wrong.map(({ name, passes, fails }) => `check failed ${fails} of ${passes + fails} times: ${name}`),
    '',
    verdictOf(report),
  ].join('\n');
}

export function verdictOf({ scenario, budgets }: Report): string {
  const broken = budgets.filter(({ kept }) => !kept);
  if (broken.length === 0) return `${scenario}: all ${budgets.length} budgets kept`;
  return `${scenario}: ${broken.length} of ${budgets.length} budgets broken: ${broken.map(({ name }) => name).join(', ')}`;
}
