/** Rows, deletions and what is neither: upsert sources, and Debezium's envelope in both modes. */
import { expect, test } from 'vitest';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import { compileEntityReader } from '../../src/event/entity-reader.ts';
import type { LogRecord, ViewOutcome } from '../../src/event/event.ts';
import { REJECTION_CODES } from '../../src/event/rejection.ts';
import { validateEvent } from '../../src/event/validate.ts';
import { APPENDED_MS, kindOf, load, recordOf, sourceOf, viewsOf } from './support.ts';

const PLAIN = `
sources:
  - name: s
    mode: upsert
    key: [k]
    event_time: at
    fields: { at: timestamp, k: "string?", x: "double?", c: "string?" }
entities: [{ name: e, keys: { k: string } }]
views:
  - name: v
    entity: e
    source: s
    where: "x IS NULL OR 1 / x > 0"
    features:
      - { name: x, agg: last, of: x }
      - { name: c, agg: last, of: { x: x, c: c }, where: "c <> 'hidden'" }
`;
const DEBEZIUM = `
sources:
  - name: s
    mode: upsert
    envelope: debezium
    key: { fields: [id], encoding: json }
    event_time: at
    fields:
      at: { type: timestamp, path: source.ts_ms }
      id: int64
      x: "double?"
      was: { type: "double?", path: before.x }
entities: [{ name: e, keys: { id: int64 } }]
views: [{ name: v, entity: e, source: s, features: [{ name: x, agg: last, of: { x: x, was: was } }] }]
`;
const APPEND = DEBEZIUM.replace('mode: upsert', 'mode: append');

type Decode = (json: unknown, overrides?: Partial<LogRecord>) => ViewOutcome;

function decoderOf(definitions: string): Decode & { eventTimeMs(): number | null } {
  const loaded = load(definitions);
  const decoder = compileSourceDecoder(sourceOf(loaded), viewsOf(loaded));
  const decode: Decode = (json, overrides) => decoder.decode(recordOf(json, overrides))[0] as ViewOutcome;
  return Object.assign(decode, { eventTimeMs: () => decoder.eventTimeMs() });
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const rowOf = (outcome: ViewOutcome): unknown =>
  outcome.kind === 'event' ? (outcome.event.columns[0] as { row: unknown }).row : kindOf(outcome);

test('a row is one column with all that the view serves of it; what a condition excludes is null', () => {
  const decode = decoderOf(PLAIN);
  const event = (outcome: ViewOutcome) => (outcome.kind === 'event' ? outcome.event : null);
  const shown = event(decode({ at: 5, k: 'a', x: -0, c: 'c' }));
  expect(shown).toMatchObject({ entityKey: '["a"]', tsMs: 5, filterBits: 0, eventId: null });
  // 1 / 0 is null, so the view does not have it.
  expect(shown?.columns).toEqual([{ row: null }]);
  expect(rowOf(decode({ at: 5, k: 'a', x: 2, c: 'c' }))).toEqual({ m0: 2, m1: { x: 2, c: 'c' } });
  expect(rowOf(decode({ at: 5, k: 'a', x: 2, c: 'hidden' }))).toEqual({ m0: 2, m1: null });
  expect(rowOf(decode({ at: 5, k: 'a' }))).toEqual({ m0: null, m1: null });
  expect(rowOf(decode({ at: 5, k: null, x: 1 }))).toBe('null_key');
  expect(rowOf(decode({ at: 5, k: 'x'.repeat(1_100), x: 1 }))).toBe('key_too_long');
});

test('a record without a value deletes at its own time, and its key says what', () => {
  const decode = decoderOf(PLAIN);
  const deleted = decode('', { value: null, key: bytes('a'), partition: 3, offset: 7 });
  expect(deleted).toEqual({
    kind: 'event',
    event: {
      entityKey: '["a"]',
      tsMs: APPENDED_MS,
      partition: 3,
      offset: 7,
      appendedMs: APPENDED_MS,
      columns: [{ row: null }],
      filterBits: 0,
      eventId: null,
    },
  });
  expect(decode.eventTimeMs()).toBe(APPENDED_MS);
  expect(kindOf(decode('', { value: null, key: null }))).toBe('unreadable_key');
  expect(decode.eventTimeMs()).toBeNull();
  expect(kindOf(decode('', { value: null, key: bytes('x'.repeat(1_100)) }))).toBe('key_too_long');
  expect(kindOf(decode('', { value: null, key: bytes('a'), timestampMs: 2 ** 52 }))).toBe('out_of_range');
});

test('a control record of ours deletes nothing for having no value', () => {
  const decode = decoderOf(PLAIN);
  const control = { value: null, key: bytes('a'), headers: { 'skewless-erase': bytes('1') } };
  expect(kindOf(decode('', control))).toBe('filtered');
  expect(kindOf(decode('', { ...control, headers: { traceparent: bytes('1') } }))).toBe('event');
  expect(compileEntityReader(sourceOf(load(PLAIN)), ['k']).entityOf(recordOf('', control))).toBeNull();
});

test("a row's values may fail, and only those that are looked at", () => {
  const definitions = PLAIN.replace('where: "x IS NULL OR 1 / x > 0"', 'where: "x > 0"').replace(
    'agg: last, of: x }',
    'agg: last, of: "ln(x - 5)", where: "x > 1" }',
  );
  const decode = decoderOf(definitions);
  expect(kindOf(decode({ at: 5, k: 'a', x: 3 }))).toBe('expression_error');
  // Beyond the condition of the feature, and of the view.
  expect(rowOf(decode({ at: 5, k: 'a', x: 0.5 }))).toMatchObject({ m0: null });
  expect(rowOf(decode({ at: 5, k: 'a', x: -3 }))).toBeNull();
});

const SOURCE = { source: { ts_ms: 5 } };
const ROW = { ...SOURCE, op: 'u', before: { id: 1, x: 1 }, after: { id: 1, x: 2 } };
const wrapped = (payload: unknown): object => ({ schema: { type: 'struct' }, payload });

test.each(['c', 'r', 'u'])('op %s is the row after, and a path reads the whole envelope', (op) => {
  for (const json of [{ ...ROW, op }, wrapped({ ...ROW, op })]) {
    for (const decode of [decoderOf(DEBEZIUM), decoderOf(APPEND)]) {
      expect(decode(json)).toMatchObject({ kind: 'event', event: { entityKey: '["1"]', tsMs: 5 } });
    }
    expect(rowOf(decoderOf(DEBEZIUM)(json))).toEqual({ m0: { x: 2, was: 1 } });
  }
});

const DELETED = { ...SOURCE, op: 'd', before: { id: 1, x: 2 }, after: null };

test('op d deletes in upsert mode, at the time of its record, and so does no value', () => {
  const decode = decoderOf(DEBEZIUM);
  const key = bytes('{"id":1}');
  const deleted = { kind: 'event', event: { entityKey: '["1"]', tsMs: APPENDED_MS, columns: [{ row: null }] } };
  expect(decode(DELETED, { key })).toMatchObject(deleted);
  expect(decode(wrapped(DELETED), { key })).toMatchObject(deleted);
  expect(decode(DELETED)).toMatchObject(deleted);
  expect(decode(wrapped(null), { key })).toMatchObject(deleted);
  expect(decode('', { key, value: null })).toMatchObject(deleted);
  expect(decode('', { key: bytes(JSON.stringify(wrapped({ id: 1 }))), value: null })).toMatchObject(deleted);
  expect(kindOf(decode({ ...DELETED, before: null }))).toBe('unreadable_key');
  expect(kindOf(decode({ ...DELETED, before: { id: null } }))).toBe('unreadable_key');
  expect(kindOf(decode(DELETED, { key: bytes('{"id":null}') }))).toBe('null_key');
});

test('op d and no value are no events in append mode, and no dead letters', () => {
  const decode = decoderOf(APPEND);
  for (const outcome of [
    decode(DELETED),
    decode(wrapped(DELETED)),
    decode(wrapped(null)),
    decode('', { value: null }),
  ]) {
    expect(outcome.kind).toBe('filtered');
    expect(decode.eventTimeMs()).toBeNull();
  }
});

test.each<[string, unknown, string]>([
  ['a message of the log', { op: 'm', message: {} }, 'filtered'],
  ['a table that is emptied', { op: 't' }, 'unsupported_op'],
  ['another op', { ...ROW, op: 'x' }, 'unsupported_op'],
  ['an op of another type', { ...ROW, op: 4 }, 'unsupported_op'],
  ['no envelope', { id: 1, x: 2 }, 'unsupported_op'],
  ['a member of the prototype', { toString: 1 }, 'unsupported_op'],
  ['a row that is none', { ...ROW, after: null }, 'wrong_type'],
  ['a row that is a text', { ...ROW, after: '{}' }, 'wrong_type'],
  ['a payload that is none', wrapped([]), 'wrong_type'],
  ['no row time', { ...ROW, source: {} }, 'null_field'],
  ['no object', [], 'not_an_object'],
  ['no JSON', '{', 'malformed_json'],
])('%s, in both modes', (_name, json, kind) => {
  expect(kindOf(decoderOf(DEBEZIUM)(json))).toBe(kind);
  expect(kindOf(decoderOf(APPEND)(json))).toBe(kind);
  expect([...Object.keys(REJECTION_CODES), 'filtered']).toContain(kind);
});

test('a record is moved to where the rows of its entity are, deletions too', () => {
  const { entityOf } = compileEntityReader(sourceOf(load(DEBEZIUM)), ['id']);
  expect(entityOf(recordOf(ROW))).toBe('["1"]');
  expect(entityOf(recordOf(DELETED))).toBe('["1"]');
  expect(entityOf(recordOf('', { value: null, key: bytes('{"id":1}') }))).toBe('["1"]');
  expect(entityOf(recordOf('', { value: null, key: bytes('?') }))).toBeNull();
  expect(entityOf(recordOf({ op: 'm' }))).toBeNull();
});

test('what is offered for ingest is held to the envelope, and keyed by its row', () => {
  const source = sourceOf(load(DEBEZIUM));
  const keyOf = (json: unknown): string => {
    const valid = validateEvent(source, json);
    return valid.ok ? `${Buffer.from(valid.key ?? []).toString()} at ${valid.tsMs}` : `${valid.code}: ${valid.message}`;
  };
  expect(keyOf(ROW)).toBe('{"id":1} at 5');
  expect(keyOf(wrapped(ROW))).toBe('{"id":1} at 5');
  expect(keyOf(DELETED)).toBe('{"id":1} at null');
  expect(keyOf({ ...DELETED, before: null })).toContain('unreadable_key: before: expected the deleted row');
  expect(keyOf({ ...DELETED, before: { id: 'x' } })).toContain('unreadable_key: before: id: expected int64');
  expect(keyOf({ ...ROW, after: { id: 1, x: 'x' } })).toBe('wrong_type: x: expected double, found a string');
  expect(keyOf({ op: 't' })).toContain('unsupported_op');
  expect(keyOf(null)).toContain('not_an_object');
  const bytesOf = validateEvent(source, wrapped(ROW));
  expect(bytesOf.ok && JSON.parse(Buffer.from(bytesOf.value).toString())).toEqual(wrapped(ROW));
  const append = validateEvent(sourceOf(load(APPEND)), DELETED);
  expect(append).toMatchObject({ ok: true, tsMs: null });
});
