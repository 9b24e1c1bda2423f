/**
 * What is evaluated for rows, on its way from folding to where rows are put together: written by part, read by all. A training
 * set keeps a column for each feature that is read (here), an audit evaluations as they are (evaluations.ts).
 */
import type { DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import type { DuckDB } from '../core/duckdb.ts';
import { statusRank } from '../core/status.ts';
import type { FieldType, Value } from '../core/value.ts';
import type { ServiceDefinition } from '../definition/definition.ts';
import type { Evaluation } from '../state/state.ts';
import type { FeaturePlan, ViewFeaturePlan } from '../vector/feature-plan.ts';
import { isEventTime, shownStatus } from '../vector/fragment.ts';
import { type Column, type Duck, type RowTable, writeParquet } from './duck.ts';
import { compileToDuck, isPlain, sqlType } from './output-types.ts';
import type { TrainPlan } from './train-plan.ts';

export interface ResultsFormat {
  open(duck: Duck): Promise<Results>;
  /** What `write(base)` makes. */
  files(base: string): readonly string[];
}

export interface Results {
  /** `known`: what the evaluation is of. */
  add(known: number, row: number, appearance: number, evaluation: Evaluation, asOfMs: number): void;
  /** A row that is not evaluated; why. */
  skip(row: number, appearance: number, reason: number): void;
  /** Nothing can be added after it. */
  write(base: string): Promise<void>;
}

/** Of the value at a place among the service's features. */
export function valueColumn(place: number): string {
  return `value_${place}`;
}

/** Of the statuses of features, packed: four bits for each, in their order. */
export function statusesColumn(part: string): string {
  return `statuses_${part}`;
}

const BITS = 4;
const DIGITS = '0123456789ABCDEF';

/** The rank of the status of one of them, as SQL. */
export function rankSql(part: string, index: number): string {
  return `(strpos('${DIGITS}', hex(${statusesColumn(part)})[${index + 1}]) - 1)::UTINYINT`;
}

/** Of so many features. */
export function packStatuses(count: number, rankOf: (index: number) => number): Uint8Array {
  const packed = new Uint8Array((count + 1) >> 1);
  for (let index = 0; index < count; index++) {
    const at = index >> 1;
    packed[at] = (packed[at] as number) | (rankOf(index) << (index % 2 === 0 ? BITS : 0));
  }
  return packed;
}

export function unpackStatus(packed: Uint8Array, index: number): number {
  return ((packed[index >> 1] as number) >> (index % 2 === 0 ? BITS : 0)) & 0xf;
}

/** Features of one appearance that the selection reads. */
export function featuresOf({ service, selection }: TrainPlan, appearance: number): readonly ViewFeaturePlan[] {
  return selection.read.flatMap((place) => {
    const feature = service.features[place];
    return feature?.kind === 'view' && feature.appearance === appearance ? [feature] : [];
  });
}

export function resultsFile(base: string, appearance: number): string {
  return `${base}-${appearance}.parquet`;
}

/** A file for each appearance. */
export function resultColumns(plan: TrainPlan): ResultsFormat {
  const appearances = [...plan.appearances.keys()];
  return {
    files: (base) => appearances.map((appearance) => resultsFile(base, appearance)),
    async open(duck) {
      const tables = new Map<number, AppearanceTable>();
      for (const appearance of appearances) tables.set(appearance, await openTable(duck, plan, appearance));
      return {
        add(known, row, appearance, evaluation, asOfMs) {
          (tables.get(appearance) as AppearanceTable).add(known, row, evaluation, asOfMs);
        },
        skip: () => assert(false, 'a training set has a value for every label'),
        async write(base) {
          await Promise.all(
            [...tables].map(async ([appearance, { table }]) => {
              table.end();
              const query = `SELECT * FROM ${table.name}`;
              await writeParquet(duck, query, resultsFile(base, appearance), { compression: 'snappy' });
              await table.drop();
            }),
          );
        },
      };
    },
  };
}

interface AppearanceTable {
  readonly table: RowTable;
  add(known: number, row: number, evaluation: Evaluation, asOfMs: number): void;
}

type Converter = (value: Value) => DuckDBValue;

async function openTable(duck: Duck, plan: TrainPlan, appearance: number): Promise<AppearanceTable> {
  const features = featuresOf(plan, appearance);
  const converters = features.map((feature) => compileFeatureToDuck(duck.duckdb, plan, feature));
  const table = await duck.table([
    { name: 'row', type: 'DOUBLE' },
    { name: 'known', type: 'UTINYINT' },
    ...columnsOfFeatures(plan.service.definition, features, String(appearance)),
  ]);
  const count = features.length;
  /** Of one row after another: a table keeps nothing of the array. */
  const cells: DuckDBValue[] = Array.from({ length: 3 + count }, () => null);
  return {
    table,
    add(known, row, evaluation, asOfMs) {
      cells[0] = row;
      cells[1] = known;
      for (let index = 0; index < count; index++) {
        const feature = features[index] as ViewFeaturePlan;
        const value = evaluation.values[feature.feature] ?? null;
        const shown = isEventTime(feature, evaluation) ? asOfMs - (value as number) : value;
        cells[2 + index] = (converters[index] as Converter)(shown);
      }
      const ranks = packStatuses(count, (index) =>
        statusRank(shownStatus(evaluation, features[index] as ViewFeaturePlan, false)),
      );
      cells[2 + count] = duck.duckdb.blobValue(ranks);
      table.push(cells);
    },
  };
}

export function compileFeatureToDuck(
  duckdb: DuckDB,
  { service }: TrainPlan,
  { place, render }: FeaturePlan,
): (value: Value) => DuckDBValue {
  const { type } = service.definition.features[place] as FieldType;
  if (isPlain(type)) return asItIs;
  const toDuck = compileToDuck(duckdb, type);
  return (value) => toDuck(render(value));
}

function asItIs(value: Value): DuckDBValue {
  return value as DuckDBValue;
}

/** Of the values, and of the statuses. */
export function columnsOfFeatures(
  { features: all }: ServiceDefinition,
  features: readonly FeaturePlan[],
  part: string,
): readonly Column[] {
  return [
    ...features.map(({ place }) => ({ name: valueColumn(place), type: sqlType((all[place] as FieldType).type) })),
    { name: statusesColumn(part), type: 'BLOB' },
  ];
}
