/** Evaluations of a row's appearances and the row itself, put together into its vector, and vectors into a table. */
import type { DuckDBBlobValue, DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import { type Status, statusRank } from '../core/status.ts';
import { type AppearanceOutcome, assemble } from '../vector/assemble.ts';
import { type Differences, type Side, createDifferences } from './differences.ts';
import { type Duck, type RowTable, parquetTable } from './duck.ts';
import { type LabelRow, isProblem, readLabelRows } from './label-rows.ts';
import { type Labels, ROW } from './labels.ts';
import { compileToDuck, sqlType } from './output-types.ts';
import type { TrainPlan } from './train-plan.ts';

/** A status column is named after its feature; no feature's name has two underscores in a row. */
export const STATUS_SUFFIX = '__status';

export interface VectorsContext {
  readonly duck: Duck;
  readonly plan: TrainPlan;
  readonly labels: Labels;
  readonly labelsPath: string;
  /** Of evaluations. */
  readonly files: readonly string[];
  readonly sample: number;
  readonly statuses: boolean;
  /** As of requests; the last one is what the training set holds. */
  readonly knowledges: readonly number[];
  readonly signal: AbortSignal;
  readonly onRow: (row: number) => void;
}

export interface Vectors {
  readonly table: RowTable;
  readonly rows: number;
  /** By feature: how many rows have each status. */
  readonly statuses: Readonly<Record<string, Partial<Record<Status, number>>>>;
  /** Null where one knowledge alone was evaluated. */
  readonly differences: Differences | null;
}

export async function assembleVectors(context: VectorsContext): Promise<Vectors> {
  const { duck, plan, knowledges } = context;
  const { selection } = plan;
  const table = await duck.table(columnsOf(context));
  const converters = selection.served.map((place) => compileToDuck(duck.duckdb, featureOf(plan, place).type));
  const counts = selection.names.map((): Partial<Record<Status, number>> => ({}));
  const differences = knowledges.length > 1 ? createDifferences(selection.names) : null;
  const evaluations = readEvaluations(context);
  let rows = 0;
  for await (const label of readLabelRows(duck, context.labelsPath, context.labels, plan.service, context.sample)) {
    assert(!isProblem(label), 'labels were checked before anything was evaluated');
    context.onRow(label.row);
    const sides: Side[] = [];
    for (const known of knowledges) sides.push(assembleOne(plan, label, await evaluations.of(label.row, known)));
    const [first, last] = [sides[0] as Side, sides.at(-1) as Side];
    differences?.add(first, last);
    const values = last.values.map((value, index) => (converters[index] as (typeof converters)[number])(value));
    const statuses = context.statuses ? last.statuses.map(statusRank) : [];
    table.push([label.row, ...values, ...statuses]);
    for (const [index, status] of last.statuses.entries()) {
      const count = counts[index] as Partial<Record<Status, number>>;
      count[status] = (count[status] ?? 0) + 1;
    }
    rows += 1;
  }
  table.end();
  const statuses = Object.fromEntries(selection.names.map((name, index) => [name, counts[index] ?? {}]));
  return { table, rows, statuses, differences };
}

export function featureOf({ service }: TrainPlan, place: number) {
  const feature = service.definition.features[place];
  assert(feature !== undefined, 'a selected feature exists');
  return feature;
}

export function columnsOf({ plan, statuses }: Pick<VectorsContext, 'plan' | 'statuses'>) {
  const { served, names } = plan.selection;
  const values = served.map((place, index) => ({
    name: names[index] as string,
    type: sqlType(featureOf(plan, place).type),
  }));
  const ranks = statuses ? names.map((name) => ({ name: `${name}${STATUS_SUFFIX}`, type: 'UTINYINT' })) : [];
  return [{ name: ROW, type: 'DOUBLE' }, ...values, ...ranks];
}

function assembleOne(plan: TrainPlan, { request, asOfMs }: LabelRow, found: ReadonlyMap<number, Uint8Array>): Side {
  const outcomes: (AppearanceOutcome | undefined)[] = [];
  for (const { index, codec } of plan.appearances.values()) {
    const bytes = found.get(index);
    assert(bytes !== undefined, 'every appearance of every row was evaluated');
    outcomes[index] = { kind: 'evaluated', evaluation: codec.decode(bytes), stale: false };
  }
  return assemble(plan.service, plan.selection, request, asOfMs, outcomes);
}

export interface Evaluations {
  /** By number of the appearance. Rows must be asked for in order, and each row's knowledges. */
  of(row: number, known: number): Promise<ReadonlyMap<number, Uint8Array>>;
}

export function readEvaluations({
  duck,
  files,
  signal,
}: Pick<VectorsContext, 'duck' | 'files' | 'signal'>): Evaluations {
  const query = `SELECT "row", known, appearance, evaluation FROM ${parquetTable(files)} ORDER BY "row", known, appearance`;
  const stream = duck.stream(query);
  let rows: readonly (readonly DuckDBValue[])[] = [];
  let at = 0;

  async function peek(): Promise<readonly DuckDBValue[] | null> {
    while (at === rows.length) {
      signal.throwIfAborted();
      const next = await stream.next();
      if (next.done === true) return null;
      rows = next.value;
      at = 0;
    }
    return rows[at] ?? null;
  }

  return {
    async of(row, known) {
      const found = new Map<number, Uint8Array>();
      for (let next = await peek(); next !== null && next[0] === row && next[1] === known; next = await peek()) {
        found.set(next[2] as number, (next[3] as DuckDBBlobValue).bytes);
        at += 1;
      }
      return found;
    },
  };
}
