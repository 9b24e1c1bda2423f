/** Evaluations as they are, by row: what an audit compares, of many services at once (results.ts). */
import type { DuckDBBlobValue, DuckDBValue } from '@duckdb/node-api';
import { type Duck, parquetTable, writeParquet } from './duck.ts';
import type { ResultsFormat } from './results.ts';
import type { ReplayPlan, TrainAppearance } from './train-plan.ts';

const COLUMNS = [
  { name: 'row', type: 'DOUBLE' },
  { name: 'appearance', type: 'INTEGER' },
  { name: 'known', type: 'UTINYINT' },
  { name: 'evaluation', type: 'BLOB' },
] as const;
const NOTHING = new Uint8Array();

export function wholeEvaluations({ appearances }: ReplayPlan): ResultsFormat {
  const fileOf = (base: string): string => `${base}.parquet`;
  return {
    files: (base) => [fileOf(base)],
    async open(duck) {
      const table = await duck.table(COLUMNS);
      return {
        add(known, row, appearance, evaluation) {
          const { codec } = appearances.get(appearance) as TrainAppearance;
          table.push([row, appearance, known, duck.duckdb.blobValue(codec.encode(evaluation))]);
        },
        skip: (row, appearance, reason) => table.push([row, appearance, reason, duck.duckdb.blobValue(NOTHING)]),
        async write(base) {
          table.end();
          await writeParquet(duck, `SELECT * FROM ${table.name}`, fileOf(base));
          await table.drop();
        },
      };
    },
  };
}

export interface Evaluations {
  /** By number of the appearance. Rows must be asked for in order, and each row's knowledges. */
  of(row: number, known: number): Promise<ReadonlyMap<number, Uint8Array>>;
}

interface EvaluationFiles {
  readonly duck: Duck;
  readonly files: readonly string[];
  readonly signal: AbortSignal;
}

export function readEvaluations({ duck, files, signal }: EvaluationFiles): Evaluations {
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
