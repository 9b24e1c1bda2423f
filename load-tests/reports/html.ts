/** A report as one HTML page that loads nothing: it reads the same from a build's artefacts, years later. */
import { escapeMarkup } from './junit.ts';
import type { Judged, Report } from './report.ts';
import { formatBreach, formatFactors, formatLimit, formatValue, verdictOf } from './text.ts';

const STYLE = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .kept { color: #15803d; } .broken { color: #dc2626; font-weight: 600; }
`;

export function htmlOf(report: Report): string {
  const { scenario, ok, per_second: perSecond, seconds, requests, budgets, checks } = report;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Load test: ${escapeMarkup(scenario)}</title>
<style>${STYLE}</style>
<h1>Load test: ${escapeMarkup(scenario)}</h1>
<p class="${ok ? 'kept' : 'broken'}">${escapeMarkup(verdictOf(report))}</p>
<p>${perSecond} iterations a second for ${seconds} s; ${requests} requests.<br>${escapeMarkup(formatFactors(report))}</p>
<h2>Budgets</h2>
<table>
<tr><th>Budget<th>Measured<th>Limit<th>Before scaling<th>Verdict
${budgets.map(budgetRow).join('\n')}
</table>
<h2>Checks</h2>
<table>
<tr><th>Check<th>Held<th>Failed
${checks.map(({ name, passes, fails }) => `<tr><td>${escapeMarkup(name)}<td class="number">${passes}<td class="number${fails > 0 ? ' broken' : ''}">${fails}`).join('\n')}
</table>
</html>
`;
}

function budgetRow(budget: Judged): string {
  const verdict = budget.kept ? 'kept' : `broken: ${formatBreach(budget)}`;
  return [
    `<tr><td>${escapeMarkup(budget.name)}`,
    `<td class="number">${escapeMarkup(formatValue(budget.measured, budget.unit))}`,
    `<td class="number">${escapeMarkup(formatLimit(budget))}`,
    `<td class="number">${escapeMarkup(formatValue(budget.unscaled, budget.unit))}`,
    `<td class="${budget.kept ? 'kept' : 'broken'}">${escapeMarkup(verdict)}`,
  ].join('');
}
