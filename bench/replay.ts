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
import { LONGER, createReport, formatReport, rateOf } from './replay/report.ts';
import { contest, verify } from './replay/run.ts';
import { type Data, FLIGHTS, makeData } from './replay/workload.ts';
import { installFeast } from './serve/feast/install.ts';
import { chosenOf, positive } from './flags.ts';

const PARTS = ['sql', 'feast', 'memory'] as const;

const HELP = `Usage: npm run bench:replay -- [options]

Measures skewless train on files of events and labels, as ratios to what computes or joins the same features.
Wants Python with venv for Feast, which it installs once.

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
  const data = await makeData(folderIn(folder, 'once'), flights);
  const figures = await takeTurns(data, parts.has('sql'), feast, rounds);
  let longer: readonly Figures[] | null = null;
  if (parts.has('memory')) {
    say(`${LONGER} times as many …`);
    longer = [await contest(await makeData(folderIn(folder, 'longer'), flights * LONGER), 'train')];
  }
  const report = createReport({
    flights,
    rounds,
    train: rateOf(figures.train),
    sql: figures.sql.length === 0 ? null : rateOf(figures.sql),
    feast: figures.feast.length === 0 ? null : rateOf(figures.feast),
    longer: longer === null ? null : rateOf(longer),
  });
  console.log(flags.json ? JSON.stringify(report, null, 2) : formatReport(report));
}

type Turns = Readonly<Record<'train' | 'sql' | 'feast', readonly Figures[]>>;

async function takeTurns(data: Data, sql: boolean, feast: string | null, rounds: number): Promise<Turns> {
  const figures = { train: [] as Figures[], sql: [] as Figures[], feast: [] as Figures[] };
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds} …`);
    figures.train.push(await contest(data, 'train'));
    if (sql) figures.sql.push(await contest(data, 'sql'));
    if (sql && round === 0) await verify(data);
    if (feast !== null) figures.feast.push(await contestFeast(data, feast));
  }
  return figures;
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
