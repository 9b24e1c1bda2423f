import { expect, test } from 'vitest';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import type { LogRecord, ViewEvent, ViewOutcome } from '../../src/event/event.ts';
import { RECORD_BYTES_MAX } from '../../src/event/parse-record.ts';
import { REJECTION_CODES } from '../../src/event/rejection.ts';
import { APPENDED_MS, kindOf, load, recordOf, sourceOf, viewsOf } from './support.ts';

const DEFINITIONS = load(`
sources:
  - name: payments
    event_time: at
    event_id: id
    max_ahead: 5m
    fields:
      at: timestamp
      id: "int64?"
      card: "string?"
      shop: string
      amount: "double?"
      count: "int?"
      nested: { type: "double?", path: after.deep.amount }
      flags: "bool[]?"
      place: "double[2]?"
      unused: "int?"
    derive:
      shout: "upper(card)"
      root: "sqrt(amount)"
entities:
  - { name: card, keys: { card: string } }
  - { name: shouted, keys: { shout: string } }
  - { name: shop, keys: { shop: string } }
views:
  - name: by_card
    entity: card
    source: payments
    where: "shop <> 'closed'"
    features:
      - { name: amount_sum, agg: sum, of: amount }
      - { name: large, agg: count, where: "amount > 100" }
      - { name: small, agg: count, where: "amount <= 100" }
  - name: by_shout
    entity: shouted
    source: payments
    features:
      - { name: spread, agg: variance, of: "count + 0.0" }
  - name: by_shop
    entity: shop
    source: payments
    features:
      - { name: newest, agg: last, of: { n: nested, f: flags, p: place } }
      - { name: root_max, agg: max, of: root }
`);
const VIEWS = viewsOf(DEFINITIONS);
const decoder = compileSourceDecoder(sourceOf(DEFINITIONS), VIEWS);

const SOUND = { at: APPENDED_MS, card: 'c1', shop: 's1', amount: 4, count: 3 };

function decode(json: unknown, overrides: Partial<LogRecord> = {}): Record<string, ViewOutcome> {
  const outcomes = decoder.decode(recordOf(json, overrides));
  return Object.fromEntries(VIEWS.map((view, index) => [view.name, outcomes[index] as ViewOutcome]));
}

function kinds(json: unknown, overrides: Partial<LogRecord> = {}): readonly string[] {
  return Object.values(decode(json, overrides)).map(kindOf);
}

function eventOf(view: string, json: unknown): ViewEvent {
  const outcome = decode(json)[view];
  if (outcome?.kind !== 'event') throw new Error(`expected an event, found ${kindOf(outcome)}`);
  return outcome.event;
}

test('a sound record is an event of every view, with its coordinates and its columns', () => {
  const record = { ...SOUND, id: '9007199254740993' };
  const { by_card: outcome } = decode(record, { partition: 3, offset: 42 });
  expect(outcome).toEqual({
    kind: 'event',
    event: {
      entityKey: '["c1"]',
      tsMs: APPENDED_MS,
      partition: 3,
      offset: 42,
      appendedMs: APPENDED_MS,
      columns: [4],
      filterBits: expect.any(Number) as number,
      eventId: '9007199254740993',
    },
  });
  expect(kinds(record)).toEqual(['event', 'event', 'event']);
});

test('each filter has its bit, and a filter that is null is not true', () => {
  const filters = VIEWS[0]?.filters.map(({ text }) => text) ?? [];
  const bitOf = (text: string): number => 1 << filters.indexOf(text);
  expect(eventOf('by_card', { ...SOUND, amount: 101 }).filterBits).toBe(bitOf('amount > 100'));
  expect(eventOf('by_card', { ...SOUND, amount: 100 }).filterBits).toBe(bitOf('amount <= 100'));
  expect(eventOf('by_card', { ...SOUND, amount: null }).filterBits).toBe(0);
});

test('a record the view does not ask for is filtered, also where the key is null', () => {
  expect(kindOf(decode({ ...SOUND, shop: 'closed' })['by_card'])).toBe('filtered');
  expect(kindOf(decode({ ...SOUND, shop: 'closed', card: null })['by_card'])).toBe('filtered');
});

test('an event whose entity key is null or absent is skipped for the views of that key only', () => {
  const { card: _card, ...without } = SOUND;
  expect(kinds(without)).toEqual(['null_key', 'null_key', 'event']);
  expect(kinds({ ...SOUND, card: null })).toEqual(['null_key', 'null_key', 'event']);
});

test('an empty key is a key, and an absent event id is none', () => {
  expect(eventOf('by_card', { ...SOUND, card: '' }).entityKey).toBe('[""]');
  expect(eventOf('by_card', SOUND).eventId).toBeNull();
});

test('a struct column holds its members as they are, frozen', () => {
  const { columns } = eventOf('by_shop', {
    ...SOUND,
    after: { deep: { amount: -0 } },
    flags: [true],
    place: [-0, 1.5],
  });
  expect(columns).toContainEqual({ n: 0, f: [true], p: [0, 1.5] });
  const struct = columns.find((value) => typeof value === 'object' && value !== null) as Record<string, unknown>;
  expect(Object.is(struct['n'], 0)).toBe(true);
  expect(Object.isFrozen(struct) && Object.isFrozen(struct['p'])).toBe(true);
});

const ALL = (code: string): readonly string[] => [code, code, code];

test.each<[string, unknown, Partial<LogRecord>, string]>([
  ['no value', '', { value: null }, 'null_value'],
  ['no bytes', '', {}, 'malformed_json'],
  ['half a document', '{"at":', {}, 'malformed_json'],
  ['two documents', '{}{}', {}, 'malformed_json'],
  [
    'bytes that are not UTF-8',
    '',
    { value: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d) },
    'malformed_json',
  ],
  ['an overlong encoding', '', { value: Uint8Array.of(0x22, 0xc0, 0xaf, 0x22) }, 'malformed_json'],
  ['an array', '[]', {}, 'not_an_object'],
  ['null', 'null', {}, 'not_an_object'],
  ['a number', '1', {}, 'not_an_object'],
  ['a megabyte too many', '', { value: new Uint8Array(RECORD_BYTES_MAX + 1) }, 'record_too_large'],
  ['a key of a megabyte', '{}', { key: new Uint8Array(RECORD_BYTES_MAX) }, 'record_too_large'],
  ['no event time', { ...SOUND, at: null }, {}, 'null_field'],
  ['an event time without an offset', { ...SOUND, at: '2023-11-14T22:13:20' }, {}, 'wrong_type'],
  ['an event time in fractions', { ...SOUND, at: 1.5 }, {}, 'wrong_type'],
  ['an event time beyond dates', { ...SOUND, at: 8_640_000_000_000_001 }, {}, 'out_of_range'],
  ['an event time beyond 52 bits', { ...SOUND, at: -(2 ** 52) }, {}, 'out_of_range'],
  ['an event time beyond max_ahead', { ...SOUND, at: APPENDED_MS + 300_001 }, {}, 'too_far_ahead'],
  ['an event id of another type', { ...SOUND, id: 'x1' }, {}, 'wrong_type'],
])('%s rejects the record for every view', (_name, json, overrides, code) => {
  expect(kinds(json, overrides)).toEqual(ALL(code));
});

test('an event time exactly max_ahead ahead counts, and so does one before 1970', () => {
  expect(kinds({ ...SOUND, at: APPENDED_MS + 300_000 })).toEqual(['event', 'event', 'event']);
  expect(eventOf('by_card', { ...SOUND, at: -1 }).tsMs).toBe(-1);
  expect(eventOf('by_card', { ...SOUND, at: '1969-12-31T23:59:59.9999+00:00' }).tsMs).toBe(-1);
  expect(Object.is(eventOf('by_card', { ...SOUND, at: '1970-01-01T00:00:00Z' }).tsMs, 0)).toBe(true);
});

test.each<[string, Record<string, unknown>, readonly string[]]>([
  ['a string for a double', { amount: '4' }, ['wrong_type', 'event', 'wrong_type']],
  ['true for a double', { amount: true }, ['wrong_type', 'event', 'wrong_type']],
  ['a number for a string', { card: 1 }, ['wrong_type', 'wrong_type', 'event']],
  ['an object for a string', { card: {} }, ['wrong_type', 'wrong_type', 'event']],
  ['a fraction for an int', { count: 2.5 }, ['event', 'wrong_type', 'event']],
  ['an int beyond 2^53', { count: 2 ** 53 }, ['event', 'out_of_range', 'event']],
  ['null for a string that is not nullable', { shop: null }, ['null_field', 'event', 'null_field']],
  ['a scalar where the path wants an object', { after: { deep: 7 } }, ['event', 'event', 'wrong_type']],
  ['an array where the path wants an object', { after: [] }, ['event', 'event', 'wrong_type']],
  ['null in an array of booleans', { flags: [true, null] }, ['event', 'event', 'wrong_type']],
  ['a text in an array of booleans', { flags: ['true'] }, ['event', 'event', 'wrong_type']],
  ['a vector of another length', { place: [1] }, ['event', 'event', 'wrong_length']],
  ['a root of a negative number', { amount: -4 }, ['event', 'event', 'expression_error']],
  ['a sum beyond 2^960', { amount: 2 ** 961 }, ['out_of_magnitude', 'event', 'event']],
  ['any type for a field no view uses', { unused: 'x' }, ['event', 'event', 'event']],
])('%s rejects the record only for the views that use the field', (_name, fields, expected) => {
  expect(kinds({ ...SOUND, ...fields })).toEqual(expected);
});

test('numbers that JSON can write and types cannot hold are rejected', () => {
  const text = (field: string): string => `{"at":${APPENDED_MS},"shop":"s","card":"c",${field}}`;
  expect(kinds(text('"amount":1e999'))[0]).toBe('out_of_range');
  expect(kinds(text('"count":9007199254740993'))[1]).toBe('out_of_range');
  expect(kinds(text('"count":2.0'))[1]).toBe('event');
  expect(kinds(text('"count":-0'))[1]).toBe('event');
  expect(kinds(text('"id":9007199254740993'))).toEqual(ALL('out_of_range'));
  expect(kinds(text('"id":"9223372036854775808"'))).toEqual(ALL('out_of_range'));
  expect(kinds(text('"id":"-9223372036854775808"'))).toEqual(['event', 'event', 'event']);
  expect(kinds(text('"id":"007"'))).toEqual(ALL('wrong_type'));
});

test('the magnitude of squares has a lower bound too, and both bounds are inside', () => {
  const definitions = load(`
sources: [{ name: s, event_time: at, fields: { at: timestamp, k: string, x: "double?" } }]
entities: [{ name: k, keys: { k: string } }]
views:
  - { name: v, entity: k, source: s, where: "x IS NULL", features: [{ name: a, agg: stddev, of: x }] }
`);
  const other = compileSourceDecoder(sourceOf(definitions), viewsOf(definitions));
  const kind = (x: number | null): string => kindOf(other.decode(recordOf({ at: 0, k: 'k', x }))[0]);
  expect([2 ** 480, -(2 ** 480), 2 ** -480, 0].map(kind)).toEqual(Array(4).fill('filtered'));
  expect([2 ** 480 * (1 + 2 ** -52), 2 ** -481, -Number.MIN_VALUE].map(kind)).toEqual(
    Array(3).fill('out_of_magnitude'),
  );
  expect(kind(null)).toBe('event');
});

test('half of a surrogate pair rejects, a whole one does not', () => {
  expect(kinds(`{"at":0,"shop":"s","card":"\\ud800"}`)).toEqual(['invalid_string', 'invalid_string', 'event']);
  expect(eventOf('by_card', `{"at":0,"shop":"s","card":"\\ud834\\udd1e"}`).entityKey).toBe('["𝄞"]');
});

test('keys are bounded in bytes, not in characters', () => {
  expect(kindOf(decode({ ...SOUND, card: 'x'.repeat(1_020) })['by_card'])).toBe('event');
  expect(kindOf(decode({ ...SOUND, card: 'x'.repeat(1_021) })['by_card'])).toBe('key_too_long');
  expect(kindOf(decode({ ...SOUND, card: '€'.repeat(341) })['by_card'])).toBe('key_too_long');
});

test('of a name written twice, the last counts', () => {
  expect(eventOf('by_card', `{"at":0,"shop":"s","card":"a","card":"b"}`).entityKey).toBe('["b"]');
});

test('views that fail on one column share one rejection, which names it', () => {
  const { by_card: one, by_shop: other } = decode({ ...SOUND, shop: 7 });
  expect(one).toBe(other);
  expect(one).toEqual({
    kind: 'rejected',
    code: 'wrong_type',
    column: 'shop',
    message: 'shop: expected string, found a number',
  });
});

test('a record leaves nothing behind for the next', () => {
  expect(kinds({ ...SOUND, amount: 'x' })).toEqual(['wrong_type', 'event', 'wrong_type']);
  expect(decoder.eventTimeMs()).toBe(APPENDED_MS);
  expect(kinds('nonsense')).toEqual(ALL('malformed_json'));
  expect(decoder.eventTimeMs()).toBeNull();
  const { at, shop } = SOUND;
  expect(kinds({ at, shop })).toEqual(['null_key', 'null_key', 'event']);
  expect(eventOf('by_shop', { at, shop }).columns).toContainEqual({ n: null, f: null, p: null });
  expect(kinds({ ...SOUND, at: APPENDED_MS + 300_001 })).toEqual(ALL('too_far_ahead'));
  expect(decoder.eventTimeMs()).toBeNull();
});

test('fields with the names of prototypes are read like any other', () => {
  const definitions = load(`
sources: [{ name: s, event_time: at, fields: { at: timestamp, __proto__: "string?", constructor: "string?" } }]
entities: [{ name: k, keys: { proto: string } }, { name: c, keys: { constructor: string } }]
views:
  - { name: v, entity: k, keys: { proto: __proto__ }, source: s, features: [{ name: n, agg: count }] }
  - { name: w, entity: c, source: s, features: [{ name: n, agg: count }] }
`);
  const other = compileSourceDecoder(sourceOf(definitions), viewsOf(definitions));
  expect(other.decode(recordOf('{"at":0}')).map(kindOf)).toEqual(['null_key', 'null_key']);
  const outcomes = other.decode(recordOf('{"at":0,"__proto__":"a","constructor":"b"}'));
  expect(outcomes.map((outcome) => (outcome.kind === 'event' ? outcome.event.entityKey : outcome))).toEqual([
    '["a"]',
    '["b"]',
  ]);
});

test('every code of the list says what it means', () => {
  for (const sentence of Object.values(REJECTION_CODES)) expect(sentence).toMatch(/^[A-Z].*\.$/);
});
