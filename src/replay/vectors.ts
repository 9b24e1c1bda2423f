/** Vectors of the rows, in their order: what was evaluated for them side by side, and the features that are derived from it. */
import type { DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import { STATUSES, type Status } from '../core/status.ts';
import type { FieldType } from '../core/value.ts';
import type { Workspace } from '../vector/derived.ts';
import type { FeaturePlan } from '../vector/feature-plan.ts';
import { fillRequest } from '../vector/row-text.ts';
import { type Differences, type Side, createDifferences } from './differences.ts';
import type { Column, Duck, RowTable } from './duck.ts';
import { type LabelRow, isProblem, readLabelRows } from './label-rows.ts';
import { type Labels, ROW } from './labels.ts';
import { compileFeatureToDuck, sqlType } from './output-types.ts';
import { BLOCK_ROWS, type ResultBlock, type ResultsReader, readResults } from './results.ts';
import type { TrainPlan } from './train-plan.ts';
import { type RowReader, compileRowReader } from './vector-cells.ts';

/** A status column is named after its feature; no feature's name has two underscores in a row. */
export const STATUS_SUFFIX = '__status';

export interface VectorsContext {
  readonly duck: Duck;
  readonly plan: TrainPlan;
  readonly labels: Labels;
  readonly labelsPath: string;
  /** Files of results. */
  readonly files: readonly string[];
  readonly sample: number;
  readonly statuses: boolean;
  /** As of requests; the last one is what the training set holds. */
  readonly knowledges: readonly number[];
  readonly onRow: (row: number) => void;
}

export type StatusCounts = Readonly<Record<string, Partial<Record<Status, number>>>>;

export interface Vectors {
  /** Rows in order: their number, features by name and, where they are asked for, ranks of their statuses. */
  readonly table: string;
  readonly rows: number;
  /** By feature: how many rows have each status. */
  readonly statuses: StatusCounts;
  /** Null where one knowledge alone was evaluated. */
  readonly differences: Differences | null;
}

/** `statuses`: whether there are columns of them. */
export function vectorColumns({ service, selection }: TrainPlan, statuses: boolean): readonly Column[] {
  const { names, served } = selection;
  const { features } = service.definition;
  return [
    { name: ROW, type: 'DOUBLE' },
    ...names.map((name, index) => ({ name, type: sqlType((features[served[index] as number] as FieldType).type) })),
    ...(statuses ? names : []).map((name) => ({ name: `${name}${STATUS_SUFFIX}`, type: 'UTINYINT' })),
  ];
}

export async function assembleVectors(context: VectorsContext): Promise<Vectors> {
  const { duck, plan, files, knowledges, statuses } = context;
  const readers = knowledges.map((known) => compileRowReader(plan, known));
  const table = await duck.table(vectorColumns(plan, statuses));
  const counts = createStatusCounts(plan);
  const differences = knowledges.length > 1 ? createDifferences(plan.selection.names) : null;
  const push = compilePush(context, table);
  const sideOf = compileSide(plan);
  const [truth, known] = [readers[0] as RowReader, readers.at(-1) as RowReader];
  const results = await readResults(files, Math.max(0, ...plan.appearances.keys()) + 1);
  try {
    await eachRow(context, results, readers, (block, row) => {
      for (const reader of readers) reader.read(block, row);
      push(row, known.work);
      counts.add(known.work);
      differences?.add(sideOf(truth.work), sideOf(known.work));
    });
  } finally {
    await results.close();
  }
  table.end();
  return { table: table.name, rows: table.rows, statuses: counts.report(), differences };
}

/** Rows of the sample, in order. What derived features read of a row's request is in the workspaces. */
async function eachRow(
  context: VectorsContext,
  results: ResultsReader,
  readers: readonly RowReader[],
  take: (block: ResultBlock, row: number) => void,
): Promise<void> {
  const { duck, plan, labels, labelsPath, sample, onRow } = context;
  const { service, selection } = plan;
  if (selection.computed.length === 0) {
    for (let first = 0; first < labels.rows; first += BLOCK_ROWS) {
      const block = await results.blockOf(first);
      onRow(first);
      for (let row = first; row < first + BLOCK_ROWS; row++) if (block.has(row)) take(block, row);
    }
    return;
  }
  for await (const some of readLabelRows(duck, labelsPath, labels, service, sample)) {
    for (const label of some) {
      assert(!isProblem(label), 'labels were checked before anything was evaluated');
      const { row, request, asOfMs }: LabelRow = label;
      const block = await results.blockOf(row);
      for (const { work } of readers) fillRequest(work, request, service.asOfSlot, asOfMs);
      take(block, row);
    }
    onRow(some.at(-1)?.row ?? 0);
  }
}

function servedOf({ service, selection }: TrainPlan): readonly FeaturePlan[] {
  return selection.served.map((place) => service.features[place] as FeaturePlan);
}

function compilePush(
  { duck, plan, statuses }: VectorsContext,
  table: RowTable,
): (row: number, work: Workspace) => void {
  const features = servedOf(plan);
  const converters = features.map((feature) => compileFeatureToDuck(duck.duckdb, plan, feature));
  /** Of one row after another: a table keeps nothing of the array. */
  const cells: DuckDBValue[] = [];
  return (row, { row: values, ranks }) => {
    cells[0] = row;
    for (let index = 0; index < features.length; index++) {
      const { slot, place } = features[index] as FeaturePlan;
      const convert = converters[index] as (typeof converters)[number];
      cells[1 + index] = convert(values[slot] ?? null);
      if (statuses) cells[1 + features.length + index] = ranks[place] as number;
    }
    table.push(cells);
  };
}

function compileSide(plan: TrainPlan): (work: Workspace) => Side {
  const features = servedOf(plan);
  return ({ row, ranks }) => ({
    values: features.map(({ slot, render }) => render(row[slot] ?? null)),
    statuses: features.map(({ place }) => STATUSES[ranks[place] as number] as Status),
  });
}

interface Counts {
  add(work: Workspace): void;
  report(): StatusCounts;
}

function createStatusCounts({ selection: { served, names } }: TrainPlan): Counts {
  const counts = served.map(() => STATUSES.map(() => 0));
  return {
    add({ ranks }) {
      for (let index = 0; index < served.length; index++) {
        const ofFeature = counts[index] as number[];
        const rank = ranks[served[index] as number] as number;
        ofFeature[rank] = (ofFeature[rank] as number) + 1;
      }
    },
    report: () => Object.fromEntries(names.map((name, index) => [name, byStatus(counts[index] ?? [])])),
  };
}

function byStatus(counts: readonly number[]): Partial<Record<Status, number>> {
  return Object.fromEntries(STATUSES.map((status, rank) => [status, counts[rank]]).filter(([, count]) => count !== 0));
}
