import { expect, test } from 'vitest';
import { type Erasure, erasureRecord, parseErasure } from '../../src/event/erasure.ts';
import type { LogRecord } from '../../src/event/event.ts';

const ERASURE: Erasure = {
  id: 'e1',
  entities: { origin: '["JFK"]', 'dest,carrier': '["JFK","B6"]' },
  ends: { 0: 7, 1: 0 },
};
const AT = { partition: 1, offset: 9, timestampMs: 5 };

const recordOf = (more: Partial<LogRecord> = {}): LogRecord => ({ ...AT, ...erasureRecord(ERASURE), ...more });

test('a control record says what it was written with', () => {
  expect(parseErasure(recordOf())).toEqual(ERASURE);
});

test('a control record has a key and a value of its own, so that compacted topics take it and keep it', () => {
  const { key, value } = erasureRecord(ERASURE);
  expect(Buffer.from(key).toString()).toBe('skewless-erase/e1');
  expect(value.length).toBeGreaterThan(0);
  expect(key).not.toEqual(erasureRecord({ ...ERASURE, id: 'e2' }).key);
});

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const header = (value: string) => ({ 'skewless-erase': text(value) });

test.for([
  ['no header', { headers: { other: text('1') } }],
  ['another format', { headers: header('2') }],
  ['no value', { value: null }],
  ['no JSON', { value: text('{') }],
  ['no object', { value: text('null') }],
  ['no id', { value: text('{"entities":{},"ends":{}}') }],
  ['entities that are no keys', { value: text('{"id":"a","entities":{"origin":1},"ends":{}}') }],
  ['ends that are no offsets', { value: text('{"id":"a","entities":{},"ends":{"0":"x"}}') }],
  ['a list', { value: text('{"id":"a","entities":[],"ends":{}}') }],
] as const)('a record with %s is no control record', ([, more]) => {
  expect(parseErasure(recordOf(more))).toBeNull();
});
