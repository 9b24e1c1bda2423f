/**
 * What a record says has happened: a row is there, a row was deleted, or nothing that concerns rows. Without an envelope a
 * record is its row, and one without a value deletes (`mode: upsert`). In Debezium's envelope `op` says what happened, plain
 * or as the JSON converter writes it with schemas: `{ schema, payload }`.
 */
import type { SourceDefinition } from '../definition/definition.ts';
import { describe, Fault } from './convert.ts';
import type { LogRecord, RecordHeaders } from './event.ts';
import { compileRecordParser } from './parse-record.ts';
import type { SchemaTable } from './schemas.ts';

/** Neither an event nor a row. */
export const NOTHING: unique symbol = Symbol('nothing');

/** A class only so that telling it from a row is one `instanceof`. */
export class Deletion {
  /** The row as it was, where the envelope says so. */
  readonly before: object | null;

  constructor(before: object | null) {
    this.before = before;
  }
}

/** Any other object is a parsed record that holds a row where the source's fields look for it. */
export type Change = object | Deletion | typeof NOTHING | Fault;

/** Headers of records that Skewless itself writes into a topic. */
const CONTROL_PREFIX = 'skewless-';
const BARE_DELETION = new Deletion(null);

/** A function of the record's bytes and headers, and of schemas, which never change. */
export function compileChangeReader(
  source: SourceDefinition,
  schemas: SchemaTable | null = null,
): (record: LogRecord) => Change {
  const { mode, envelope } = source;
  const parseRecord = compileRecordParser(source, schemas);
  if (mode === 'append' && envelope === null) return parseRecord;
  return (record) => {
    if (record.value === null) return mode === 'append' || isControl(record.headers) ? NOTHING : BARE_DELETION;
    const json = parseRecord(record);
    return json instanceof Fault ? json : changeOf(source, json);
  };
}

/** The same of a value that is parsed already. */
export function changeOf({ mode, envelope }: SourceDefinition, json: object): Change {
  if (envelope === null) return json;
  const payload = memberOf(json, 'op') === undefined ? memberOf(json, 'payload') : undefined;
  if (payload === null) return mode === 'upsert' ? BARE_DELETION : NOTHING;
  const event = payload ?? json;
  if (!isObject(event)) return new Fault('wrong_type', `payload: expected an object, found ${describe(event)}`);
  const op = memberOf(event, 'op');
  switch (op) {
    case 'c':
    case 'r':
    case 'u':
      return rowOf(event);
    case 'd':
      return mode === 'upsert' ? new Deletion(beforeOf(event)) : NOTHING;
    case 'm':
      return NOTHING;
    default:
      return new Fault('unsupported_op', describeOp(op));
  }
}

function rowOf(event: object): object | Fault {
  const after = memberOf(event, 'after') ?? null;
  return isObject(after) ? event : new Fault('wrong_type', `after: expected an object, found ${describe(after)}`);
}

function beforeOf(event: object): object | null {
  const before = memberOf(event, 'before');
  return isObject(before) ? before : null;
}

function describeOp(op: unknown): string {
  if (op === 't') return 'op: t empties a table at once, which is not supported: rows are deleted one by one';
  const found = typeof op === 'string' ? 'another string' : op === undefined ? 'none' : describe(op);
  return `op: expected c, r, u or d, found ${found}; without an envelope, declare none`;
}

/** Own members only, as of fields. */
export function memberOf(json: object, name: string): unknown {
  return Object.hasOwn(json, name) ? (json as Readonly<Record<string, unknown>>)[name] : undefined;
}

function isObject(json: unknown): json is object {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function isControl(headers: RecordHeaders | undefined): boolean {
  return headers !== undefined && Object.keys(headers).some((name) => name.startsWith(CONTROL_PREFIX));
}
