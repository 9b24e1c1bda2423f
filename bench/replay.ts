/**
 * `npm run bench:replay`: training sets, against DuckDB computing the same windows in SQL and Feast joining features that are
 * computed already, in one run, so that the ratios mean the same on any machine. docs/performance.md says what each figure is.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Figures } from './ingest/meter.ts';
import { contestFeast } from './replay/feast.ts';
import { type Contest, LONGER, createReport, formatReport, rateOf } from './replay/report.ts';
import { contest, verify } from './replay/run.ts';
import { FLIGHTS, FLIGHTS_OF_NEW_YORK, SPARSE, type Workload, makeData } from './replay/workload.ts';
import { installFeast } from './serve/feast/install.ts';
import { chosenOf, positive } from './flags.ts';

const PARTS = ['flights', 'sparse', 'feast', 'memory'] as const;

const HELP = `Usage: npm run bench:replay -- [options]

Measures skewless train on files of events and labels, as ratios to what computes or joins the same features.
Wants Python with venv for Feast, which it installs once.

  flights             against DuckDB, features of three airports and of their aircraft
  sparse              against DuckDB, features of entities with an event or two in a week
  feast               the latter against Feast, which joins them alone
  memory              the latter with ${LONGER} times as many events and labels

  --only <parts>      some of ${PARTS.join(',')} (all)
  --flights <count>   events, and labels (${FLIGHTS})
  --rounds <count>    times that each contestant runs, in turn (3); medians are kept
  --json              figures and targets as JSON
  --help              this text`;

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    only: { type: 'string', default: PARTS.join(',') },
    flights: { type: 'string', default: String(FLIGHTS) },
    rounds: { type: 'string', default: '3' },
  },
});

function count(name: 'flights' | 'rounds'): number {
  return positive(name, flags[name]);
}

function say(text: string): void {
  console.error(text);
}

function folderIn(parent: string, name: string): string {
  const folder = join(parent, name);
  mkdirSync(folder);
  return folder;
}

async function bench(folder: string): Promise<void> {
  const [parts, flights, rounds] = [chosenOf(PARTS, flags.only), count('flights'), count('rounds')];
  // Before the long runs: what cannot be had ends the benchmark at once.
  const feast = parts.has('feast') ? installFeast(say) : null;
  const contests: Contest[] = [];
  if (parts.has('flights')) {
    contests.push(await takeTurns(folder, FLIGHTS_OF_NEW_YORK, { hasSql: true, feast: null, isLonger: false }));
  }
  if (parts.has('sparse') || parts.has('feast') || parts.has('memory')) {
    const rivals = { hasSql: parts.has('sparse'), feast, isLonger: parts.has('memory') };
    contests.push(await takeTurns(folder, SPARSE, rivals));
  }
  const report = createReport({ flights, rounds, contests });
  console.log(flags.json ? JSON.stringify(report, null, 2) : formatReport(report));
}

interface Rivals {
  readonly hasSql: boolean;
  /** Its programs; null: it has no part. */
  readonly feast: string | null;
  /** Whether `train` runs once more, with more. */
  readonly isLonger: boolean;
}

async function takeTurns(parent: string, workload: Workload, { hasSql, feast, isLonger }: Rivals): Promise<Contest> {
  const [folder, flights, rounds] = [folderIn(parent, workload.name), count('flights'), count('rounds')];
  const data = await makeData(folderIn(folder, 'once'), workload, flights);
  const figures = { train: [] as Figures[], sql: [] as Figures[], feast: [] as Figures[], longer: [] as Figures[] };
  for (let round = 0; round < rounds; round++) {
    say(`${workload.name}, round ${round + 1} of ${rounds} …`);
    figures.train.push(await contest(data, 'train'));
    if (hasSql) figures.sql.push(await contest(data, 'sql'));
    if (hasSql && round === 0) await verify(data);
    if (feast !== null) figures.feast.push(await contestFeast(data, feast));
  }
  if (isLonger) {
    say(`${LONGER} times as many …`);
    figures.longer.push(await contest(await makeData(folderIn(folder, 'longer'), workload, flights * LONGER), 'train'));
  }
  const rate = (some: readonly Figures[]): Contest['sql'] => (some.length === 0 ? null : rateOf(some));
  return {
    workload,
    train: rateOf(figures.train),
    sql: rate(figures.sql),
    feast: rate(figures.feast),
    longer: rate(figures.longer),
  };
}

if (flags.help) console.log(HELP);
else {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-bench-'));
  try {
    await bench(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
