/** DuckDB, in memory, evaluating many expressions over the rows at once; an error is told per expression and row. */
import {
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { DUCK_TYPES } from './generate.ts';
import type { Kind } from './piece.ts';
import type { Cell, Column } from './rows.ts';

/** What an error is compared as. */
export const ERROR: unique symbol = Symbol('error');
export type Outcome = Cell | typeof ERROR;

export interface DuckDb {
  /** Per expression, per row. Throws if DuckDB does not take an expression at all. */
  evaluate(expressions: readonly { readonly kind: Kind; readonly sql: string }[]): Promise<Outcome[][]>;
  close(): void;
}

/**
 * What the language does and DuckDB does not, in DuckDB's SQL. `int_` adds and takes away 2^63 − 2^53, which overflows
 * exactly beyond ±(2^53 − 1); `ln(0e0)` stands for an error.
 */
const SETUP: readonly string[] = [
  'SET ieee_floating_point_ops = false',
  // Rewriting would fold away the overflows that are meant to happen.
  'PRAGMA disable_optimizer',
  'SET threads = 1',
  'CREATE MACRO int_(x) AS x + 9214364837600034816 - 9214364837600034816 - 9214364837600034817 + 9214364837600034817',
  'CREATE MACRO finite_(x) AS list_transform([x], lambda v: CASE WHEN v IS NULL OR isfinite(v) THEN v ELSE ln(0e0) END)[1]',
  `CREATE MACRO int64_of_text_(x) AS list_transform([x], lambda v: CASE WHEN v IS NULL OR regexp_full_match(v, ' *[+-]?[0-9]+ *')
     THEN CAST(v AS BIGINT) ELSE CAST(ln(0e0) AS BIGINT) END)[1]`,
  `CREATE MACRO double_of_text_(x) AS list_transform([x], lambda v: CASE
     WHEN v IS NULL OR regexp_full_match(v, ' *[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)? *')
     THEN CAST(v AS DOUBLE) ELSE ln(0e0) END)[1]`,
  `CREATE MACRO timestamp_of_text_(x) AS list_transform([x], lambda v: CASE WHEN v IS NULL OR regexp_full_match(v,
     '[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})')
     THEN make_timestamp_ms(epoch_ms(CAST(upper(v) AS TIMESTAMPTZ))) ELSE CAST('not a timestamp' AS TIMESTAMP) END)[1]`,
  "CREATE MACRO text_of_timestamp_(x) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ')",
  `CREATE MACRO remainder_(x, y) AS list_transform([{'x': x, 'y': y}], lambda v: CASE WHEN v.y <> -1 THEN v.x % v.y
     WHEN v.x IS NOT NULL AND v.y IS NOT NULL THEN 0 END)[1]`,
  'CREATE MACRO hour_of_day(x) AS hour(x)',
  'CREATE MACRO day_of_week(x) AS isodow(x)',
  'CREATE MACRO hour_of_week(x) AS (isodow(x) - 1) * 24 + hour(x)',
  'CREATE MACRO day_of_month(x) AS day(x)',
  'CREATE MACRO timestamp_ms(x) AS make_timestamp_ms(x)',
  `CREATE MACRO haversine_km(a, b, c, d) AS 2e0 * 6371.0088e0 * asin(list_transform([power(sin(radians(c - a) / 2e0), 2e0)
     + cos(radians(a)) * cos(radians(c)) * power(sin(radians(d - b) / 2e0), 2e0)], lambda v: CASE WHEN v > 1 THEN 1e0 ELSE sqrt(v) END)[1])`,
];

export async function openDuckDb(columns: readonly Column[]): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const statement of SETUP) await connection.run(statement);
  await connection.run(
    `CREATE TABLE samples (${columns.map(({ name, kind }) => `${name} ${DUCK_TYPES[kind]}`).join(', ')})`,
  );
  const rowCount = columns[0]?.values.length ?? 0;
  const rows = Array.from(
    { length: rowCount },
    (_, row) => `(${columns.map((column) => cellSql(column, row)).join(', ')})`,
  );
  await connection.run(`INSERT INTO samples VALUES ${rows.join(', ')}`);
  return {
    evaluate: (expressions) => evaluate(connection, expressions),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function cellSql({ kind, values }: Column, row: number): string {
  const value = values[row] ?? null;
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (kind === 'timestamp') return `make_timestamp_ms(${String(value)})`;
  return kind === 'double' ? `CAST('${String(value)}' AS DOUBLE)` : String(value);
}

async function evaluate(
  connection: DuckDBConnection,
  expressions: readonly { readonly kind: Kind; readonly sql: string }[],
): Promise<Outcome[][]> {
  // TRY makes an error NULL; the list tells that NULL from a value that is NULL.
  const reader = await connection.runAndReadAll(
    `SELECT ${expressions.map(({ sql }) => `TRY([${sql}])`).join(', ')} FROM samples`,
  );
  return reader.getColumns().map((column, index) => {
    const { kind } = expressions[index] as { kind: Kind };
    return column.map((cell) => (cell instanceof DuckDBListValue ? outcomeOf(kind, cell.items[0] ?? null) : ERROR));
  });
}

function outcomeOf(kind: Kind, value: DuckDBValue): Outcome {
  if (value === null) return null;
  if (value instanceof DuckDBTimestampValue) return Number(value.micros / 1_000n);
  if (kind === 'int64') return BigInt(value as bigint | number);
  if (kind === 'int' || kind === 'double') return Number(value);
  return value as string | boolean;
}
