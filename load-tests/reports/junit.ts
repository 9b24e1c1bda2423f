/** A report as JUnit XML: a test case for each budget and each check. */
import type { Report } from './report.ts';
import { formatBreach, formatLimit, formatValue } from './text.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For XML and HTML. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
}

export function junitOf(report: Report): string {
  const { scenario, budgets, checks, took_seconds: tookSeconds } = report;
  const cases = [
    ...budgets.map((budget) => {
      const message = `${formatValue(budget.measured, budget.unit)}, ${formatLimit(budget)}: ${formatBreach(budget)}`;
      return caseOf(`${scenario}.budgets`, budget.name, budget.kept ? null : message);
    }),
    ...checks.map(({ name, passes, fails }) => {
      return caseOf(`${scenario}.checks`, name, fails === 0 ? null : `failed ${fails} of ${passes + fails} times`);
    }),
  ];
  const failures = cases.filter(({ failed }) => failed).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" time="${tookSeconds.toFixed(3)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="load" ${counts}>
  <testsuite name="${scenario}" ${counts}>
${cases.map(({ xml }) => xml).join('\n')}
  </testsuite>
</testsuites>
`;
}

function caseOf(
  group: string,
  name: string,
  failure: string | null,
): { readonly xml: string; readonly failed: boolean } {
  const opening = `    <testcase classname="${escapeMarkup(group)}" name="${escapeMarkup(name)}"`;
  if (failure === null) return { xml: `${opening}/>`, failed: false };
  return { xml: `${opening}><failure message="${escapeMarkup(failure)}"/></testcase>`, failed: true };
}
