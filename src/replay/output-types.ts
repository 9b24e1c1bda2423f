/** Features as columns of Parquet. */
import type { DuckDBValue } from '@duckdb/node-api';
import { type DuckDB, identifier } from '../core/duckdb.ts';
import type { FieldType, Value, ValueType } from '../core/value.ts';
import type { FeaturePlan } from '../vector/feature-plan.ts';
import type { Json } from '../vector/render.ts';
import type { TrainPlan } from './train-plan.ts';

/** int and int64 are 64 bits, a timestamp is one in UTC, an array (also one of a declared length) a list. */
export function sqlType(type: ValueType): string {
  switch (type.kind) {
    case 'string':
      return 'VARCHAR';
    case 'bool':
      return 'BOOLEAN';
    case 'int':
    case 'int64':
      return 'BIGINT';
    case 'double':
      return 'DOUBLE';
    case 'timestamp':
      return 'TIMESTAMPTZ';
    case 'array':
      return `${sqlType(type.element)}[]`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${identifier(field.name)} ${sqlType(field.type)}`).join(', ')})`;
  }
}

/** Whether values of the type are cells of a column as they are (core/duckdb-vectors.ts). */
function isPlain({ kind }: ValueType): boolean {
  return kind === 'string' || kind === 'bool' || kind === 'int' || kind === 'double';
}

/** From a value as a vector renders it, which loses nothing: the bits are those that serving answers. */
export function compileToDuck(duckdb: DuckDB, type: ValueType): (value: Json) => DuckDBValue {
  const convert = converterOf(duckdb, type);
  return (value) => (value === null ? null : convert(value));
}

function converterOf(duckdb: DuckDB, type: ValueType): (value: Json) => DuckDBValue {
  switch (type.kind) {
    case 'string':
    case 'bool':
    case 'double':
      return (value) => value as string | boolean | number;
    case 'int':
      return (value) => BigInt(value as number);
    case 'int64':
      return (value) => BigInt(value as string);
    case 'timestamp':
      return (value) => new duckdb.DuckDBTimestampTZValue(BigInt(Date.parse(value as string)) * 1_000n);
    case 'array': {
      const element = compileToDuck(duckdb, type.element);
      return (value) => duckdb.listValue((value as readonly Json[]).map(element));
    }
    case 'struct': {
      const members = type.fields.map(({ name, type: member }) => [name, compileToDuck(duckdb, member)] as const);
      return (value) => {
        const struct = value as { readonly [name: string]: Json };
        return duckdb.structValue(Object.fromEntries(members.map(([name, to]) => [name, to(struct[name] ?? null)])));
      };
    }
  }
}

/** From a value of the feature. */
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
