/**
 * Values of one type to and from bytes, for partial states that hold values. A type is compiled once. Equal values
 * give equal bytes; what is read is frozen; no length that was read is believed before it is checked.
 */
import { assert } from '../core/assert.ts';
import { type ByteReader, type ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import type { ArrayType, StructType, Value, ValueType } from '../core/value.ts';

export interface ValueCodec {
  /** `value` is of the codec's type and not null. */
  write(writer: ByteWriter, value: Value): void;
  read(reader: ByteReader): Value;
}

/** What `check` reckons for a string or an array without a declared length; none of ours is cut to it. */
const STRING_BYTES_ASSUMED = 64;
const ARRAY_LENGTH_ASSUMED = 16;

const INTEGER_SHORT_MAX = 2 ** 52 - 2;

/** Any safe integer in 1 to 9 bytes: zigzag plus one, or 0 and then a double. */
export function writeInteger(writer: ByteWriter, value: number): void {
  if (Math.abs(value) <= INTEGER_SHORT_MAX) {
    writer.varint((value < 0 ? -value * 2 - 1 : value * 2) + 1);
  } else {
    writer.varint(0);
    writer.f64(value);
  }
}

export function readInteger(reader: ByteReader): number {
  const head = reader.varint();
  if (head === 0) {
    const value = reader.f64();
    if (!Number.isSafeInteger(value)) throw new CorruptBytesError('not a safe integer');
    return value;
  }
  const zigzag = head - 1;
  return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
}

export function compileValueCodec(type: ValueType): ValueCodec {
  switch (type.kind) {
    case 'string':
      return { write: (writer, value) => writer.string(value as string), read: (reader) => reader.string() };
    case 'bool':
      return { write: (writer, value) => writer.u8(value === true ? 1 : 0), read: readFlag };
    case 'int':
    case 'timestamp':
      return { write: (writer, value) => writeInteger(writer, value as number), read: readInteger };
    case 'int64':
      return { write: (writer, value) => writer.i64(value as bigint), read: (reader) => reader.i64() };
    case 'double':
      return { write: (writer, value) => writer.f64(value as number), read: readFinite };
    case 'array':
      return compileArrayCodec(type);
    case 'struct':
      return compileStructCodec(type);
  }
}

/** One byte, 0 or 1. */
export function readFlag(reader: ByteReader): boolean {
  const byte = reader.u8();
  if (byte > 1) throw new CorruptBytesError('flag is neither 0 nor 1');
  return byte === 1;
}

function readFinite(reader: ByteReader): number {
  const value = reader.f64();
  if (!Number.isFinite(value) || Object.is(value, -0)) throw new CorruptBytesError('not a finite double');
  return value;
}

/** A codec that writes a flag first where null is one of the values. */
function nullableCodec(codec: ValueCodec, nullable: boolean): ValueCodec {
  if (!nullable) return codec;
  return {
    write(writer, value) {
      writer.u8(value === null ? 0 : 1);
      if (value !== null) codec.write(writer, value);
    },
    read: (reader) => (readFlag(reader) ? codec.read(reader) : null),
  };
}

function compileArrayCodec(type: ArrayType): ValueCodec {
  const element = nullableCodec(compileValueCodec(type.element), type.elementNullable);
  return {
    write(writer, value) {
      const items = value as readonly Value[];
      assert(type.length === null || items.length === type.length, 'an array of its declared length');
      writer.varint(items.length);
      for (const item of items) element.write(writer, item);
    },
    read(reader) {
      const length = reader.varint();
      // Every element takes a byte at least, so a length beyond what is left is never allocated.
      if (length > reader.remaining || (type.length !== null && length !== type.length)) {
        throw new CorruptBytesError('array: wrong length');
      }
      const items: Value[] = [];
      for (let index = 0; index < length; index++) items.push(element.read(reader));
      return Object.freeze(items);
    },
  };
}

function compileStructCodec(type: StructType): ValueCodec {
  const fields = type.fields.map((field) => ({
    name: field.name,
    codec: nullableCodec(compileValueCodec(field.type), field.nullable),
  }));
  return {
    write(writer, value) {
      const struct = value as Readonly<Record<string, Value>>;
      for (const { name, codec } of fields) codec.write(writer, struct[name] as Value);
    },
    read(reader) {
      const struct: Record<string, Value> = {};
      for (const { name, codec } of fields) struct[name] = codec.read(reader);
      return Object.freeze(struct);
    },
  };
}

/** Bytes of the largest value of a type; strings and open arrays as long as `check` reckons. */
export function valueBytesMax(type: ValueType): number {
  switch (type.kind) {
    case 'bool':
      return 1;
    case 'int64':
    case 'double':
      return 8;
    case 'int':
    case 'timestamp':
      return 9;
    case 'string':
      return 1 + STRING_BYTES_ASSUMED;
    case 'array':
      return 2 + (type.length ?? ARRAY_LENGTH_ASSUMED) * (1 + valueBytesMax(type.element));
    case 'struct':
      return type.fields.reduce((total, field) => total + 1 + valueBytesMax(field.type), 0);
  }
}
