/** The program's commands, run as users run them. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Flight } from './flights.ts';
import type { Row } from './linear.ts';
import { toNumber } from './numbers.ts';
import { REPORTED_AT, type Report, SOURCES } from './reports.ts';

export const EXAMPLE = join(import.meta.dirname, '..');
export const DEFINITIONS = join(EXAMPLE, 'definitions');
export const PROGRAM = join(EXAMPLE, '../../src/main.ts');

/** Answers what it prints. */
export async function run(folder: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`skewless ${args.join(' ')} ends with ${code}: ${output}`);
  return output;
}

function writeLines(path: string, rows: readonly object[]): void {
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** Appends to the log in `folder`, in the order of the reports. */
export async function ingest(folder: string, reports: readonly Report[]): Promise<void> {
  for (const source of SOURCES) {
    const file = join(folder, `${source}.ingest.jsonl`);
    writeLines(
      file,
      reports.filter((report) => report.source === source).map(({ event }) => event),
    );
    await run(folder, ['ingest', '--definitions', DEFINITIONS, '--source', source, file]);
  }
}

export interface TrainingSet {
  /** Numbers and truth values of the service. */
  readonly features: readonly string[];
  /** In the order of the flights. */
  readonly rows: readonly Row[];
}

export interface Moment {
  /** What had been reported by then, or all that had happened. */
  readonly knowledge: 'arrival' | 'event-time';
  readonly timeOf: (flight: Flight) => number;
}

/** By `skewless train`: features of the flights, each at its moment. */
export async function buildTrainingSet(
  folder: string,
  name: string,
  flights: readonly Flight[],
  reports: readonly Report[],
  { knowledge, timeOf }: Moment,
): Promise<TrainingSet> {
  const labels = join(folder, `${name}.labels.jsonl`);
  writeLines(
    labels,
    flights.map((flight) => ({ timestamp: timeOf(flight), ...flight.request })),
  );
  const args = ['train', '--definitions', DEFINITIONS, '--service', 'departure_delay', '--labels', labels];
  for (const source of SOURCES) {
    const file = join(folder, `${name}.${source}.jsonl`);
    writeLines(
      file,
      reports.filter((report) => report.source === source).map(({ event }) => event),
    );
    args.push('--events', `${source}=${file}`, '--arrival', `${source}=${REPORTED_AT}`);
  }
  const out = join(folder, `${name}.parquet`);
  const manifest = JSON.parse(await run(folder, [...args, '--knowledge', knowledge, '--out', out, '--json'])) as {
    readonly columns: readonly { readonly name: string; readonly type: string; readonly role: string }[];
  };
  const features = manifest.columns
    .filter(({ type, role }) => role === 'feature' && ['DOUBLE', 'BIGINT', 'BOOLEAN'].includes(type))
    .map((column) => column.name);
  return { features, rows: await readRows(out, features) };
}

async function readRows(path: string, features: readonly string[]): Promise<readonly Row[]> {
  const instance = await DuckDBInstance.create();
  try {
    const connection = await instance.connect();
    const result = await connection.runAndReadAll(`SELECT ${features.join(', ')} FROM read_parquet('${path}')`);
    return result.getRows().map((row) => row.map(toNumber));
  } finally {
    instance.closeSync();
  }
}
