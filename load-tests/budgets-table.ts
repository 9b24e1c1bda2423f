/**
 * `node load-tests/budgets-table.ts` writes the budgets of budgets.json into docs/load-tests.md, as tables. A test holds
 * the two together.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Budgets, PERCENTILES, SCENARIOS } from './budgets.ts';

const DOCUMENT = join(import.meta.dirname, '../docs/load-tests.md');
const BUDGETS = join(import.meta.dirname, 'budgets.json');
const [BEGIN, END] = ['<!-- budgets.json begins -->', '<!-- budgets.json ends -->'];

/** `document` with the tables of these budgets between its two marks. */
export function withBudgets(document: string, budgets: Budgets): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the document lacks ${BEGIN} or ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${tablesOf(budgets)}\n\n${document.slice(end)}`;
}

function tablesOf({ calibration, scenarios }: Budgets): string {
  const latency = SCENARIOS.flatMap((name) =>
    Object.entries(scenarios[name].latency_ms).map(([endpoint, limits]) => {
      return row([name, `\`${endpoint}\``, ...PERCENTILES.map((percentile) => `${limits[percentile] ?? '–'}`)]);
    }),
  );
  const others = SCENARIOS.map((name) => {
    const budgets = scenarios[name];
    return row([
      name,
      `${budgets.per_second} /s for ${budgets.seconds} s`,
      percent(budgets.failed_share_max),
      percent(budgets.checks_share_min),
      percent(budgets.answered_share_min),
      `${budgets.dropped_iterations_max}`,
      budgets.memory_growth_max === undefined ? '–' : `× ${budgets.memory_growth_max}`,
    ]);
  });
  const { reference_ms: reference, factor_max: max } = calibration;
  return [
    row([
      'scenario',
      'load',
      'failed requests, at most',
      'checks, at least',
      'of the load answered rightly, at least',
      'dropped iterations, at most',
      'memory growth, at most',
    ]),
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...others,
    '',
    'Latency in ms, at most:',
    '',
    row(['scenario', 'endpoint', ...PERCENTILES]),
    '| --- | --- | ---: | ---: | ---: |',
    ...latency,
    '',
    `Null route of the reference: ${PERCENTILES.map((percentile) => `${percentile} ${reference[percentile]} ms`).join(', ')}. Greatest factor: ${max}.`,
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function percent(share: number): string {
  return `${share * 100} %`;
}

if (import.meta.main) {
  const budgets = JSON.parse(readFileSync(BUDGETS, 'utf8')) as Budgets;
  writeFileSync(DOCUMENT, withBudgets(readFileSync(DOCUMENT, 'utf8'), budgets));
}
