/**
 * The `Schemas` port: by which schema a record was written, as the Confluent wire format says it: a zero, the schema's id in
 * four bytes, then the data. Asking takes its time and decoding must not, so what a batch needs is asked for before.
 */
import { assert } from '../core/assert.ts';
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition, SourceField } from '../definition/definition.ts';
import type { Misfit } from './avro-fit.ts';
import type { AvroReader } from './avro-reader.ts';
import type { AvroWriter } from './avro-writer.ts';
import { Fault } from './convert.ts';
import type { LogRecord } from './event.ts';

export type WriterSchema =
  | { readonly kind: 'avro'; readonly read: AvroReader }
  /** There is none by that id, or none that can be read; why. */
  | { readonly kind: 'unusable'; readonly message: string };

/** What events are written by: data behind the id, which `frame` puts before it. */
export interface SubjectSchema {
  readonly id: number;
  /** Null: it is JSON Schema, and data is JSON. */
  readonly write: AvroWriter | null;
  /** What a declared field is not in it; of a JSON Schema nothing is said. */
  misfitOf(field: SourceField): Misfit | null;
}

/** The registry that ids are of. Both reject, retryably, as long as it does not say. */
export interface Schemas {
  /** An id's schema never changes. */
  schemaOf(id: number): Promise<WriterSchema>;
  /** The newest of a subject; or why there is none to write by. */
  newestOf(subject: string): Promise<SubjectSchema | string>;
}

/** What one decoder knows of. */
export interface SchemaTable {
  /** Makes all that these records name known. */
  prepare(records: readonly LogRecord[]): Promise<void>;
  /** `bytes` in the wire format → the value they hold, by the schema that they name. */
  read(bytes: Uint8Array): unknown;
}

const MAGIC = 0;
/** Of the magic byte and the id. */
export const FRAME_BYTES = 5;
/** Schemas that a decoder keeps from batch to batch. */
const KNOWN_MAX = 1_000;

/** Whether events cannot be written into the source's topic without a registry. */
export function needsSubjects({ format, key }: SourceDefinition): boolean {
  return format !== 'json' || key.encoding === 'avro';
}

/** Whether records of the source cannot be read without a registry. */
export function needsSchemas({ format, key }: SourceDefinition): boolean {
  return format === 'avro' || key.encoding === 'avro';
}

/** The source as its events are in files: in JSON, whatever its topic holds. */
export function asJson(source: SourceDefinition): SourceDefinition {
  const { key } = source;
  return { ...source, format: 'json', key: key.encoding === 'avro' ? { ...key, encoding: 'json' } : key };
}

/** Null: nothing of the source's records is to be asked for. */
export function createSchemaTable(source: SourceDefinition, schemas: Schemas | null): SchemaTable | null {
  if (!needsSchemas(source)) return null;
  if (schemas === null) {
    const message = `records of source ${source.name} name their schemas, and no registry is named: --schema-registry`;
    throw new SkewlessError('no_registry', message);
  }
  const hasValues = source.format === 'avro';
  const hasKeys = source.key.encoding === 'avro';
  const registry = schemas;
  const known = new Map<number, WriterSchema>();

  async function learn(bytes: Uint8Array | null): Promise<void> {
    const id = bytes === null ? null : schemaIdOf(bytes);
    if (id === null || known.has(id)) return;
    known.set(id, await registry.schemaOf(id));
  }

  return {
    async prepare(records) {
      if (known.size > KNOWN_MAX) known.clear();
      // What there was none of may have been registered since.
      for (const [id, { kind }] of known) if (kind === 'unusable') known.delete(id);
      for (const { key: keyBytes, value } of records) {
        if (hasValues) await learn(value);
        if (hasKeys) await learn(keyBytes);
      }
    },
    read(bytes) {
      const id = schemaIdOf(bytes);
      if (id === null) return unframed();
      const schema = known.get(id);
      assert(schema !== undefined, 'what is read was prepared');
      return schema.kind === 'avro' ? schema.read(bytes, FRAME_BYTES) : new Fault('unknown_schema', schema.message);
    },
  };
}

/** Null: the bytes are not in the wire format. */
function schemaIdOf(bytes: Uint8Array): number | null {
  if (bytes.length < FRAME_BYTES || bytes[0] !== MAGIC) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, FRAME_BYTES).getUint32(1);
}

/** The data behind the frame, which says itself what it is. */
export function unframe(bytes: Uint8Array): Uint8Array | Fault {
  return schemaIdOf(bytes) === null ? unframed() : bytes.subarray(FRAME_BYTES);
}

function unframed(): Fault {
  return new Fault(
    'unframed',
    'it does not begin with a zero and the id of a schema, as the Confluent wire format does',
  );
}

/** `data` in the wire format. */
export function frame(id: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES + data.length);
  new DataView(bytes.buffer).setUint32(1, id);
  bytes.set(data, FRAME_BYTES);
  return bytes;
}
