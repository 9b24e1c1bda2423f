/** `skewless check DIR`: checks definitions and prices each view in bytes per entity. Exit 1 where anything is wrong. */
import { Command } from 'commander';
import { AGGREGATIONS } from '../aggregate/table.ts';
import type { Definitions } from '../definition/definition.ts';
import { formatProblem } from '../definition/problem.ts';
import { compilePlan } from '../state/plan.ts';
import { type Price, STATE_BYTES_MAX, priceOf } from '../state/price.ts';
import { loadDefinitionsFrom } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { formatCount, formatSize, formatTable } from './text.ts';

interface PricedView extends Price {
  readonly view: string;
}

export function checkCommand(finish: (exitCode: number) => void): Command {
  return new Command('check')
    .description('Check a folder of definitions; say all that is wrong, and what each view costs to keep.')
    .argument('<dir>', 'folder of definitions (YAML)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  skewless check examples/flights/definitions')
    .action((directory: string, { json }: { json?: boolean }) => finish(check(directory, json === true)));
}

function check(directory: string, json: boolean): number {
  const loaded = loadDefinitionsFrom(directory, AGGREGATIONS);
  const problems = loaded.ok ? [] : loaded.problems;
  const views = loaded.ok ? pricesOf(loaded.definitions) : [];
  const tooLarge = views
    .filter((view) => view.bytesMax > STATE_BYTES_MAX)
    .map(({ view, bytesMax }) => ({ code: 'state_too_large', view, bytes: bytesMax, limit: STATE_BYTES_MAX }));
  const ok = problems.length === 0 && tooLarge.length === 0;
  if (json) {
    const priced = views.map(({ view, headBytes, tilesBytesMax, bytesMax }) => ({
      view,
      head_bytes: headBytes,
      tiles_bytes_max: tilesBytesMax,
      bytes_max: bytesMax,
    }));
    process.stdout.write(`${JSON.stringify({ ok, problems, too_large: tooLarge, views: priced })}\n`);
  } else {
    for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
    if (views.length > 0) process.stdout.write(table(views));
    for (const { view, bytes } of tooLarge) {
      process.stdout.write(
        `${view}: an entity may need ${formatSize(bytes)}, at most ${formatSize(STATE_BYTES_MAX)} are kept; try longer hops, a lower head_limit or fewer windows\n`,
      );
    }
    process.stdout.write(loaded.ok ? summary(loaded.definitions) : `${formatCount(problems.length, 'problem')}\n`);
  }
  return ok ? EXIT.ok : EXIT.finding;
}

function pricesOf(definitions: Definitions): PricedView[] {
  return [...definitions.views.values()].map((view) => ({
    view: view.id,
    ...priceOf(compilePlan(view, AGGREGATIONS), AGGREGATIONS),
  }));
}

function table(views: readonly PricedView[]): string {
  const head = ['view', 'head, at head_max', 'tiles, at most', 'in all, at most'];
  const rows = views.map(({ view, headBytes, tilesBytesMax, bytesMax }) => [
    view,
    ...[headBytes, tilesBytesMax, bytesMax].map(formatSize),
  ]);
  return `Bytes per entity\n${formatTable(head, rows)}`;
}

function summary({ sources, views, services }: Definitions): string {
  const counts = [
    formatCount(sources.size, 'source'),
    formatCount(views.size, 'view'),
    formatCount(services.size, 'service'),
  ];
  return `${counts.join(', ')}: no problem found\n`;
}
