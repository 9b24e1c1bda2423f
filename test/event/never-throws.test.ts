import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import { REJECTION_CODES } from '../../src/event/rejection.ts';
import { validateEvent } from '../../src/event/validate.ts';
import { load, recordOf, sourceOf, viewsOf } from './support.ts';

const DEFINITIONS = load(`
sources:
  - name: s
    event_time: at
    event_id: id
    key: [k, i]
    fields:
      at: timestamp
      id: "int64?"
      k: "string?"
      i: "int?"
      x: "double?"
      deep: { type: "double?", path: a.b }
      list: "string?[]?"
      pair: "double[2]?"
    derive: { y: "x * x + i" }
entities: [{ name: e, keys: { k: string, i: int } }]
views:
  - name: v
    entity: e
    source: s
    where: "x IS NULL OR x / i > 0"
    features:
      - { name: a, agg: variance, of: "x + deep" }
      - { name: b, agg: last_n, n: 3, of: { list: list, pair: pair, y: y } }
      - { name: c, agg: count, where: "length(k) > i" }
`);
const SOURCE = sourceOf(DEFINITIONS);
const decoder = compileSourceDecoder(SOURCE, viewsOf(DEFINITIONS));
const KINDS = new Set(['event', 'filtered', 'null_key', 'rejected']);

const scalar = fc.oneof(
  fc.constantFrom(null, true, 0, -0, 1, 2 ** 53, 1e308, 5e-324, '', '1', '\ud800', '2024-01-01T00:00:00Z'),
  fc.double(),
  fc.string({ unit: 'binary' }),
  fc.integer(),
);
const field = fc.constantFrom('at', 'id', 'k', 'i', 'x', 'a', 'list', 'pair', '__proto__', 'other');
const document = fc.dictionary(
  field,
  fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.constantFrom('b', 'c'), scalar)),
);
/** Near enough to a sound record that all stages are reached. */
const nearlySound = fc
  .record(
    {
      at: fc.nat(),
      k: fc.string(),
      i: fc.integer({ min: -9, max: 9 }),
      x: fc.double({ min: -9, max: 9, noNaN: true }),
    },
    { requiredKeys: ['at'] },
  )
  .chain((sound) => fc.oneof(fc.constant({}), document).map((noise) => ({ ...noise, ...sound })));

test('decoding never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (value) => {
      for (const outcome of decoder.decode(recordOf('', { value }))) expect(KINDS).toContain(outcome.kind);
    }),
    { numRuns: 2_000 },
  );
});

test('decoding never throws, whatever the JSON, and every outcome is on the list', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), document, nearlySound), (json) => {
      for (const outcome of decoder.decode(recordOf(JSON.stringify(json)))) {
        const kind = outcome.kind === 'rejected' ? outcome.code : outcome.kind;
        if (outcome.kind === 'rejected') expect(Object.keys(REJECTION_CODES)).toContain(outcome.code);
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: 4_000 },
  );
  // The generator is worth its name only if all stages are reached.
  for (const kind of ['event', 'null_key', 'filtered', 'wrong_type']) expect(seen.get(kind) ?? 0).toBeGreaterThan(40);
});

test('what ingest accepts, decoding does not find malformed, and its bytes are the event', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(document, nearlySound), (json) => {
      const parsed: unknown = JSON.parse(JSON.stringify(json));
      const valid = validateEvent(SOURCE, parsed);
      if (!valid.ok) return;
      accepted++;
      expect(JSON.parse(new TextDecoder().decode(valid.value))).toEqual(parsed);
      const [outcome] = decoder.decode(recordOf('', { value: valid.value, key: valid.key }));
      const late = ['expression_error', 'out_of_magnitude', 'too_far_ahead', 'key_too_long'];
      if (outcome?.kind === 'rejected') expect(late).toContain(outcome.code);
    }),
    { numRuns: 3_000 },
  );
  expect(accepted).toBeGreaterThan(300);
});

const CHANGES = load(`
sources:
  - name: s
    mode: upsert
    envelope: debezium
    event_time: at
    key: { fields: [k, i], encoding: json }
    fields: { at: { type: timestamp, path: source.ts_ms }, k: "string?", i: "int?", x: "double?", deep: { type: "double?", path: before.x } }
entities: [{ name: e, keys: { k: string, i: int } }]
views: [{ name: v, entity: e, source: s, where: "x > 0", features: [{ name: a, agg: last, of: "x + deep" }] }]
`);
const changes = compileSourceDecoder(sourceOf(CHANGES), viewsOf(CHANGES));
const change = fc
  .record(
    {
      op: fc.constantFrom('c', 'u', 'd', 'm', 't', 1),
      source: fc.record({ ts_ms: fc.nat() }),
      after: nearlySound,
      before: nearlySound,
    },
    { requiredKeys: ['op', 'source'] },
  )
  .chain((event) => fc.constantFrom<unknown>(event, { schema: {}, payload: event }, { payload: null }, null));
const recordKey = fc.oneof(
  fc.constant(null),
  fc.record({ k: fc.string(), i: fc.integer() }).map((key) => JSON.stringify(key)),
  fc.json(),
);

test('changes never throw, whatever the envelope and the key, and every outcome is on the list', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.oneof(change, document), recordKey, (json, key) => {
      const overrides = { key: key === null ? null : Buffer.from(key), ...(json === null ? { value: null } : {}) };
      for (const outcome of changes.decode(recordOf(JSON.stringify(json), overrides))) {
        const kind = outcome.kind === 'rejected' ? outcome.code : outcome.kind;
        if (outcome.kind === 'rejected') expect(Object.keys(REJECTION_CODES)).toContain(outcome.code);
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: 4_000 },
  );
  for (const kind of ['event', 'filtered', 'unreadable_key', 'unsupported_op', 'null_key']) {
    expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(40);
  }
});
