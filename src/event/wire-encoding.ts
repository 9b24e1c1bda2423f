/**
 * Events offered in JSON, in the form that the records of their source have: behind the id of the newest schema of the topic's
 * subject, `<topic>-value`, and keys in Avro behind that of `<topic>-key`.
 */
import type { Value } from '../core/value.ts';
import type { SourceDefinition, SourceField } from '../definition/definition.ts';
import { compileConverter, Fault } from './convert.ts';
import { encodeRecordKey } from './record-key.ts';
import { frame, needsSubjects, type Schemas, type SubjectSchema } from './schemas.ts';
import { encodeJson, type EventEncoding, jsonEncoding } from './validate.ts';

/**
 * As things stand: another schema may be the newest in a moment. What is wrong as a whole is a text. Rejects, retryably, while
 * the registry does not say.
 */
export async function prepareEncoding(
  source: SourceDefinition,
  schemas: Schemas | null,
): Promise<EventEncoding | string> {
  if (!needsSubjects(source)) return jsonEncoding(source);
  if (schemas === null) {
    return `events of source ${source.name} are written by registered schemas, and no registry is named: --schema-registry`;
  }
  const value = source.format === 'json' ? null : await schemas.newestOf(`${source.topic}-value`);
  if (typeof value === 'string') return value;
  const key = source.key.encoding === 'avro' ? await schemas.newestOf(`${source.topic}-key`) : null;
  if (typeof key === 'string') return key;
  const isValueAsDeclared = value === null || (value.write !== null) === (source.format === 'avro');
  const isKeyAsDeclared = key === null || key.write !== null;
  if (isValueAsDeclared && isKeyAsDeclared) return compileEncoding(source, value, key);
  return `source ${source.name} is declared in another format than the newest schema of its topic is of`;
}

function compileEncoding(
  source: SourceDefinition,
  value: SubjectSchema | null,
  key: SubjectSchema | null,
): EventEncoding {
  const typed = compileTyped(source);
  return {
    value(json) {
      if (value === null) return encodeJson(json);
      const data = value.write === null ? encodeJson(json) : value.write(typed(json));
      return data instanceof Fault ? data : frame(value.id, data);
    },
    key(values) {
      if (key === null) return encodeRecordKey(source.key, values);
      const data = writeKey(source, key, values);
      return data instanceof Fault ? data : frame(key.id, data);
    },
  };
}

/** A record with the fields, as the row calls them; or the value of the one field there is. */
function writeKey(source: SourceDefinition, { write }: SubjectSchema, values: readonly Value[]): Uint8Array | Fault {
  const names = source.key.fields.map(
    (name) => source.fields.find((field) => field.name === name)?.path.at(-1) ?? name,
  );
  const record = Object.fromEntries(names.map((name, index) => [name, values[index]]));
  const data = write?.(record) ?? new Fault('unreadable_key', 'the key has no schema');
  const isOne = data instanceof Fault && values.length === 1;
  return isOne ? (write?.(values[0]) ?? data) : data;
}

/** What JSON writes as text and Avro as a number (int64 and timestamps) is a number, where the source declares it. */
function compileTyped({ fields }: SourceDefinition): (json: object) => object {
  const numbers = fields.filter(({ type }) => type.kind === 'int64' || type.kind === 'timestamp');
  const setters = numbers.map(compileSetter);
  return (json) => setters.reduce((event, set) => set(event), json);
}

function compileSetter({ path, type }: SourceField): (json: object) => object {
  const convert = compileConverter(type);
  const setAt = (json: unknown, depth: number): unknown => {
    if (depth === path.length) return json === null ? null : convert(json);
    const name = path[depth] as string;
    if (typeof json !== 'object' || json === null || !Object.hasOwn(json, name)) return json;
    const member = (json as Readonly<Record<string, unknown>>)[name];
    return { ...json, [name]: setAt(member, depth + 1) };
  };
  return (json) => setAt(json, 0) as object;
}
