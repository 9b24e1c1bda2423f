/** Writes the reports of a run, in all formats. */
import { expressionOf } from '../budgets.ts';
import { htmlOf } from '../reports/html.ts';
import { junitOf } from '../reports/junit.ts';
import { type K6Summary, reportOf } from '../reports/report.ts';
import { budgetsOfRun, run } from './plan.ts';

export function handleSummary(summary: K6Summary): Readonly<Record<string, string>> {
  const report = reportOf(run, budgetsOfRun(), expressionOf, summary);
  return {
    [`${run.reports}/report.json`]: `${JSON.stringify(report, null, 2)}\n`,
    [`${run.reports}/junit.xml`]: junitOf(report),
    [`${run.reports}/report.html`]: htmlOf(report),
  };
}
