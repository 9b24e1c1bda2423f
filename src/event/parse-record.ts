/** A record's bytes → the object they hold, as JSON would, or why they hold none. Never throws on what a producer wrote. */
import { assert } from '../core/assert.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { describe, Fault } from './convert.ts';
import type { LogRecord } from './event.ts';
import { type SchemaTable, unframe } from './schemas.ts';

/** Of key and value together. */
export const RECORD_BYTES_MAX = 1_048_576;

export type RecordParser = (record: LogRecord) => object | Fault;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** `table`: of a source whose format needs schemas, which are prepared. */
export function compileRecordParser({ format }: SourceDefinition, table: SchemaTable | null): RecordParser {
  const read = compileValueReader(format, table);
  return ({ key, value }) => {
    if (value === null) return new Fault('null_value', 'the record has no value');
    const bytes = value.length + (key === null ? 0 : key.length);
    if (bytes > RECORD_BYTES_MAX) {
      return new Fault('record_too_large', `${bytes} bytes, at most ${RECORD_BYTES_MAX} are read`);
    }
    const json = read(value);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
    return new Fault('not_an_object', `expected an object, found ${describe(json)}`);
  };
}

function compileValueReader(
  format: SourceDefinition['format'],
  table: SchemaTable | null,
): (value: Uint8Array) => unknown {
  switch (format) {
    case 'json':
      return parseJson;
    case 'json_schema':
      return (value) => {
        const data = unframe(value);
        return data instanceof Fault ? data : parseJson(data);
      };
    case 'avro':
      assert(table !== null, 'a source in Avro has its schemas');
      return (value) => table.read(value);
  }
}

function parseJson(value: Uint8Array): unknown {
  let text: string;
  try {
    text = UTF8.decode(value);
  } catch {
    return new Fault('malformed_json', 'the value is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    return new Fault('malformed_json', `the value is not JSON${value[0] === 0 ? FRAMED : ''}`);
  }
}

const FRAMED = '; it begins as the Confluent wire format does: declare format: avro or json_schema';
