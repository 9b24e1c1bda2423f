/**
 * The types a value can have and how each is held in memory.
 *
 * | type        | in memory                      | JSON out                        |
 * | ----------- | ------------------------------ | ------------------------------- |
 * | `string`    | string                         | string                          |
 * | `bool`      | boolean                        | boolean                         |
 * | `int`       | number, a safe integer         | number                          |
 * | `int64`     | bigint in [−2^63, 2^63)        | string                          |
 * | `double`    | number, finite, never −0       | number                          |
 * | `timestamp` | number, integer ms             | string `.sssZ`                  |
 * | array       | frozen array                   | array                           |
 * | struct      | frozen object (own keys only)  | object                          |
 */

export type ScalarKind = 'string' | 'bool' | 'int' | 'int64' | 'double' | 'timestamp';

export interface ScalarType {
  readonly kind: ScalarKind;
}

/** `T[]` (length null) or `double[N]` (length N). */
export interface ArrayType {
  readonly kind: 'array';
  readonly element: ValueType;
  readonly elementNullable: boolean;
  readonly length: number | null;
}

export interface StructType {
  readonly kind: 'struct';
  /** In declared order. */
  readonly fields: readonly { readonly name: string; readonly type: ValueType; readonly nullable: boolean }[];
}

export type ValueType = ScalarType | ArrayType | StructType;

/** A type and whether null is one of its values. */
export interface FieldType {
  readonly type: ValueType;
  readonly nullable: boolean;
}

export type Value = null | string | boolean | number | bigint | readonly Value[] | StructValue;
export interface StructValue {
  readonly [field: string]: Value;
}

/** `double?`, `string[]`, `double[3]`, `{amount: double?, kind: string}[]`: how types read in the catalog and in errors. */
export function formatType(type: ValueType, nullable = false): string {
  const suffix = nullable ? '?' : '';
  if (type.kind === 'array') {
    return `${formatType(type.element, type.elementNullable)}[${type.length ?? ''}]${suffix}`;
  }
  if (type.kind === 'struct') {
    return `{${type.fields.map((field) => `${field.name}: ${formatType(field.type, field.nullable)}`).join(', ')}}${suffix}`;
  }
  return `${type.kind}${suffix}`;
}
