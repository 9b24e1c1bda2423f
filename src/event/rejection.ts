/** Why a record does not count: the closed list of codes, and how a rejection is made. */
import type { Rejection } from './event.ts';

/** Every code a rejection can have, with what it means. Counters, dead letters and `ingest` answers speak these. */
export const REJECTION_CODES = {
  record_too_large: 'The record is larger than 1 MiB.',
  null_value: 'The record has no value; a source in append mode has no tombstones.',
  unreadable_key:
    'The record deletes a row, and its key is absent or not as the source declares: which row cannot be told.',
  unsupported_op: 'The change event has an operation that is neither a row nor a deletion, or none.',
  malformed_json: 'The value is not one JSON document in UTF-8.',
  unframed: 'The value does not begin as the Confluent wire format does: a zero, then the id of its schema.',
  unknown_schema: 'The registry has no schema with the id that the record names, or one that cannot be read as Avro.',
  malformed_avro: 'The bytes are not what the schema says that they are.',
  not_an_object: 'The value is not an object.',
  null_field: 'A field that is not nullable is null or absent.',
  wrong_type: 'A field holds another type than the declared one.',
  out_of_range: 'A number or a time is outside what its type can hold.',
  wrong_length: 'An array has another length than the declared one.',
  invalid_string: 'A string holds half of a surrogate pair, which UTF-8 cannot write.',
  too_far_ahead: 'The event time is more than `max_ahead` after the time the record was appended.',
  expression_error: 'An expression of the source or of the view failed on this record.',
  out_of_magnitude: 'A number is outside the bounds within which sums or squares are exact.',
  misplaced: 'The record is not in the partition that its key leads to, so no reader would find its entity.',
  key_too_long: 'The entity key is longer than 1,024 bytes.',
} as const;

export type RejectionCode = keyof typeof REJECTION_CODES;

export function reject(code: RejectionCode, column: string | null, message: string): Rejection {
  return { kind: 'rejected', code, column, message };
}
