/** The bytes of a record's key, as the source declares them: what partitioners hash and readers recompute. */
import { assert } from '../core/assert.ts';
import type { Value } from '../core/value.ts';
import type { RecordKeyDefinition } from '../definition/definition.ts';

const TEXT_ENCODER = new TextEncoder();

/**
 * Bytes of the key made of `values` (aligned with `key.fields`); null when the source declares no key or any value is
 * null. `string`: texts joined by the separator, a timestamp as its milliseconds. `json`: the value alone, or an array
 * of several; an int64 as a string; within an envelope an object, as Debezium writes it, and an int64 as a number.
 * `int64be`: eight bytes, two's complement, big endian. `avro`: null, for what they are a registered schema decides.
 */
export function encodeRecordKey(key: RecordKeyDefinition, values: readonly Value[]): Uint8Array | null {
  assert(values.length === key.fields.length, 'a value for each field of the key');
  if (values.length === 0 || values.includes(null)) return null;
  switch (key.encoding) {
    case 'string':
      return TEXT_ENCODER.encode(values.map((value) => String(value as KeyValue)).join(key.separator));
    case 'json':
      if (key.members !== undefined) return TEXT_ENCODER.encode(objectText(key.members, values));
      return TEXT_ENCODER.encode(JSON.stringify(values.length === 1 ? jsonOf(values[0]) : values.map(jsonOf)));
    case 'int64be':
      return int64Bytes(values[0] as number | bigint);
    case 'avro':
      return null;
  }
}

type KeyValue = string | boolean | number | bigint;

function jsonOf(value: Value | undefined): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** By hand, for JSON.stringify writes no bigint, and would move members that look like indexes to the front. */
function objectText(members: readonly string[], values: readonly Value[]): string {
  const texts = members.map((name, index) => {
    const value = values[index] as KeyValue;
    return `${JSON.stringify(name)}:${typeof value === 'bigint' ? value.toString() : JSON.stringify(value)}`;
  });
  return `{${texts.join(',')}}`;
}

function int64Bytes(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return bytes;
}
