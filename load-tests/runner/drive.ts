/** One run of a scenario against a server: calibration, then k6 with the budgets that follow from it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startChild, until } from '../../test/services/child.ts';
import { type Budgets, type ByPercentile, type Load, type ScenarioName, factorsOf } from '../budgets.ts';
import type { Environment } from '../k6/environment.ts';
import type { Report } from '../reports/report.ts';
import { CannotRun } from './cannot-run.ts';

const FOLDER = join(import.meta.dirname, '..');
/** Exit code of k6 for thresholds that do not hold. */
const K6_THRESHOLDS = 99;
/** Of what k6 said before it gave up. */
const MESSAGES_SHOWN = 10;
const NOT_SCALED: ByPercentile = { p50: 1, p95: 1, p99: 1 };
const UNKNOWN: ByPercentile = { p50: 0, p95: 0, p99: 0 };

export interface Drive {
  readonly k6: string;
  readonly budgets: Budgets;
  readonly scenario: ScenarioName;
  readonly load: Load;
  readonly url: string;
  readonly controlUrl: string;
  readonly cards: number;
  /** Folder; what an earlier run left there is removed. */
  readonly reports: string;
  readonly signal?: AbortSignal;
  say(line: string): void;
}

/** Throws `CannotRun` when k6 did not get to a verdict. */
export async function drive(options: Drive): Promise<Report> {
  const { scenario, load, budgets, reports, say } = options;
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const nullServer = startChild(process.execPath, [join(import.meta.dirname, 'null-server.ts')]);
  try {
    const nullUrl = await urlOf(nullServer.output);
    const { url, controlUrl, cards } = options;
    const common = { scenario, url, controlUrl, nullUrl, load, cards, reports };
    say(`calibrating: the null route at ${load.perSecond} requests a second`);
    await runK6(options, 'k6/calibration.ts', { ...common, factors: NOT_SCALED, nullRouteMs: UNKNOWN });
    const nullRouteMs = JSON.parse(readFileSync(join(reports, 'calibration.json'), 'utf8')) as ByPercentile;
    const factors = factorsOf(budgets.calibration, nullRouteMs);
    say(`running ${scenario}: ${load.perSecond} iterations a second for ${load.seconds} s`);
    await runK6(options, `scenarios/${scenario}.ts`, { ...common, factors, nullRouteMs });
  } finally {
    await nullServer.stop();
  }
  return JSON.parse(readFileSync(join(reports, 'report.json'), 'utf8')) as Report;
}

async function urlOf(output: () => string): Promise<string> {
  let url: string | undefined;
  await until('the null route listens', () => {
    url = /listens on (\S+)/.exec(output())?.[1];
    return url === undefined ? Promise.reject(new Error(output())) : Promise.resolve();
  });
  return url as string;
}

async function runK6({ k6, signal }: Drive, script: string, environment: Environment): Promise<void> {
  // A line for each request that failed would bury what matters.
  const messages = join(environment.reports, 'k6.log');
  const args = ['run', '--quiet', '--no-usage-report', '--address', '', `--log-output=file=${messages}`];
  args.push('-e', `LOAD=${JSON.stringify(environment)}`);
  const child = spawn(k6, [...args, join(FOLDER, script)], {
    // Standard output is for the report.
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, K6_AUTO_EXTENSION_RESOLUTION: 'false' },
    ...(signal === undefined ? {} : { signal }),
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code === 0 || code === K6_THRESHOLDS) return;
  const said = existsSync(messages) ? readFileSync(messages, 'utf8').trimEnd().split('\n').slice(-MESSAGES_SHOWN) : [];
  throw new CannotRun([`k6 ended with code ${code} before it had a verdict`, ...said].join('\n'));
}
