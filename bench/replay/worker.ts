/** One contestant of `bench:replay`, a process of its own: prints `Figures` as JSON, from the first read to the output's end. */
import { DuckDBInstance } from '@duckdb/node-api';
import { trainCommand } from '../../src/cli/train.ts';
import { createMeter } from '../ingest/meter.ts';
import type { Mode } from './run.ts';
import { windowsSql } from './sql.ts';
import type { Data } from './workload.ts';

const [mode, given, out] = process.argv.slice(2) as [Mode, string, string];
const data = JSON.parse(given) as Data;

async function train(): Promise<void> {
  const args = ['--service', 'delays', '--definitions', data.definitions, '--labels', data.labels, '--out', out];
  const exit = Promise.withResolvers<number>();
  // What it says goes to standard error: standard output is for figures.
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  await trainCommand(exit.resolve).parseAsync([...args, '--events', `flights=${data.events}`], { from: 'user' });
  process.stdout.write = write;
  const code = await exit.promise;
  if (code !== 0) throw new Error(`skewless train ends with ${code}`);
}

async function sql(): Promise<void> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(windowsSql(data, out));
  instance.closeSync();
}

const meter = createMeter();
meter.begin();
await (mode === 'sql' ? sql() : train());
meter.end(data.flights);
console.log(JSON.stringify(meter.figures()));
