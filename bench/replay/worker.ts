/** One contestant of `bench:replay`, a process of its own: prints `Figures` as JSON, from the first read to the output's end. */
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { trainCommand } from '../../src/cli/train.ts';
import { createMeter } from '../ingest/meter.ts';
import { windowsSql } from './sql.ts';

const { values: flags } = parseArgs({
  options: {
    mode: { type: 'string', default: 'train' },
    events: { type: 'string', default: '' },
    labels: { type: 'string', default: '' },
    definitions: { type: 'string', default: '' },
    flights: { type: 'string', default: '0' },
    folder: { type: 'string', default: '' },
    out: { type: 'string', default: '' },
  },
});
const data = { ...flags, flights: Number(flags.flights) };

async function train(): Promise<void> {
  const args = ['--service', 'delays', '--definitions', data.definitions, '--labels', data.labels, '--out', data.out];
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
  await connection.run(windowsSql(data, data.out));
  instance.closeSync();
}

const meter = createMeter();
meter.begin();
await (data.mode === 'sql' ? sql() : train());
meter.end(data.flights);
console.log(JSON.stringify(meter.figures()));
