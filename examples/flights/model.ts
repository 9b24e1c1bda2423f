/**
 * A model of which flights leave late, from training set to serving: `skewless train` makes rows of the month's flights, a
 * plain model is fitted to the first of them, and the last ones are scored twice, by the rows and by the running server,
 * which is fed and asked as time goes on. Then what it costs where the two are computed apart.
 *
 *     node examples/flights/model.ts [--from 2013-01-08] [--split 2013-01-25] [--until 2013-02-01]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Flight, readFlights } from './model/flights.ts';
import { type Model, type Row, areaUnderCurve, fitModel } from './model/linear.ts';
import { serveFlights, startServer } from './model/online.ts';
import { EXAMPLE, buildTrainingSet, ingest } from './model/program.ts';
import { type Report, readReports } from './model/reports.ts';

const { values: flags } = parseArgs({
  options: {
    from: { type: 'string', default: '2013-01-08' },
    split: { type: 'string', default: '2013-01-25' },
    until: { type: 'string', default: '2013-02-01' },
  },
});
/** What a job would drop whose windows close that long after the event: `max_disorder` of the sources. */
const CLOSED_AFTER_MS = 3_600_000;
/** Flights with the highest scores are to be warned of. */
const FLAGGED_ONE_IN = 5;

interface Split {
  readonly flights: readonly Flight[];
  /** How many of them the model learns from; it scores the others. */
  readonly learned: number;
  readonly reports: readonly Report[];
}

function read(): Split {
  const [fromMs, splitMs, untilMs] = [flags.from, flags.split, flags.until].map((text) => Date.parse(text)) as [
    number,
    number,
    number,
  ];
  const learned = readFlights(EXAMPLE, fromMs, splitMs);
  const scored = readFlights(EXAMPLE, splitMs, untilMs);
  const reports = readReports(join(EXAMPLE, 'data')).filter(({ happenedMs }) => happenedMs < untilMs);
  return { flights: [...learned, ...scored], learned: learned.length, reports };
}

/** The server gets what came before the first score at once, and the rest as it comes. */
async function scoreOnline(folder: string, { flights, learned, reports }: Split, features: readonly string[]) {
  const scored = flights.slice(learned);
  const startMs = Math.min(...scored.map(({ asOfMs }) => asOfMs));
  await ingest(
    folder,
    reports.filter(({ reportedMs }) => reportedMs < startMs),
  );
  const server = await startServer(folder);
  try {
    return await serveFlights(
      server,
      scored,
      reports.filter(({ reportedMs }) => reportedMs >= startMs),
      features,
    );
  } finally {
    await server.stop();
  }
}

async function compare(folder: string): Promise<void> {
  const split = read();
  const { flights, learned, reports } = split;
  const scored = flights.slice(learned);
  const isLate = flights.map(({ late }) => late);
  const fit = (rows: readonly Row[]): Model => fitModel(rows.slice(0, learned), isLate.slice(0, learned).map(Number));
  const score = (model: Model, rows: readonly Row[]): readonly number[] => rows.map((row) => model.predict(row));
  const auc = (scores: readonly number[]): string => areaUnderCurve(scores, isLate.slice(learned)).toFixed(4);

  const honest = { knowledge: 'arrival', timeOf: ({ asOfMs }: Flight) => asOfMs } as const;
  const { features, rows } = await buildTrainingSet(folder, 'train', flights, reports, honest);
  const model = fit(rows);
  say(`fitted to ${learned} flights from ${flags.from}, ${features.length} features`);
  const offline = score(model, rows.slice(learned));
  const served = await scoreOnline(folder, split, features);
  const online = score(model, served);
  const equal = online.filter((each, index) => Object.is(each, offline[index])).length;
  say(`scored ${scored.length} flights from ${flags.split}, of which ${count(scored, ({ late }) => late)} left late\n`);
  say(`offline, by skewless train             AUC ${auc(offline)}`);
  say(`online, by the REST API                AUC ${auc(online)}`);
  say(`equal predictions, bit for bit         ${equal} of ${scored.length}\n`);

  const after = { knowledge: 'event-time', timeOf: ({ departedMs }: Flight) => departedMs + 1 } as const;
  const own = await buildTrainingSet(folder, 'leak', flights, reports, after);
  const leaking = fit(own.rows);
  say('a training set that sees the flight itself');
  say(`  offline it promises                  AUC ${auc(score(leaking, own.rows.slice(learned)))}`);
  say(`  online it gives                      AUC ${auc(score(leaking, served))}\n`);

  const punctual = reports.filter(({ reportedMs, happenedMs }) => reportedMs - happenedMs <= CLOSED_AFTER_MS);
  const missing = await buildTrainingSet(folder, 'closed', scored, punctual, honest);
  const lacking = score(model, missing.rows);
  const differences = lacking.map((each, index) => Math.abs(each - (offline[index] as number)));
  say(`features that miss the ${reports.length - punctual.length} reports more than an hour late`);
  say(`  the same model gives                 AUC ${auc(lacking)}`);
  say(`  another prediction for               ${count(differences, (each) => each > 0)} of ${scored.length}`);
  say(`  by at most                           ${Math.max(...differences).toFixed(3)}`);
  const limit = offline.toSorted((one, other) => other - one)[Math.floor(scored.length / FLAGGED_ONE_IN)] as number;
  const changed = count(lacking, (each, index) => each > limit !== (offline[index] as number) > limit);
  say(
    `  warned of, where it was not, or not  ${changed} of ${scored.length}, one in ${FLAGGED_ONE_IN} being warned of`,
  );
}

function count<T>(values: readonly T[], isCounted: (value: T, index: number) => boolean): number {
  return values.filter(isCounted).length;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'skewless-model-'));
try {
  await compare(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
