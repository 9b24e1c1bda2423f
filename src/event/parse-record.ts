/** A record's bytes → the JSON object they hold, or why they hold none. Never throws on what a producer wrote. */
import { describe, Fault } from './convert.ts';
import type { LogRecord } from './event.ts';

/** Of key and value together. */
export const RECORD_BYTES_MAX = 1_048_576;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

export function parseRecord(record: LogRecord): object | Fault {
  const { key, value } = record;
  if (value === null) return new Fault('null_value', 'the record has no value');
  const bytes = value.length + (key === null ? 0 : key.length);
  if (bytes > RECORD_BYTES_MAX) {
    return new Fault('record_too_large', `${bytes} bytes, at most ${RECORD_BYTES_MAX} are read`);
  }
  let text: string;
  try {
    text = UTF8.decode(value);
  } catch {
    return new Fault('malformed_json', 'the value is not UTF-8');
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return new Fault('malformed_json', 'the value is not JSON');
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  return new Fault('not_an_object', `expected a JSON object, found ${describe(json)}`);
}
