/** Values of every type, from an event's JSON through log, state and store to the answer's JSON. */
import { expect, test } from 'vitest';
import { NEWEST_MS, startAirport } from './fixture.ts';

const DEFINITIONS = `
sources:
  - name: s
    topic: s
    format: json
    key: [k]
    event_time: ts
    clock: watermark
    fields: { k: string, ts: timestamp, d: "double?", i: "int?", l: "int64?", t: "timestamp?", b: "bool?", s: "string?", a: "string[]?", v: "double[2]?" }
entities: [{ name: one, keys: { k: string } }]
views:
  - name: latest
    entity: one
    source: s
    features:
      - { name: d, agg: last, of: d }
      - { name: i, agg: last, of: i }
      - { name: l, agg: last, of: l }
      - { name: t, agg: last, of: t }
      - { name: b, agg: last, of: b }
      - { name: s, agg: last, of: s }
      - { name: recent, agg: last_n, n: 2, of: { l: l, t: t, d: d } }
      - { name: longs, agg: last_n, n: 2, of: l }
services: [{ name: svc, features: [latest.*], derived: [{ name: negated, expr: "-(d * 0)" }] }]
`;

test.for([
  ['zero', { d: 0, i: 0, l: 0, t: 0, b: false, s: '' }],
  ['negative zero', { d: -0, i: -0, l: '0', t: 0, b: false, s: '-0' }],
  [
    'the largest',
    { d: 1.7976931348623157e308, i: 2 ** 53 - 1, l: '9223372036854775807', t: 253_402_300_799_999, b: true, s: '￿𝄞' },
  ],
  [
    'the smallest',
    {
      d: -1e300,
      i: -(2 ** 53) + 1,
      l: '-9223372036854775808',
      t: -62_167_219_200_000,
      b: true,
      s: '\u0000\n"\\\u2028',
    },
  ],
  ['subnormal', { d: 5e-324, i: -1, l: '9007199254740993', t: 1, b: true, s: '<script>&' }],
  ['digits', { d: 0.1 + 0.2, i: 1, l: '-9007199254740993', t: -1, b: true, s: '__proto__' }],
] as const)('%s', async ([, fields]) => {
  const { vectors } = await startAirport({
    definitions: DEFINITIONS,
    events: { s: [{ k: 'a', ts: NEWEST_MS, ...fields }] },
  });
  const answer = await vectors('svc', { entities: [{ k: 'a' }], as_of: NEWEST_MS + 1, include: ['status'] });
  const [{ values, status }] = answer.json.vectors;
  const { d, i, l, t, b, s } = fields;
  const time = new Date(t).toISOString();
  const expected = [d + 0, i + 0, String(l), time, b, s, [{ l: String(l), t: time, d: d + 0 }], [String(l)]];
  expect(JSON.stringify(values.slice(0, -1))).toBe(JSON.stringify(expected));
  expect(answer.text).not.toMatch(/-0[,\]}]/);
  expect(new Set(status.slice(0, -1))).toEqual(new Set(['PRESENT']));
});

test('null of every type is null, in structs too', async () => {
  const { vectors } = await startAirport({ definitions: DEFINITIONS, events: { s: [{ k: 'a', ts: NEWEST_MS }] } });
  const answer = await vectors('svc', { entities: [{ k: 'a' }], as_of: NEWEST_MS + 1 });
  const [{ values }] = answer.json.vectors;
  expect(values.slice(0, 6)).toEqual(Array(6).fill(null));
  expect(values[6]).toEqual([{ l: null, t: null, d: null }]);
  expect(values.slice(7)).toEqual([[], null]);
});
