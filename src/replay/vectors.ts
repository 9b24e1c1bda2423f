/**
 * Vectors of the rows: results of all appearances side by side, which DuckDB joins, and the features that are derived from
 * them, computed here. What a vector holds of a view is what its result holds: nothing has to be made of it.
 */
import type { DuckDBBlobValue, DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import { identifier } from '../core/duckdb.ts';
import { STATUSES, type Status } from '../core/status.ts';
import type { FieldType, ValueType } from '../core/value.ts';
import { expressionRow } from '../vector/assemble.ts';
import { type Workspace, computeDerived } from '../vector/derived.ts';
import type { FeaturePlan } from '../vector/feature-plan.ts';
import type { Json } from '../vector/render.ts';
import { type Differences, type Side, createDifferences } from './differences.ts';
import { type Duck, type RowTable, parquetTable } from './duck.ts';
import { type LabelRow, isProblem, readLabelRows } from './label-rows.ts';
import { type Labels, ROW } from './labels.ts';
import { compileFromDuck } from './output-types.ts';
import {
  columnsOfFeatures,
  compileFeatureToDuck,
  featuresOf,
  packStatuses,
  rankSql,
  resultsFile,
  statusesColumn,
  unpackStatus,
  valueColumn,
} from './results.ts';
import type { TrainPlan } from './train-plan.ts';

/** A status column is named after its feature; no feature's name has two underscores in a row. */
export const STATUS_SUFFIX = '__status';

export interface VectorsContext {
  readonly duck: Duck;
  readonly plan: TrainPlan;
  readonly labels: Labels;
  readonly labelsPath: string;
  /** Of files of results. */
  readonly bases: readonly string[];
  readonly sample: number;
  /** As of requests; the last one is what the training set holds. */
  readonly knowledges: readonly number[];
  readonly signal: AbortSignal;
  readonly onRow: (row: number) => void;
}

export type StatusCounts = Readonly<Record<string, Partial<Record<Status, number>>>>;

export interface Vectors {
  /** Rows with their number, the values of the features by name, and the ranks of their statuses, in no order. */
  readonly query: string;
  readonly rows: number;
  /** By feature: how many rows have each status. */
  readonly statuses: StatusCounts;
  /** Null where one knowledge alone was evaluated. */
  readonly differences: Differences | null;
}

/** A table of rows, of one knowledge, with the columns of some features (results.ts). */
interface Part {
  readonly name: string;
  /** As SQL. */
  readonly table: string;
  readonly features: readonly FeaturePlan[];
}

const DERIVED = 'derived';

export async function assembleVectors(context: VectorsContext): Promise<Vectors> {
  const { plan, knowledges } = context;
  const sides: (readonly Part[])[] = [];
  for (const known of knowledges) sides.push(await partsOf(context, known));
  const [first, last] = [sides[0] as readonly Part[], sides.at(-1) as readonly Part[]];
  const { served, names } = plan.selection;
  const columns = served.flatMap((place, index) => {
    const name = names[index] as string;
    return [
      `${valueColumn(place)} AS ${identifier(name)}`,
      `${rankOf(last, place)} AS ${identifier(`${name}${STATUS_SUFFIX}`)}`,
    ];
  });
  return {
    query: `SELECT "row" AS ${identifier(ROW)}, ${columns.join(', ')} FROM ${joined(last)}`,
    ...(await countStatuses(context, last)),
    differences: knowledges.length > 1 ? await compare(context, first, last) : null,
  };
}

function joined(parts: readonly Part[]): string {
  const [first, ...others] = parts.map(({ table }) => table);
  return [first, ...others.map((table) => `JOIN ${table} USING ("row")`)].join(' ');
}

/** The rank of the status of the feature at a place, as SQL. */
function rankOf(parts: readonly Part[], place: number): string {
  const part = parts.find(({ features }) => features.some((feature) => feature.place === place));
  assert(part !== undefined, 'what is read is in one of the parts');
  return rankSql(
    part.name,
    part.features.findIndex((feature) => feature.place === place),
  );
}

async function partsOf(context: VectorsContext, known: number): Promise<readonly Part[]> {
  const { plan, bases } = context;
  const views = [...plan.appearances.keys()].map((appearance): Part => {
    const files = bases.map((base) => resultsFile(base, appearance));
    const table = `(SELECT * EXCLUDE (known) FROM ${parquetTable(files)} WHERE known = ${known})`;
    return {
      name: String(appearance),
      table: `${table} AS view_${appearance}`,
      features: featuresOf(plan, appearance),
    };
  });
  const { computed } = plan.selection;
  if (computed.length === 0) return views;
  const { name: table } = await deriveFeatures(context, views);
  return [...views, { name: DERIVED, table, features: computed }];
}

/** The features that are derived from others, as serving computes them. */
async function deriveFeatures(context: VectorsContext, views: readonly Part[]): Promise<RowTable> {
  const { duck, plan, onRow } = context;
  const { computed } = plan.selection;
  const { definition } = plan.service;
  const inputs = views.flatMap(({ features }) => features);
  const fromDuck = inputs.map((feature) => compileFromDuck(typeOf(plan, feature)));
  const toDuck = computed.map((feature) => compileFeatureToDuck(duck.duckdb, plan, feature));
  const columns = columnsOfFeatures(definition, computed, DERIVED);
  const table = await duck.table([{ name: 'row', type: 'DOUBLE' }, ...columns]);
  const rows = readInOrder(context, views, inputs);

  async function derive(label: LabelRow): Promise<void> {
    const row = expressionRow(plan.service, label.request, label.asOfMs);
    const work: Workspace = { row, ranks: [], eventTimesMs: [] };
    const [number, ...cells] = inputs.length === 0 ? [label.row] : ((await rows.next()).value ?? []);
    assert(number === label.row, 'every view was evaluated for every row');
    for (const [index, { place, slot }] of inputs.entries()) {
      row[slot] = fromDuck[index]?.(cells[index] ?? null) ?? null;
      work.ranks[place] = cells[inputs.length + index] as number;
    }
    for (const feature of computed) computeDerived(feature, work);
    const ranks = packStatuses(
      computed.length,
      (index) => work.ranks[(computed[index] as FeaturePlan).place] as number,
    );
    const values = computed.map(({ slot }, index) => toDuck[index]?.(row[slot] ?? null) ?? null);
    table.push([label.row, ...values, duck.duckdb.blobValue(ranks)]);
  }

  for await (const labels of readLabelRows(duck, context.labelsPath, context.labels, plan.service, context.sample)) {
    for (const label of labels) {
      assert(!isProblem(label), 'labels were checked before anything was evaluated');
      onRow(label.row);
      await derive(label);
    }
  }
  table.end();
  return table;
}

function typeOf({ service }: TrainPlan, { place }: FeaturePlan): ValueType {
  return (service.definition.features[place] as FieldType).type;
}

/** Number, values and ranks of statuses of each row, in order. */
async function* readInOrder(
  { duck, signal }: Pick<VectorsContext, 'duck' | 'signal'>,
  parts: readonly Part[],
  features: readonly FeaturePlan[],
): AsyncGenerator<readonly DuckDBValue[], undefined> {
  const columns = [
    '"row"',
    ...features.map(({ place }) => valueColumn(place)),
    ...features.map(({ place }) => rankOf(parts, place)),
  ];
  for await (const rows of duck.stream(`SELECT ${columns.join(', ')} FROM ${joined(parts)} ORDER BY "row"`)) {
    signal.throwIfAborted();
    yield* rows;
  }
}

/** Of what is served: each part by itself, for every row is in each. */
async function countStatuses(
  { duck, plan }: VectorsContext,
  parts: readonly Part[],
): Promise<Pick<Vectors, 'rows' | 'statuses'>> {
  const { served, names } = plan.selection;
  const counts = new Map(served.map((place) => [place, STATUSES.map(() => 0)]));
  let rows = 0;
  for (const { name, table, features } of parts) {
    rows = 0;
    // Of few kinds: windows that are empty are so together.
    const query = `SELECT ${statusesColumn(name)}, count(*)::DOUBLE FROM ${table} GROUP BY ALL`;
    for await (const kinds of duck.stream(query)) {
      for (const [packed, count] of kinds) {
        rows += count as number;
        for (const [index, { place }] of features.entries()) {
          const ofFeature = counts.get(place);
          const rank = unpackStatus((packed as DuckDBBlobValue).bytes, index);
          if (ofFeature !== undefined) ofFeature[rank] = (ofFeature[rank] as number) + (count as number);
        }
      }
    }
  }
  const told = served.map((place, index) => [names[index] as string, byStatus(counts.get(place) ?? [])]);
  return { rows, statuses: Object.fromEntries(told) as StatusCounts };
}

function byStatus(counts: readonly number[]): Partial<Record<Status, number>> {
  return Object.fromEntries(STATUSES.map((status, rank) => [status, counts[rank]]).filter(([, count]) => count !== 0));
}

/** What was true against what was known, row by row in their order: sums of differences depend on it. */
async function compare(context: VectorsContext, truth: readonly Part[], known: readonly Part[]): Promise<Differences> {
  const { plan } = context;
  const features = plan.selection.served.map((place) => plan.service.features[place] as FeaturePlan);
  const toJson = features.map((feature) => {
    const fromDuck = compileFromDuck(typeOf(plan, feature));
    return (cell: DuckDBValue): Json => feature.render(fromDuck(cell));
  });
  const sideOf = (cells: readonly DuckDBValue[]): Side => ({
    values: toJson.map((convert, index) => convert(cells[1 + index] ?? null)),
    statuses: features.map((_feature, index) => STATUSES[cells[1 + features.length + index] as number] as Status),
  });
  const differences = createDifferences(plan.selection.names);
  const others = readInOrder(context, known, features);
  for await (const cells of readInOrder(context, truth, features)) {
    const { value: other } = await others.next();
    assert(other !== undefined && other[0] === cells[0], 'both were evaluated for every row');
    differences.add(sideOf(cells), sideOf(other));
  }
  return differences;
}
