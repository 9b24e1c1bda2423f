/**
 * An event offered for ingest, held to all that its source declares, before it is in the log: stricter than decoding,
 * which looks only at what views use.
 */
import type { SourceDefinition } from '../definition/definition.ts';
import { describe, Fault } from './convert.ts';
import { checkEventTimeRange } from './event-time.ts';
import type { Rejection } from './event.ts';
import { RECORD_BYTES_MAX } from './parse-record.ts';
import { encodeRecordKey } from './record-key.ts';
import type { RejectionCode } from './rejection.ts';
import { createRowReader, type RowReader } from './row.ts';
import { slotOf } from './slot.ts';

/** `key` and `value` are the record's bytes; the message names the field at fault. */
export type EventValidation =
  | { readonly ok: true; readonly key: Uint8Array | null; readonly value: Uint8Array; readonly tsMs: number }
  | { readonly ok: false; readonly code: RejectionCode; readonly message: string };

const TEXT_ENCODER = new TextEncoder();
/** Compiled once per source; rows hold nothing between events. */
const READERS = new WeakMap<SourceDefinition, RowReader>();

/** `json` is a parsed JSON value. Fields the source does not declare are carried along. */
export function validateEvent(source: SourceDefinition, json: unknown): EventValidation {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { ok: false, code: 'not_an_object', message: `expected a JSON object, found ${describe(json)}` };
  }
  const rows = readerOf(source);
  rows.begin(json);
  const rejection = rows.require(source.fields.map((_field, slot) => slot));
  if (rejection !== null) return refuse(rejection);
  const tsMs = rows.row[slotOf(source, source.eventTime)] as number;
  const outside = checkEventTimeRange(source, tsMs);
  if (outside !== null) return refuse(outside);
  const key = encodeRecordKey(
    source.key,
    source.key.fields.map((name) => rows.row[slotOf(source, name)] ?? null),
  );
  const value = encodeValue(json);
  if (value instanceof Fault) return { ok: false, code: value.code, message: value.message };
  if (value.length + (key?.length ?? 0) > RECORD_BYTES_MAX) {
    return { ok: false, code: 'record_too_large', message: `more than ${RECORD_BYTES_MAX} bytes` };
  }
  return { ok: true, key, value, tsMs };
}

function readerOf(source: SourceDefinition): RowReader {
  let rows = READERS.get(source);
  if (rows === undefined) {
    rows = createRowReader(source);
    READERS.set(source, rows);
  }
  return rows;
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
