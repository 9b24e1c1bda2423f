/** Feast's point-in-time join of features that are computed already: those of `skewless train`, each view in a file of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from '../ingest/meter.ts';
import { measured, outOf, query } from './run.ts';
import { type Data, featuresOf, viewsOf } from './workload.ts';

const HISTORICAL = join(import.meta.dirname, 'historical.py');
/** Its join holds every pair of a label and a row of the same entity: all labels it had not joined after two minutes. */
export const FEAST_LABELS = 20_000;

export interface FeastFigures extends Figures {
  /** Values that are not null, and the sum of the sums. */
  readonly present: number;
  readonly total: number;
}

/** `bin`: of its virtual environment. After `train` has run. */
export async function contestFeast(data: Data, bin: string): Promise<FeastFigures> {
  const [views, features] = [viewsOf(data.workload), featuresOf(data.workload)];
  const sums = features.filter((name) => name.includes('_sum_'));
  const folder = join(data.folder, 'feast');
  mkdirSync(folder, { recursive: true });
  const ours = `read_parquet('${outOf(data, 'train')}')`;
  const write = (columns: string, where: string, path: string): Promise<unknown> =>
    query(`COPY (SELECT ${columns}, timestamp::TIMESTAMPTZ AS event_timestamp FROM ${ours} WHERE ${where})
      TO '${path}' (FORMAT parquet)`);
  const given = [];
  for (const view of views) {
    const names = features.filter((name) => name.startsWith(`${view}_`));
    const path = join(folder, `${view}.parquet`);
    await write([view, ...names].join(', '), 'true', path);
    given.push({
      name: view,
      path,
      features: names.map((name) => [name, name.includes('_count_') ? 'int' : 'double']),
    });
  }
  const labels = join(folder, 'labels.parquet');
  await write(['n', ...views].join(', '), `n < ${FEAST_LABELS}`, labels);
  writeFileSync(join(folder, 'given.json'), JSON.stringify({ views: given, labels }));
  const figures = await measured<FeastFigures>(join(bin, 'python'), [HISTORICAL, 'given.json'], folder);
  const [rows, present, total] = await query(
    `SELECT count(*), ${features.map((name) => `count(${name})`).join(' + ')},
      ${sums.map((name) => `sum(${name})`).join(' + ')} FROM ${ours} WHERE n < ${FEAST_LABELS}`,
  );
  if (figures.events !== rows || figures.present !== present || figures.total !== total) {
    throw new Error(`Feast found ${figures.present} values of ${figures.events} rows, not ${present} of ${rows}`);
  }
  return figures;
}
