/**
 * An event offered for ingest, held to all that its source declares, before it is in the log: stricter than decoding,
 * which looks only at what views use.
 */
import type { Value } from '../core/value.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { changeOf, Deletion, NOTHING } from './change.ts';
import { describe, Fault } from './convert.ts';
import { checkEventTimeRange } from './event-time.ts';
import type { Rejection } from './event.ts';
import { RECORD_BYTES_MAX } from './parse-record.ts';
import { encodeRecordKey } from './record-key.ts';
import { compileKeyDecoder, type KeyDecoder } from './record-key-decoder.ts';
import type { RejectionCode } from './rejection.ts';
import { createRowReader, type RowReader } from './row.ts';
import { slotOf } from './slot.ts';

/**
 * `key` and `value` are the record's bytes; the message names the field at fault. `tsMs` is null of what has no event time of
 * its own: a deletion happens when it is appended.
 */
export type EventValidation =
  | { readonly ok: true; readonly key: Uint8Array | null; readonly value: Uint8Array; readonly tsMs: number | null }
  | { readonly ok: false; readonly code: RejectionCode; readonly message: string };

const TEXT_ENCODER = new TextEncoder();
/** Compiled once per source; rows hold nothing between events. */
const READERS = new WeakMap<SourceDefinition, Readers>();

interface Readers {
  readonly rows: RowReader;
  readonly check: ReturnType<typeof compileRowCheck>;
  readonly keyOf: KeyDecoder;
}

/** How what is sound becomes bytes: of the event as it was given, and of the key's values, in order; null: there is no key. */
export interface EventEncoding {
  value(json: object): Uint8Array | Fault;
  key(values: readonly Value[]): Uint8Array | Fault | null;
}

/** `json` is a parsed JSON value. Fields the source does not declare are carried along. */
export function validateEvent(
  source: SourceDefinition,
  json: unknown,
  encoding: EventEncoding = jsonEncoding(source),
): EventValidation {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { ok: false, code: 'not_an_object', message: `expected a JSON object, found ${describe(json)}` };
  }
  const change = changeOf(source, json);
  if (change instanceof Fault) return refuse(change);
  if (change === NOTHING) return written(encoding, json, [], null);
  return change instanceof Deletion
    ? validateDeletion(source, encoding, change, json)
    : validateRow(source, encoding, change, json);
}

export function jsonEncoding({ key }: SourceDefinition): EventEncoding {
  return { value: encodeJson, key: (values) => encodeRecordKey(key, values) };
}

function validateRow(source: SourceDefinition, encoding: EventEncoding, row: object, json: object): EventValidation {
  const { rows, check } = readersOf(source);
  rows.begin(row);
  const rejection = check(rows);
  if (rejection !== null) return refuse(rejection);
  const tsMs = rows.row[slotOf(source, source.eventTime)] as number;
  const values = source.key.fields.map((name) => rows.row[slotOf(source, name)] ?? null);
  return written(encoding, json, values, tsMs);
}

/** Of the row that a reader was begun on: all that is declared, whether or not a view uses it. */
export function compileRowCheck(source: SourceDefinition): (rows: RowReader) => Rejection | null {
  const slots = source.fields.map((_field, slot) => slot);
  const eventTime = slotOf(source, source.eventTime);
  return ({ require, row }) => require(slots) ?? checkEventTimeRange(source, row[eventTime] as number);
}

/** Its key is to be that of the row that was: the record says nothing else of which one it deletes. */
function validateDeletion(
  source: SourceDefinition,
  encoding: EventEncoding,
  { before }: Deletion,
  json: object,
): EventValidation {
  const missing = new Fault('unreadable_key', 'before: expected the deleted row, at least the fields of its key');
  const values = before === null ? missing : readersOf(source).keyOf(null, before);
  if (values instanceof Fault) return refuse(values);
  return values.includes(null) ? refuse(missing) : written(encoding, json, values, null);
}

function written(
  encoding: EventEncoding,
  json: object,
  keyValues: readonly Value[],
  tsMs: number | null,
): EventValidation {
  const hasKey = keyValues.length > 0 && !keyValues.includes(null);
  const key = hasKey ? encoding.key(keyValues) : null;
  if (key instanceof Fault) return refuse(key);
  const value = encoding.value(json);
  if (value instanceof Fault) return refuse(value);
  if (value.length + (key?.length ?? 0) > RECORD_BYTES_MAX) {
    return { ok: false, code: 'record_too_large', message: `more than ${RECORD_BYTES_MAX} bytes` };
  }
  return { ok: true, key, value, tsMs };
}

function readersOf(source: SourceDefinition): Readers {
  let readers = READERS.get(source);
  if (readers === undefined) {
    readers = { rows: createRowReader(source), check: compileRowCheck(source), keyOf: compileKeyDecoder(source) };
    READERS.set(source, readers);
  }
  return readers;
}

function refuse({ code, message }: Fault | Rejection): EventValidation {
  return { ok: false, code: code as RejectionCode, message };
}

export function encodeJson(json: object): Uint8Array | Fault {
  try {
    return TEXT_ENCODER.encode(JSON.stringify(json));
  } catch {
    // The one way a parsed document cannot be written: it nests deeper than the stack.
    return new Fault('malformed_json', 'nested too deeply');
  }
}
