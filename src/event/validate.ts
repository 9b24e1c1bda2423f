/**
 * An event offered for ingest, held to all that its source declares, before it is in the log: stricter than decoding,
 * which looks only at what views use.
 */
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
  readonly keyOf: KeyDecoder;
}

/** `json` is a parsed JSON value. Fields the source does not declare are carried along. */
export function validateEvent(source: SourceDefinition, json: unknown): EventValidation {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { ok: false, code: 'not_an_object', message: `expected a JSON object, found ${describe(json)}` };
  }
  const change = changeOf(source, json);
  if (change instanceof Fault) return { ok: false, code: change.code, message: change.message };
  if (change === NOTHING) return written(json, null, null);
  return change instanceof Deletion ? validateDeletion(source, change, json) : validateRow(source, change, json);
}

function validateRow(source: SourceDefinition, row: object, json: object): EventValidation {
  const { rows } = readersOf(source);
  rows.begin(row);
  const rejection = rows.require(source.fields.map((_field, slot) => slot));
  if (rejection !== null) return refuse(rejection);
  const tsMs = rows.row[slotOf(source, source.eventTime)] as number;
  const outside = checkEventTimeRange(source, tsMs);
  if (outside !== null) return refuse(outside);
  const values = source.key.fields.map((name) => rows.row[slotOf(source, name)] ?? null);
  return written(json, encodeRecordKey(source.key, values), tsMs);
}

/** Its key is to be that of the row that was: the record says nothing else of which one it deletes. */
function validateDeletion(source: SourceDefinition, { before }: Deletion, json: object): EventValidation {
  const missing = 'before: expected the deleted row, at least the fields of its key';
  if (before === null) return { ok: false, code: 'unreadable_key', message: missing };
  const values = readersOf(source).keyOf(null, before);
  if (values instanceof Fault) return { ok: false, code: values.code, message: values.message };
  const key = encodeRecordKey(source.key, values);
  return key === null ? { ok: false, code: 'unreadable_key', message: missing } : written(json, key, null);
}

function written(json: object, key: Uint8Array | null, tsMs: number | null): EventValidation {
  const value = encodeValue(json);
  if (value instanceof Fault) return { ok: false, code: value.code, message: value.message };
  if (value.length + (key?.length ?? 0) > RECORD_BYTES_MAX) {
    return { ok: false, code: 'record_too_large', message: `more than ${RECORD_BYTES_MAX} bytes` };
  }
  return { ok: true, key, value, tsMs };
}

function readersOf(source: SourceDefinition): Readers {
  let readers = READERS.get(source);
  if (readers === undefined) {
    readers = { rows: createRowReader(source), keyOf: compileKeyDecoder(source) };
    READERS.set(source, readers);
  }
  return readers;
}

function refuse({ code, message }: Rejection): EventValidation {
  return { ok: false, code: code as RejectionCode, message };
}

function encodeValue(json: object): Uint8Array | Fault {
  try {
    return TEXT_ENCODER.encode(JSON.stringify(json));
  } catch {
    // The one way a parsed document cannot be written: it nests deeper than the stack.
    return new Fault('malformed_json', 'nested too deeply');
  }
}
