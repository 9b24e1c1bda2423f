/** The output: columns of the labels as they came, then features, then their statuses where they are asked for. */
import { fileLiteral, identifier, literal } from '../core/duckdb.ts';
import { SkewlessError } from '../core/errors.ts';
import { STATUSES } from '../core/status.ts';
import { type Duck, writeParquet } from './duck.ts';
import { type Labels, ROW, TIMESTAMP } from './labels.ts';
import type { ManifestColumn } from './manifest.ts';
import type { TrainPlan } from './train-plan.ts';
import { STATUS_SUFFIX, type Vectors } from './vectors.ts';

/** Names of columns are one whether written large or small, as DuckDB has it. Throws `labels_invalid`. */
export function checkNames(labelsPath: string, { columns }: Labels, { selection }: TrainPlan): void {
  const taken = new Set(selection.names.flatMap((name) => [name, `${name}${STATUS_SUFFIX}`]));
  const clashes = columns.map(({ name }) => name).filter((name) => taken.has(name.toLowerCase()));
  if (clashes.length === 0) return;
  const message =
    `${labelsPath}: ${clashes.map((name) => `column ${name}`).join(', ')} would have the name of a feature: ` +
    'rename it, or choose other features with --features';
  throw new SkewlessError('labels_invalid', message);
}

export interface OutputContext {
  readonly duck: Duck;
  readonly plan: TrainPlan;
  readonly labels: Labels;
  /** Of the staged labels. */
  readonly labelsPath: string;
  readonly vectors: Vectors;
  readonly statuses: boolean;
}

export async function writeOutput(context: OutputContext, path: string): Promise<void> {
  const { duck, plan, labels, labelsPath, vectors, statuses } = context;
  const { names } = plan.selection;
  const names_ = `[${STATUSES.map(literal).join(', ')}]`;
  const columns = [
    ...labels.columns.map(({ name }) => `labels.${identifier(name)}`),
    ...names.map((name) => `vectors.${identifier(name)}`),
    ...(statuses ? names : []).map((name) => {
      const column = identifier(`${name}${STATUS_SUFFIX}`);
      return `${names_}[vectors.${column} + 1] AS ${column}`;
    }),
  ];
  const row = identifier(ROW);
  const { id, fingerprint } = plan.service.definition;
  const all = `read_parquet(${fileLiteral(labelsPath)})`;
  // Both are in the order of rows, so that what is left of the labels need not be looked up.
  const labelled =
    vectors.rows === labels.rows
      ? all
      : `(SELECT * FROM ${all} SEMI JOIN ${vectors.table} USING (${row}) ORDER BY ${row})`;
  // One thread, so that the same rows make the same file, byte for byte.
  await duck.run('SET threads = 1');
  await writeParquet(
    duck,
    `SELECT ${columns.join(', ')} FROM ${vectors.table} AS vectors POSITIONAL JOIN ${labelled} AS labels`,
    path,
    { metadata: { skewless_service: id, skewless_fingerprint: fingerprint } },
  );
}

export async function columnsOfOutput(
  duck: Duck,
  path: string,
  { service, selection }: TrainPlan,
  labels: Labels,
): Promise<readonly ManifestColumn[]> {
  const requested = new Map(service.definition.requestColumns.map(({ name, kind }) => [name, kind]));
  const columns = await duck.columns(`SELECT * FROM read_parquet(${fileLiteral(path)})`);
  return columns.map(({ name, type }, index) => {
    if (index >= labels.columns.length) {
      return { name, type, role: selection.names.includes(name) ? 'feature' : 'status' };
    }
    return { name, type, role: name === TIMESTAMP ? 'timestamp' : (requested.get(name) ?? 'label') };
  });
}
