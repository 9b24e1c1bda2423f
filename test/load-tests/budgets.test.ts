/** Budgets as data: what a run may excuse, what it reports, and that documents and scenarios say the same. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withBudgets } from '../../load-tests/budgets-table.ts';
import {
  type Budgets,
  type ByPercentile,
  SCENARIOS,
  budgetsOf,
  expressionOf,
  factorsOf,
} from '../../load-tests/budgets.ts';
import { flightsJson } from '../../load-tests/expected/flights.ts';
import { htmlOf } from '../../load-tests/reports/html.ts';
import { junitOf } from '../../load-tests/reports/junit.ts';
import { type K6Summary, reportOf } from '../../load-tests/reports/report.ts';
import { formatReport } from '../../load-tests/reports/text.ts';
import { cardsFor } from '../../load-tests/workload.ts';

const FOLDER = join(import.meta.dirname, '../../load-tests');
const BUDGETS = JSON.parse(readFileSync(join(FOLDER, 'budgets.json'), 'utf8')) as Budgets;
const LOAD = { perSecond: 10, seconds: 20 };
const UNSCALED: ByPercentile = { p50: 1, p95: 1, p99: 1 };
const NAME = 'http_req_duration{endpoint:vectors,phase:measured,expected_response:true}';

const budgets = budgetsOf(BUDGETS.scenarios.steady, UNSCALED, LOAD, 200);

/** A summary in which every budget is exactly at its limit, but for `changed` metrics. */
function summary(changed: Readonly<Record<string, Readonly<Record<string, number>>>> = {}): K6Summary {
  const metrics: Record<string, K6Summary['metrics'][string] & { thresholds: Record<string, { ok: boolean }> }> = {};
  for (const budget of budgets) {
    const limit = budget.unit === 'per second' ? budget.limit * LOAD.seconds : budget.limit;
    const before = metrics[budget.metric];
    metrics[budget.metric] = {
      values: { ...before?.values, [budget.aggregate]: limit, max: 1, ...changed[budget.metric] },
      thresholds: { ...before?.thresholds, [expressionOf(budget, LOAD)]: { ok: !(budget.metric in changed) } },
    };
  }
  return {
    metrics,
    root_group: { checks: [{ name: 'a <row> & more', passes: 3, fails: 1 }] },
    state: { testRunDurationMs: 25_000 },
  };
}

function report(of: K6Summary) {
  return reportOf(
    { scenario: 'steady', load: LOAD, factors: UNSCALED, nullRouteMs: UNSCALED },
    budgets,
    expressionOf,
    of,
  );
}

test('noise scales latency budgets, percentile by percentile, up to the greatest factor and never below 1', () => {
  const calibration = { reference_ms: { p50: 1, p95: 2, p99: 4 }, factor_max: 5 };
  expect(factorsOf(calibration, { p50: 0.5, p95: 6, p99: 400 })).toEqual({ p50: 1, p95: 3, p99: 5 });
});

test('nothing but latency is scaled', () => {
  const scaled = budgetsOf(BUDGETS.scenarios.steady, { p50: 2, p95: 3, p99: 4 }, LOAD, 200);
  for (const [index, { unit, limit, name }] of scaled.entries()) {
    const unscaled = budgets[index]?.limit ?? 0;
    const factor = { p50: 2, p95: 3, p99: 4 }[name.split(' ')[1] ?? ''] ?? 1;
    expect([name, limit]).toEqual([name, unit === 'ms' ? unscaled * factor : unscaled]);
  }
  expect(scaled.filter(({ unit }) => unit === 'ms')).toHaveLength(3);
});

test('every scenario has a budget for each thing that a dead server would break', () => {
  for (const name of SCENARIOS) {
    const all = budgetsOf(BUDGETS.scenarios[name], UNSCALED, LOAD, 200);
    const expressions = all.map((budget) => `${budget.metric} ${expressionOf(budget, LOAD)}`);
    expect(expressions).toContain('http_req_failed rate<=0');
    expect(expressions).toContain('checks rate>=1');
    expect(expressions).toContain('dropped_iterations count<=0');
    expect(expressions.some((text) => /^answered\{phase:measured\} count>=19\d$/.test(text))).toBe(true);
    expect(all.filter(({ unit }) => unit === 'ms').length).toBeGreaterThan(0);
  }
});

test('each scenario that has budgets is a file, and each file has budgets', () => {
  const files = readdirSync(join(FOLDER, 'scenarios')).map((file) => file.replace(/\.ts$/, ''));
  expect(files.toSorted()).toEqual([...SCENARIOS].toSorted());
  expect(Object.keys(BUDGETS.scenarios).toSorted()).toEqual([...SCENARIOS].toSorted());
});

test('a run at its limits is kept; a broken budget is named, with what it is over by', () => {
  expect(report(summary()).ok).toBe(true);
  const broken = report(summary({ [NAME]: { 'p(50)': 100, 'p(95)': 100, 'p(99)': 100 } }));
  expect(broken.ok).toBe(false);
  const text = formatReport(broken);
  expect(text).toMatch(/BROKEN {2}vectors p50 .* over by 94\.00 ms \(16\.67 times the budget\)/);
  expect(text).toMatch(/steady: 3 of 7 budgets broken: vectors p50, vectors p95, vectors p99$/);
  expect(text).toMatch(/check failed 1 of 4 times: a <row> & more/);
});

test('a latency of which nothing was measured is not kept, whatever k6 says of it', () => {
  const nothing = summary();
  const dead = {
    ...nothing,
    metrics: { ...nothing.metrics, [NAME]: { ...nothing.metrics[NAME], values: { max: 0 } } },
  };
  const judged = report(dead);
  expect(judged.budgets.filter(({ kept }) => !kept).map(({ name }) => name)).toEqual([
    'vectors p50',
    'vectors p95',
    'vectors p99',
  ]);
});

test('a budget that k6 did not judge is not kept', () => {
  const { checks: _checks, ...metrics } = summary().metrics;
  expect(report({ ...summary(), metrics }).ok).toBe(false);
});

test('JUnit has a case for each budget and each check, with failures as such, and is escaped', () => {
  const xml = junitOf(report(summary({ checks: { rate: 0.5 } })));
  expect(xml).toContain('<testsuite name="steady" tests="8" failures="2"');
  expect(xml).toContain('name="a &lt;row&gt; &amp; more"><failure message="failed 1 of 4 times"/>');
  expect(xml).toContain('name="checks"><failure message="50.00 %, at least 100.00 %: short by 50.00 %');
  expect(xml.match(/<testcase /g)).toHaveLength(8);
});

test('the HTML page loads nothing, and is escaped', () => {
  const html = htmlOf(report(summary()));
  expect(html).not.toMatch(/src=|href=|url\(|@import|https?:|<script/i);
  expect(html).toContain('a &lt;row&gt; &amp; more');
});

test('cold-cache loads more cards than it asks for, others a few', () => {
  expect(cardsFor('cold-cache', { perSecond: 100, seconds: 30 })).toBeGreaterThanOrEqual(100 * 35 * 5);
  expect(cardsFor('smoke', { perSecond: 100, seconds: 30 })).toBe(2_000);
});

test('the documented budgets are those of budgets.json', () => {
  const document = readFileSync(join(FOLDER, '../docs/load-tests.md'), 'utf8');
  expect(document, 'run `node load-tests/budgets-table.ts`').toBe(withBudgets(document, BUDGETS));
});

test('the expected vectors are what the raw tables give', async () => {
  expect(await flightsJson()).toBe(readFileSync(join(FOLDER, 'expected/flights.json'), 'utf8'));
});
