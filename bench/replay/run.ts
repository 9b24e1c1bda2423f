/** Contestants as processes of their own, and what they wrote compared. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Figures } from '../ingest/meter.ts';
import { type Data, featuresOf } from './workload.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');

export type Mode = 'train' | 'sql';

export function outOf({ folder }: Data, mode: Mode): string {
  return join(folder, `${mode}.parquet`);
}

export async function contest(data: Data, mode: Mode): Promise<Figures> {
  return measured(process.execPath, [WORKER, mode, JSON.stringify(data), outOf(data, mode)], data.folder);
}

/** Its figures are all that it prints. */
export async function measured<T extends Figures>(program: string, args: readonly string[], cwd: string): Promise<T> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (errors = (errors + bytes.toString()).slice(-4_096)));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${errors}`);
  return JSON.parse(output) as T;
}

/** Every value of every row. */
export async function verify(data: Data): Promise<void> {
  const features = featuresOf(data.workload);
  const differing = features.map((name) => `count(*) FILTER (ours.${name} IS DISTINCT FROM theirs.${name})`);
  const [rows, ...counts] = await query(
    `SELECT count(*), ${differing.join(', ')} FROM read_parquet('${outOf(data, 'train')}') AS ours
      FULL JOIN read_parquet('${outOf(data, 'sql')}') AS theirs USING (n)`,
  );
  const wrong = features.filter((_name, index) => counts[index] !== 0);
  if (rows !== data.flights || wrong.length > 0) {
    throw new Error(`train and SQL differ in ${wrong.join(', ') || `rows: ${rows} of ${data.flights}`}`);
  }
}

/** The first row, as numbers. */
export async function query(sql: string): Promise<readonly number[]> {
  const instance = await DuckDBInstance.create();
  try {
    const connection = await instance.connect();
    return ((await connection.runAndReadAll(sql)).getRows()[0] ?? []).map(Number);
  } finally {
    instance.closeSync();
  }
}
