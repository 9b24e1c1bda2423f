/** A registry in memory, and records written by its schemas. Writing is avsc's alone, which nothing under src does. */
import avsc from 'avsc';
import { AVRO_SCHEMA_OPTIONS } from '../../src/event/avro-logical.ts';
import { misfitOf } from '../../src/event/avro-fit.ts';
import { compileAvroReader } from '../../src/event/avro-reader.ts';
import { compileAvroWriter } from '../../src/event/avro-writer.ts';
import type { Schemas } from '../../src/event/schemas.ts';

export interface MemoryRegistry extends Schemas {
  /** Answers the schema's id. */
  register(schema: unknown, subject?: string): number;
  /** Fails this many calls before it answers again. */
  fail(calls: number, error: Error): void;
  readonly asked: number[];
}

export function memoryRegistry(): MemoryRegistry {
  const schemas = new Map<number, unknown>();
  const subjects = new Map<string, number>();
  const asked: number[] = [];
  let failing: { calls: number; error: Error } | null = null;
  return {
    asked,
    register(schema, subject) {
      schemas.set(schemas.size + 1, schema);
      if (subject !== undefined) subjects.set(subject, schemas.size);
      return schemas.size;
    },
    fail(calls, error) {
      failing = { calls, error };
    },
    newestOf(subject) {
      if (failing !== null && failing.calls-- > 0) return Promise.reject(failing.error);
      const id = subjects.get(subject);
      const schema = id === undefined ? undefined : schemas.get(id);
      if (id === undefined || schema === undefined) return Promise.resolve(`subject ${subject} has no schema`);
      if (schema === 'json schema') return Promise.resolve({ id, write: null, misfitOf: () => null });
      const type = typeOf(schema);
      return Promise.resolve({ id, write: compileAvroWriter(type), misfitOf: (field) => misfitOf(type, field) });
    },
    schemaOf(id) {
      asked.push(id);
      if (failing !== null && failing.calls-- > 0) return Promise.reject(failing.error);
      const schema = schemas.get(id);
      if (schema === undefined) return Promise.resolve({ kind: 'unusable', message: `no schema ${id}` });
      return Promise.resolve({ kind: 'avro', read: readerOf(schema) });
    },
  };
}

export function readerOf(schema: unknown) {
  return compileAvroReader(typeOf(schema));
}

/** Parsing adds names to the options it is given. */
export function typeOf(schema: unknown): avsc.Type {
  return avsc.Type.forSchema(schema as avsc.Type, { ...AVRO_SCHEMA_OPTIONS });
}

/** 64-bit integers as bigints. */
const LONG = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer(value: bigint | number) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (one: bigint, other: bigint) => (one < other ? -1 : one > other ? 1 : 0),
});

/** As avsc writes it: unions are wrapped, bytes are buffers, logical types are what is below them. */
export function writeAvro(schema: unknown, value: unknown): Uint8Array {
  const type = avsc.Type.forSchema(schema as avsc.Type, {
    wrapUnions: 'always',
    typeHook: (each) => (each === 'long' || isLong(each) ? LONG : undefined),
  });
  return type.toBuffer(value);
}

function isLong(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && (schema as { type?: unknown }).type === 'long';
}

/** In the Confluent wire format, written out: a zero, four bytes of id, the data. */
export function framed(id: number, data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return new Uint8Array(Buffer.concat([head, data]));
}
