/**
 * Types of features as Arrow has them, with how a value comes there from JSON.
 *
 * | type                    | Arrow                            |
 * | ----------------------- | -------------------------------- |
 * | `string` `bool` `double` | Utf8, Bool, Float64             |
 * | `int` `int64`           | Int64                            |
 * | `timestamp`             | Timestamp, ms, UTC               |
 * | `T[]` · `double[N]`     | List · FixedSizeList of N        |
 * | struct                  | Struct, fields as declared       |
 */
import type * as Arrow from 'apache-arrow';
import type { ArrayType, StructType, ValueType } from '../../../core/value.ts';

export interface ArrowType {
  readonly type: Arrow.DataType;
  /** From what JSON says to what the library takes. */
  readonly convert: (value: unknown) => unknown;
}

export interface ArrowTypes {
  of(type: ValueType): ArrowType;
  readonly text: Arrow.DataType;
  /** A column of RFC 3339 times. */
  times(values: readonly (string | null)[]): { readonly type: Arrow.DataType; readonly values: readonly unknown[] };
}

export function arrowTypes(arrow: typeof Arrow): ArrowTypes {
  const timestamp: ArrowType = {
    type: new arrow.Timestamp(arrow.TimeUnit.MILLISECOND, 'UTC'),
    convert: orNull((value) => Date.parse(value as string)),
  };
  const unchanged = (type: Arrow.DataType): ArrowType => ({ type, convert: (value) => value });

  function of(type: ValueType): ArrowType {
    switch (type.kind) {
      case 'string':
        return unchanged(new arrow.Utf8());
      case 'bool':
        return unchanged(new arrow.Bool());
      case 'double':
        return unchanged(new arrow.Float64());
      case 'int':
      case 'int64':
        return { type: new arrow.Int64(), convert: orNull((value) => BigInt(value as string | number)) };
      case 'timestamp':
        return timestamp;
      case 'array':
        return ofArray(type);
      case 'struct':
        return ofStruct(type);
    }
  }

  function ofArray({ element, elementNullable, length }: ArrayType): ArrowType {
    const { type, convert } = of(element);
    const field = new arrow.Field('item', type, elementNullable);
    return {
      type: length === null ? new arrow.List(field) : new arrow.FixedSizeList(length, field),
      convert: orNull((value) => (value as readonly unknown[]).map(convert)),
    };
  }

  function ofStruct({ fields }: StructType): ArrowType {
    const members = fields.map(({ name, type, nullable }) => ({ name, nullable, ...of(type) }));
    return {
      type: new arrow.Struct(members.map(({ name, type, nullable }) => new arrow.Field(name, type, nullable))),
      convert: orNull((value) =>
        Object.fromEntries(
          members.map(({ name, convert }) => [name, convert((value as Readonly<Record<string, unknown>>)[name])]),
        ),
      ),
    };
  }

  return {
    of,
    text: new arrow.Utf8(),
    times: (values) => ({ type: timestamp.type, values: values.map(timestamp.convert) }),
  };
}

function orNull(convert: (value: unknown) => unknown): (value: unknown) => unknown {
  return (value) => (value === null || value === undefined ? null : convert(value));
}
