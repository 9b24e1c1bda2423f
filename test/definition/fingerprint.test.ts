/** What changes which fingerprint: each ingredient by itself. */
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { compilePlan } from '../../src/state/plan.ts';
import { load } from './support.ts';

const BASE = `
sources:
  - name: s
    topic: s
    format: json
    key: { fields: [k], encoding: string, separator: "|" }
    partitioner: murmur2
    event_time: ts
    event_id: id
    max_disorder: 1h
    max_ahead: 5m
    clock: watermark
    fields:
      ts: timestamp
      id: string
      k: string
      x: { type: double, nullable: true, path: after.x }
      c: string
      unused: int
    derive:
      twice: "x * 2"
      unused_too: "unused + 1"
entities:
  - { name: e, keys: { k: string } }
views:
  - name: v
    entity: e
    keys: { k: k }
    source: s
    where: "c <> 'b'"
    max_age: 2d
    history: 10m
    features:
      - { name: f, agg: sum, of: twice, where: "x > 1 AND x < 9", windows: [1h, 24h] }
      - { name: g, agg: mean, of: x, default: 0, windows: [{ length: 24h, offset: 7d }] }
      - { name: r, agg: last_n, n: 5, of: { a: x, b: c } }
      - { name: t, agg: top_k, k: 3, of: c, windows: [1h] }
services:
  - name: svc
    owner: us
    inputs: { scale: double, other: string }
    features:
      - v.*
      - { view: v, keys: { k: other }, prefix: other_ }
    derived:
      - { name: d1, expr: "f_1h * scale" }
      - { name: d2, expr: "f_24h" }
`;

/** `state` changes all three, `read` those of reading and service, `service` only that one. */
type Level = 'state' | 'read' | 'service' | 'none';

interface Mutation {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly level: Level;
}

const change = (level: Level, name: string, from: string, to: string): Mutation => ({ name, from, to, level });

const MUTATIONS: readonly Mutation[] = [
  // State: what its bits, or the log it is folded from, depend on.
  change('state', 'the type of a used field', 'id: string', 'id: int'),
  change('state', 'a used field becoming nullable', 'c: string', 'c: string?'),
  change('state', 'the path of a used field', 'path: after.x', 'path: before.x'),
  change('state', 'the expression of a used derived column', 'x * 2', 'x * 3'),
  change('state', 'the topic', 'topic: s', 'topic: s2'),
  change('state', 'the fields of the record key', 'fields: [k]', 'fields: [k, c]'),
  change('state', 'the encoding of the record key', 'encoding: string', 'encoding: json'),
  change('state', 'the separator of the record key', 'separator: "|"', 'separator: ":"'),
  change('state', 'the partitioner', 'partitioner: murmur2', 'partitioner: crc32'),
  change('state', 'the event id', 'event_id: id', 'event_id: c'),
  change('state', 'max_ahead', 'max_ahead: 5m', 'max_ahead: 6m'),
  change('state', 'max_disorder under the watermark clock', 'max_disorder: 1h', 'max_disorder: 2h'),
  change('state', 'the clock', 'clock: watermark', 'clock: wall'),
  change('state', 'the column of an entity key', 'keys: { k: k }', 'keys: { k: c }'),
  change('state', "the view's condition", "c <> 'b'", "c <> 'a'"),
  change('state', 'the history', 'history: 10m', 'history: 11m'),
  change('state', 'head_max', 'history: 10m', 'history: 10m\n    head_max: 128'),
  change('state', 'head_limit', 'history: 10m', 'history: 10m\n    head_limit: 5000'),
  change('state', 'an aggregation', 'agg: mean', 'agg: max'),
  change('state', 'a parameter', 'n: 5', 'n: 6'),
  change('state', 'a parameter that had its default', 'k: 3', 'k: 3, keys_max: 50'),
  change('state', 'what a feature reads', 'agg: mean, of: x', 'agg: mean, of: "x + 1"'),
  change('state', 'the members of a struct', 'b: c }', 'b: k }'),
  change('state', "a feature's condition", 'where: "x > 1 AND', 'where: "x > 2 AND'),
  change('state', 'the length of a window', 'of: c, windows: [1h]', 'of: c, windows: [2h]'),
  change('state', 'one window more', 'windows: [1h, 24h]', 'windows: [1h, 24h, 7d]'),
  change('state', 'the hop of a window', 'windows: [1h, 24h]', 'windows: [1h, { length: 24h, hop: 5m }]'),
  change('state', 'the offset of a window', 'offset: 7d', 'offset: 6d'),

  // Reading: what the same state is served as.
  change('read', 'max_age', 'max_age: 2d', 'max_age: 3d'),
  change('read', 'no max_age', '    max_age: 2d\n', ''),
  change('read', 'a default', 'default: 0', 'default: 1'),
  change('read', 'no default', 'default: 0, ', ''),
  change('read', 'incomplete', 'max_age: 2d', 'max_age: 2d\n    incomplete: serve'),
  change('read', 'history: complete', 'clock: watermark', 'clock: watermark\n    history: complete'),
  change('read', 'the name of a feature', 'name: g,', 'name: gg,'),
  change('read', 'the order of windows', 'windows: [1h, 24h]', 'windows: [24h, 1h]'),
  change('read', 'a window written in another unit', '24h, offset: 7d', '1d, offset: 7d'),
  change(
    'read',
    'the order of features',
    `      - { name: r, agg: last_n, n: 5, of: { a: x, b: c } }
      - { name: t, agg: top_k, k: 3, of: c, windows: [1h] }
`,
    `      - { name: t, agg: top_k, k: 3, of: c, windows: [1h] }
      - { name: r, agg: last_n, n: 5, of: { a: x, b: c } }
`,
  ),

  // The service: what one model reads.
  change('service', 'which features are read', 'prefix: other_ }', 'prefix: other_, features: [f] }'),
  change('service', 'a prefix', 'prefix: other_ }', 'prefix: another_ }'),
  change('service', 'a key mapping', 'keys: { k: other }', 'keys: { k: "lower(other)" }'),
  change('service', 'the type of an input', 'scale: double', 'scale: int'),
  change('service', 'an input becoming nullable', 'scale: double', 'scale: "double?"'),
  change('service', 'one input more', 'scale: double', 'scale: double, more: int'),
  change('service', 'a derived expression', 'f_1h * scale', 'f_1h * scale * 2'),
  change('service', 'the name of a derived feature', 'name: d2', 'name: d3'),
  change('service', 'as_of: required', 'owner: us', 'owner: us\n    as_of: required'),
  change(
    'service',
    'the order of derived features',
    `      - { name: d1, expr: "f_1h * scale" }
      - { name: d2, expr: "f_24h" }
`,
    `      - { name: d2, expr: "f_24h" }
      - { name: d1, expr: "f_1h * scale" }
`,
  ),

  // Nothing: prose, operation, formatting, what nobody uses.
  change('none', 'a description', 'owner: us', 'owner: us\n    description: for the model'),
  change('none', 'an owner', 'owner: us', 'owner: them'),
  change('none', 'the owner and labels of a source', 'topic: s', 'topic: s\n    owner: ops\n    labels: { team: a }'),
  change('none', 'the description of a view and a feature', 'agg: mean,', 'agg: mean, description: average,'),
  change('none', 'tags of a source', 'topic: s', 'topic: s\n    tags: [pii]'),
  change('none', 'owner and tags of a feature', 'agg: mean,', 'agg: mean, owner: them, tags: [core],'),
  change('none', 'a feature that is given up', 'agg: mean,', 'agg: mean, deprecated: { on: 2027-01-01, use: f },'),
  change('none', 'a view that is given up', 'history: 10m', 'history: 10m\n    deprecated: { on: 2027-01-01 }'),
  change('none', 'a service that is given up', 'owner: us', 'owner: us\n    deprecated: { on: 2027-01-01 }'),
  change('none', 'a derived feature that is given up', 'name: d2,', 'name: d2, deprecated: { on: 2027-01-01 },'),
  change('none', 'a comment', 'topic: s', 'topic: s # here'),
  change('none', 'the type of a field nobody uses', 'unused: int', 'unused: int?'),
  change('none', 'a new field', 'unused: int', 'unused: int\n      more: string'),
  change('none', 'the order of fields', '      c: string\n      unused: int', '      unused: int\n      c: string'),
  change('none', 'a derived column nobody uses', 'unused + 1', 'unused + 2'),
  change(
    'none',
    'idle_after, stale_after and expiry_slack',
    'topic: s',
    'topic: s\n    idle_after: 2m\n    stale_after: 2m\n    expiry_slack: 2d',
  ),
  change('none', 'white space and parentheses of an expression', "c <> 'b'", "( c  <>  'b' )"),
  change('none', 'the case of keywords', 'x > 1 AND', 'x > 1 and'),
  change('none', 'a default written out', 'topic: s', 'topic: s\n    mode: append'),
  change('none', 'a hop written out', 'windows: [1h, 24h]', 'windows: [{ length: 1h, hop: 1m }, 24h]'),
  change('none', 'the order of keys', '{ name: g, agg: mean, of: x,', '{ of: x, agg: mean, name: g,'),
  change('none', 'the order of inputs', 'scale: double, other: string', 'other: string, scale: double'),
  change('none', 'a version', 'name: svc', 'name: svc\n    version: 3'),
];

interface Fingerprints {
  readonly state: string;
  readonly read: string;
  readonly service: string;
}

function fingerprintsOf(yaml: string): Fingerprints {
  const definitions = load(yaml);
  const [view] = definitions.views.values();
  const [service] = definitions.services.values();
  if (view === undefined || service === undefined) throw new Error('one view and one service');
  return { state: view.stateFingerprint, read: view.readFingerprint, service: service.fingerprint };
}

function changedBetween(one: string, other: string): readonly string[] {
  const before = fingerprintsOf(one);
  const after = fingerprintsOf(other);
  return (['state', 'read', 'service'] as const).filter((key) => before[key] !== after[key]);
}

const CHANGED: Readonly<Record<Level, readonly string[]>> = {
  state: ['state', 'read', 'service'],
  read: ['read', 'service'],
  service: ['service'],
  none: [],
};

for (const { name, from, to, level } of MUTATIONS) {
  test(`${level === 'none' ? 'no fingerprint' : `the ${level} fingerprint`} changes with ${name}`, () => {
    const mutated = BASE.replace(from, to);
    expect(mutated).not.toBe(BASE);
    expect(changedBetween(BASE, mutated)).toEqual(CHANGED[level]);
  });
}

test('max_disorder changes nothing under the wall clock', () => {
  const wall = BASE.replace('clock: watermark', 'clock: wall');
  expect(fingerprintsOf(wall.replace('max_disorder: 1h', 'max_disorder: 2h'))).toEqual(fingerprintsOf(wall));
});

test("the name of a source is part of its views' states, the name of an entity or a view is not", () => {
  const before = fingerprintsOf(BASE);
  const renamedSource = BASE.replace('name: s\n', 'name: s9\n').replace('source: s\n', 'source: s9\n');
  expect(fingerprintsOf(renamedSource).state).not.toBe(before.state);
  const renamedEntity = BASE.replace('name: e,', 'name: e9,').replace('entity: e\n', 'entity: e9\n');
  expect(fingerprintsOf(renamedEntity)).toEqual(before);
  const renamedView = BASE.replace('name: v\n', 'name: v9\n').replace('v.*', 'v9.*').replace('view: v,', 'view: v9,');
  expect(fingerprintsOf(renamedView)).toEqual(before);
});

const PAIR = `
sources:
  - name: s
    event_time: ts
    event_id: id
    fields: { ts: timestamp, ts2: timestamp, id: string, id2: string, k: string, c: string, x: double }
entities: [{ name: e, keys: { a: string, b: string } }]
views:
  - name: v
    entity: e
    keys: { a: k, b: c }
    source: s
    features:
      - { name: used, agg: last, of: { t: ts, t2: ts2, i: id, i2: id2, k: k, c: c } }
      - { name: f, agg: sum, of: x }
      - { name: g, agg: mean, of: x }
services: [{ name: svc, inputs: { a: string, b: string }, features: [{ view: v, keys: { a: a, b: b } }] }]
`;

// Every field is used whatever changes: so it is the role that is hashed, not only that the field is read.
test.each([
  ['which field is the event time', 'event_time: ts', 'event_time: ts2', 'state'],
  ['which field is the event id', 'event_id: id', 'event_id: id2', 'state'],
  ['that there is an event id', '    event_id: id\n', '', 'state'],
  ['which column is which entity key', 'a: k, b: c }\n', 'a: c, b: k }\n', 'state'],
  [
    'which feature is which aggregate',
    'f, agg: sum, of: x }\n      - { name: g, agg: mean',
    'f, agg: mean, of: x }\n      - { name: g, agg: sum',
    'read',
  ],
  ['the order of keys in a mapping', 'keys: { a: k, b: c }\n', 'keys: { b: c, a: k }\n', 'none'],
  ['the order of keys in a service mapping', 'keys: { a: a, b: b }', 'keys: { b: b, a: a }', 'none'],
] as const)('roles count: %s', (_name, from, to, level) => {
  const mutated = PAIR.replace(from, to);
  expect(mutated).not.toBe(PAIR);
  expect(changedBetween(PAIR, mutated)).toEqual(CHANGED[level]);
});

const ROWS = `
sources:
  - name: s
    mode: upsert
    envelope: debezium
    key: { fields: [k], encoding: json }
    event_time: ts
    fields: { ts: { type: timestamp, path: ts_ms }, k: string, x: "double?", c: "string?" }
entities: [{ name: e, keys: { k: string } }]
views:
  - name: v
    entity: e
    source: s
    where: "c <> 'b'"
    features:
      - { name: f, agg: last, of: x, where: "x > 0", windows: [1h] }
      - { name: g, agg: last, of: x }
      - { name: h, agg: last, of: { a: x, b: c } }
services: [{ name: svc, features: [v.*] }]
`;

test.each([
  ['the mode', 'mode: upsert', 'mode: append', 'state'],
  ['the envelope', '    envelope: debezium\n', '', 'state'],
  ["the view's condition", "c <> 'b'", "c <> 'a'", 'state'],
  ["a feature's condition", 'where: "x > 0"', 'where: "x > 1"', 'state'],
  ['what a feature reads', 'agg: last, of: x }', 'agg: last, of: "x + 1" }', 'state'],
  ['a window', 'windows: [1h]', 'windows: [2h]', 'state'],
  ['a default', 'agg: last, of: x }', 'agg: last, of: x, default: 1 }', 'read'],
  [
    'which feature is which value',
    'name: g, agg: last, of: x }',
    'name: g, agg: last, of: x, where: "x > 0" }',
    'state',
  ],
  [
    'which feature has which name',
    'name: g, agg: last, of: x }\n      - { name: h, agg: last, of: { a: x, b: c } }',
    'name: g, agg: last, of: { a: x, b: c } }\n      - { name: h, agg: last, of: x }',
    'read',
  ],
] as const)('in upsert mode, %s', (_name, from, to, level) => {
  const mutated = ROWS.replace(from, to);
  expect(mutated).not.toBe(ROWS);
  expect(changedBetween(ROWS, mutated)).toEqual(CHANGED[level]);
});

test('a row has one layout, whatever the order and the names of features', () => {
  const lines = ROWS.split('\n');
  const start = lines.findIndex((line) => line.includes('name: f,'));
  const reversed = lines.toSpliced(start, 3, ...lines.slice(start, start + 3).toReversed());
  const renamed = reversed.join('\n').replace('name: g,', 'name: a_first,');
  const layout = (yaml: string): unknown => {
    const [view] = load(yaml).views.values();
    const members = view?.row?.map(({ name, canonical, where }) => [name, canonical, where?.canonical]);
    return { fingerprint: view?.stateFingerprint, members, columns: view?.columns };
  };
  expect(layout(renamed)).toEqual(layout(ROWS));
  expect(fingerprintsOf(renamed).read).not.toBe(fingerprintsOf(ROWS).read);
});

test('the envelope counts by itself, where every path is the same without it', () => {
  const enveloped = ROWS.replace('encoding: json', 'encoding: string').replace(
    'k: string, x: "double?", c: "string?" }',
    'k: { type: string, path: after.k }, x: { type: "double?", path: after.x }, c: { type: "string?", path: after.c } }',
  );
  expect(changedBetween(enveloped, enveloped.replace('    envelope: debezium\n', ''))).toEqual(CHANGED.state);
});

test('the names of entity keys belong to reading', () => {
  const renamed = PAIR.replace('keys: { a: string, b', 'keys: { z: string, b')
    .replace('keys: { a: k', 'keys: { z: k')
    .replace('keys: { a: a', 'keys: { z: a');
  expect(changedBetween(PAIR, renamed)).toEqual(CHANGED.read);
});

test('views of one state fingerprint have one stored layout, whatever the order and the names of features', () => {
  const layout = (yaml: string): unknown => {
    const [view] = load(yaml).views.values();
    if (view === undefined) throw new Error('one view');
    const plan = compilePlan(view, AGGREGATIONS);
    return {
      fingerprint: view.stateFingerprint,
      columns: view.columns.map((column) => column.canonical),
      filters: view.filters.map((filter) => filter.canonical),
      levels: plan.levels.map(({ hopMs, slots }) => [hopMs, slots.map((slot) => slot.key)]),
    };
  };
  const lines = BASE.split('\n');
  const start = lines.findIndex((line) => line.includes('name: f,'));
  const reversed = [...lines.slice(0, start), ...lines.slice(start, start + 4).toReversed(), ...lines.slice(start + 4)];
  const renamed = reversed.join('\n').replace('name: r,', 'name: a_first,');
  expect(layout(renamed)).toEqual(layout(BASE));
});

test('fingerprints are 32 hexadecimal digits and stay what they were', () => {
  const fingerprints = fingerprintsOf(BASE);
  for (const fingerprint of Object.values(fingerprints)) expect(fingerprint).toMatch(/^[0-9a-f]{32}$/);
  expect(fingerprints).toMatchInlineSnapshot(`
    {
      "read": "756062c606ae6e24f000c496f4230348",
      "service": "c3bb0568a18148839f039876eeb7f876",
      "state": "f589adfe92639098d88f875fb73281a3",
    }
  `);
});
