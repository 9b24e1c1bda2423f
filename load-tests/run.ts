/**
 * `npm run load [scenario]`: starts what a load test needs, finds or builds k6, runs the scenario and says which budgets of
 * budgets.json were broken, and by how much. Exit codes: 0 all kept, 1 some broken, 2 usage, 3 it could not be run.
 */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Argument, Command, CommanderError, InvalidArgumentError } from 'commander';
import { type Budgets, type Load, SCENARIOS, type ScenarioName } from './budgets.ts';
import type { Report } from './reports/report.ts';
import { formatReport } from './reports/text.ts';
import { startControl } from './runner/control.ts';
import { type DelayProxy, startDelayProxy } from './runner/delay.ts';
import { drive } from './runner/drive.ts';
import { findK6 } from './runner/k6-binary.ts';
import { startWorld } from './runner/world.ts';
import { cardsFor, secondsMinOf } from './workload.ts';

const EXIT = { kept: 0, broken: 1, usage: 2, cannotRun: 3 } as const;
const RATE_MAX = 100_000;
const SECONDS_MAX = 86_400;
const DELAY_MS_MAX = 10_000;
const UNIT_SECONDS = { s: 1, m: 60, h: 3_600 } as const;

interface Flags {
  readonly list?: boolean;
  readonly json?: boolean;
  readonly rate?: number;
  readonly duration?: number;
  readonly slowBy?: number;
  readonly reports?: string;
}

const budgets = JSON.parse(readFileSync(join(import.meta.dirname, 'budgets.json'), 'utf8')) as Budgets;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

function program(): Command {
  return new Command('load')
    .description('Drive the server with k6 and hold it to the budgets of load-tests/budgets.json.')
    .addArgument(new Argument('[scenario]', 'what to run').choices(SCENARIOS).default('smoke'))
    .option('--list', 'print the scenarios, with their load')
    .option('--rate <count>', 'iterations that begin in a second', integer('a rate', RATE_MAX))
    .option('--duration <time>', 'such as 30s, 10m or 1h, without the warm-up', parseSeconds)
    .option('--slow-by <ms>', 'hold every answer back so long, to see budgets break', integer('ms', DELAY_MS_MAX))
    .option('--reports <dir>', 'folder of the reports; default: .skewless/load/<scenario>')
    .option('--json', 'print the report as JSON')
    .usage('[scenario] [options], as `npm run load -- [scenario] [options]`')
    .addHelpText('after', '\nExit codes: 0 all budgets kept, 1 some broken, 2 usage, 3 it could not be run.')
    .exitOverride()
    .action(async (scenario: ScenarioName, flags: Flags, command: Command) => {
      const min = secondsMinOf(scenario);
      if ((flags.duration ?? min) < min) command.error(`error: ${scenario} needs at least ${min}s`);
      process.exitCode = flags.list === true ? list(flags) : await load(scenario, flags);
    });
}

function list({ json }: Flags): number {
  const scenarios = SCENARIOS.map((name) => {
    const { per_second: perSecond, seconds } = budgets.scenarios[name];
    return { name, per_second: perSecond, seconds };
  });
  const lines = scenarios.map(
    ({ name, per_second: perSecond, seconds }) =>
      `${name.padEnd(11)} ${String(perSecond).padStart(4)} iterations a second for ${seconds} s`,
  );
  process.stdout.write(`${json === true ? JSON.stringify(scenarios) : lines.join('\n')}\n`);
  return EXIT.kept;
}

async function load(scenario: ScenarioName, flags: Flags): Promise<number> {
  const { per_second: perSecond, seconds } = budgets.scenarios[scenario];
  const wanted = { perSecond: flags.rate ?? perSecond, seconds: flags.duration ?? seconds };
  const reports = resolve(flags.reports ?? join('.skewless', 'load', scenario));
  const report = await withInterrupts((signal) => run(scenario, wanted, reports, flags.slowBy ?? 0, signal));
  process.stdout.write(`${flags.json === true ? JSON.stringify(report) : formatReport(report)}\n`);
  say(`reports: ${relative(process.cwd(), reports)}/{report.json,junit.xml,report.html}`);
  return report.ok ? EXIT.kept : EXIT.broken;
}

async function run(
  scenario: ScenarioName,
  wanted: Load,
  reports: string,
  delayMs: number,
  signal: AbortSignal,
): Promise<Report> {
  const k6 = await findK6(say);
  const world = await startWorld(cardsFor(scenario, wanted), say);
  const control = await startControl(world);
  const proxy: DelayProxy | null = delayMs === 0 ? null : await startDelayProxy(world.url, delayMs);
  try {
    const { cards } = world;
    const url = proxy?.url ?? world.url;
    const controlUrl = control.url;
    return await drive({ k6, budgets, scenario, load: wanted, url, controlUrl, cards, reports, signal, say });
  } finally {
    await proxy?.close();
    await control.close();
    await world.stop();
  }
}

/** The first signal ends k6, and all that was started is stopped; the second ends at once. */
async function withInterrupts<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  process.once('SIGINT', abort).once('SIGTERM', abort);
  try {
    return await work(stop.signal);
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
  }
}

function integer(what: string, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`Expected ${what}: an integer from 1 to ${max}.`);
  };
}

function parseSeconds(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const seconds = Number(digits) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS];
  if (seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
  throw new InvalidArgumentError('Expected a time from 1s to 24h, such as 30s or 10m.');
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'AbortError' ? 'interrupted' : error.message;
}

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.kept : EXIT.usage;
  else {
    say(`load: ${messageOf(error)}`);
    process.exitCode = EXIT.cannotRun;
  }
}
