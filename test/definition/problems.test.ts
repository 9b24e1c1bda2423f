/** Bad definitions: each kind of problem at its place, with what was probably meant; all of them at once. */
import { expect, test } from 'vitest';
import type { AggregationRules } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { formatProblem } from '../../src/definition/problem.ts';
import { EXAMPLE, tryLoad } from './support.ts';

/** Lines 1 to 4. */
const BASE = `sources:
  - { name: s, event_time: ts, fields: { ts: timestamp, k: string, k2: int, x: double?, n: int, c: string? } }
entities:
  - { name: e, keys: { k: string } }
`;

/** Lines 1 to 7; features from line 8 on, at column 7. */
const VIEW = `${BASE}views:
  - { name: spare, entity: e, source: s, features: [{ name: spare, agg: count }] }
  - name: v
    entity: e
    source: s
    features:
`;

/** Lines 1 to 8. */
const SERVICE = `${BASE}views:
  - { name: v, entity: e, source: s, features: [{ name: f, agg: count, windows: [1h, 24h] }] }
  - { name: w, entity: e, source: s, features: [{ name: g, agg: mean, of: x }] }
services:
`;

interface Case {
  readonly name: string;
  readonly yaml: string;
  /** `line:column path code`, then ` -> suggestion` if there is one. */
  readonly problems: readonly string[];
}

const YAML: readonly Case[] = [
  {
    name: 'broken syntax',
    yaml: 'sources: [\nviews: }',
    problems: ['2:1  bad_yaml', '2:8  bad_yaml'],
  },
  { name: 'a second document', yaml: 'sources: []\n---\nviews: []\n', problems: ['2:1  bad_yaml'] },
  { name: 'a tag', yaml: 'sources: !!set []\n', problems: ['1:10  bad_yaml'] },
  { name: 'a repeated key', yaml: `${BASE}sources: []\n`, problems: ['5:1  duplicate_key'] },
  { name: 'a list for a file', yaml: '- a\n', problems: ['1:1  wrong_type'] },
  { name: 'an unknown section', yaml: 'view: []\n', problems: ['1:1 view unknown_key -> views'] },
  { name: 'a section that is no list', yaml: 'views: {}\n', problems: ['1:8 views wrong_type'] },
];

const SOURCES: readonly Case[] = [
  {
    name: 'misspelt and missing keys',
    yaml: 'sources:\n  - name: s\n    evnt_time: ts\n    labels: { a: 1 }\n',
    problems: [
      '2:5 sources[0].fields missing_key',
      '3:5 sources[0].evnt_time unknown_key -> event_time',
      '4:18 sources[0].labels.a wrong_type -> quotes around it: "1"',
    ],
  },
  {
    name: 'names that are not names',
    yaml: 'sources: [{ name: My-Source, event_time: ts, fields: { ts: timestamp }, derive: { Twice: "ts" } }]\n',
    problems: ['1:19 sources[0].name bad_value -> my_source', '1:83 sources[0].derive.Twice bad_value -> twice'],
  },
  {
    name: 'values outside their lists',
    yaml: 'sources: [{ name: s, event_time: ts, fields: { ts: timestamp }, clock: watermrk, partitioner: md5, history: all }]\n',
    problems: [
      '1:72 sources[0].clock bad_value -> watermark',
      '1:95 sources[0].partitioner bad_value',
      '1:109 sources[0].history bad_value',
    ],
  },
  {
    name: 'durations',
    yaml: 'sources: [{ name: s, event_time: ts, fields: { ts: timestamp }, max_disorder: 2 hours, max_ahead: 60, idle_after: 0s, stale_after: 99999d }]\n',
    problems: [
      '1:79 sources[0].max_disorder bad_value -> 2h',
      '1:99 sources[0].max_ahead wrong_type -> quotes around it: "60"',
      '1:115 sources[0].idle_after bad_value',
      '1:132 sources[0].stale_after bad_value',
    ],
  },
  {
    name: 'types',
    yaml: 'sources: [{ name: s, event_time: ts, fields: { ts: timestamp, a: integer, b: "string[3]", c: { type: int, length: 3 }, d: [int], e: { type: strin } } }]\n',
    problems: [
      '1:66 sources[0].fields.a bad_value -> int',
      '1:78 sources[0].fields.b bad_value',
      '1:115 sources[0].fields.c.length type_mismatch',
      '1:123 sources[0].fields.d wrong_type',
      '1:141 sources[0].fields.e.type bad_value -> string',
    ],
  },
  {
    name: 'an event time that is no field, is nullable, is of another type; an event id that cannot be one',
    yaml: `sources:
  - { name: a, event_time: tss, fields: { ts: timestamp } }
  - { name: b, event_time: ts, fields: { ts: timestamp? } }
  - { name: c, event_time: ts, event_id: x, fields: { ts: int, x: double } }
`,
    problems: [
      '2:28 sources[0].event_time unknown_reference -> ts',
      '3:28 sources[1].event_time type_mismatch',
      '4:28 sources[2].event_time type_mismatch',
      '4:42 sources[2].event_id type_mismatch',
    ],
  },
  {
    name: 'record keys',
    yaml: `sources:
  - { name: a, event_time: ts, key: [flight_idd], fields: { ts: timestamp, flight_id: string } }
  - { name: b, event_time: ts, key: [x, x], fields: { ts: timestamp, x: double } }
  - { name: c, event_time: ts, key: { fields: [x, ts], encoding: int64be }, fields: { ts: timestamp, x: string } }
  - { name: d, event_time: ts, key: { fields: [y], encoding: int64be }, fields: { ts: timestamp } }
`,
    problems: [
      '2:38 sources[0].key[0] unknown_reference -> flight_id, or declaring flight_idd under fields',
      '3:38 sources[1].key[0] type_mismatch',
      '3:41 sources[1].key[1] duplicate_name -> removing one',
      '4:48 sources[2].key.fields[0] type_mismatch',
      '4:66 sources[2].key.encoding bad_value',
      '5:48 sources[3].key.fields[0] type_mismatch',
    ],
  },
  {
    name: 'derived columns: unknown names, order, circles, a name that is taken; what rests on them is not repeated',
    yaml: `sources:
  - name: s
    event_time: ts
    fields: { ts: timestamp, price: double }
    derive:
      early: "late_one + 1"
      late_one: "pricee * 2"
      itself: "itself + 1"
      after: "late_one * 3"
      price: "1 + 1"
`,
    problems: [
      '6:14 sources[0].derive.early bad_expression -> moving late_one before early',
      '7:18 sources[0].derive.late_one bad_expression -> price',
      '8:15 sources[0].derive.itself bad_expression',
      '10:7 sources[0].derive.price duplicate_name -> another name',
    ],
  },
  {
    name: 'two sources and two entities of one name',
    yaml: `${BASE}  - { name: e, keys: { other: double, as_of: timestamp, maybe: string?, list: "int[]" } }\n`,
    problems: [
      '5:13 entities[1].name duplicate_name -> another name',
      '5:31 entities[1].keys.other type_mismatch',
      '5:39 entities[1].keys.as_of reserved_name -> another name',
      '5:64 entities[1].keys.maybe type_mismatch',
      '5:79 entities[1].keys.list type_mismatch',
    ],
  },
];

/** Lines 1 to 6; views from line 7 on. */
const UPSERT = `sources:
  - { name: s, mode: upsert, key: [k, j], event_time: ts, fields: { ts: timestamp, k: string, j: int, x: double?, c: string? }, derive: { k2: "lower(k)" } }
entities:
  - { name: e, keys: { k: string, j: int } }
  - { name: f, keys: { k: string } }
views:
`;

const UPSERTS: readonly Case[] = [
  {
    name: 'upsert without a key, and with an event id',
    yaml: 'sources: [{ name: s, event_time: ts, fields: { ts: timestamp, id: string }, mode: upsert, event_id: id }]\n',
    problems: ['1:83 sources[0].mode missing_key', '1:91 sources[0].event_id not_supported -> removing it'],
  },
  {
    name: 'a mode and an envelope that there are not',
    yaml: 'sources: [{ name: s, event_time: ts, fields: { ts: timestamp }, mode: upserts, envelope: debesium }]\n',
    problems: ['1:71 sources[0].mode bad_value -> upsert', '1:90 sources[0].envelope bad_value -> debezium'],
  },
  {
    name: 'a key that is not of the row in an envelope',
    yaml: `sources:
  - name: s
    envelope: debezium
    event_time: ts
    key: [a, b, c, d]
    fields:
      ts: { type: timestamp, path: source.ts_ms }
      a: string
      b: { type: string, path: after.b2 }
      c: { type: string, path: source.table }
      d: { type: string, path: after.nested.d }
`,
    problems: ['5:10 sources[0].key bad_value', '5:10 sources[0].key bad_value'],
  },
  {
    name: 'views of an upsert source by less than its key, by more, and by a derived column',
    yaml: `${UPSERT}  - { name: v, entity: f, source: s, features: [{ name: x, agg: last, of: x }] }
  - { name: w, entity: e, source: s, keys: { k: k2 }, features: [{ name: x, agg: last, of: x }] }
  - { name: right, entity: e, source: s, features: [{ name: x, agg: last, of: x }] }
`,
    problems: [
      '7:24 views[0].entity not_supported -> an entity of k, j, or mode: append',
      '8:44 views[1].keys not_supported -> an entity of k, j, or mode: append',
    ],
  },
  {
    name: 'aggregations of an upsert source other than last, and windows that end earlier',
    yaml: `${UPSERT}  - name: v
    entity: e
    source: s
    features:
      - { name: n, agg: count }
      - { name: total, agg: sum, of: x, windows: [1h] }
      - { name: x, agg: last, of: x, windows: [1h, { length: 1h, offset: 1d }] }
`,
    problems: [
      '11:25 views[0].features[0].agg not_supported -> last, or mode: append',
      '12:29 views[0].features[1].agg not_supported -> last, or mode: append',
      '13:52 views[0].features[2].windows[1] bad_window -> a window without offset, or an earlier as_of',
    ],
  },
];

const VIEWS: readonly Case[] = [
  {
    name: 'unknown sources and entities, without a word on what rests on them',
    yaml: `${BASE}views:
  - { name: v, entity: ee, source: t, where: "a > b", features: [{ name: f, agg: sum, of: zz }] }
services:
  - { name: svc, features: [v.*], derived: [{ name: d, expr: "f * 2" }] }
`,
    problems: ['6:24 views[0].entity unknown_reference -> e', '6:36 views[0].source unknown_reference -> s'],
  },
  {
    name: 'entity keys without a column, of another type, and mapped though they are none',
    yaml: `${BASE}  - { name: f, keys: { kk: string, k2: string } }
views:
  - { name: v, entity: f, source: s, features: [{ name: f, agg: count }] }
  - { name: w, entity: e, source: s, keys: { k: n, kay: c }, features: [{ name: f, agg: count }] }
  - { name: x, entity: e, source: s, keys: { k: c }, features: [{ name: f, agg: count }] }
`,
    problems: [
      '7:24 views[0].entity unknown_reference -> k',
      '7:24 views[0].entity type_mismatch',
      '8:49 views[1].keys.k type_mismatch',
      '8:52 views[1].keys.kay unknown_reference',
    ],
  },
  {
    name: 'conditions that are none, and expressions with an unknown column, each at its word',
    yaml: `${BASE}views:
  - name: v
    entity: e
    source: s
    where: "x + 1"
    features:
      - { name: f, agg: sum, of: "x + xx" }
      - { name: g, agg: count, where: "n" }
      - name: h
        agg: last_n
        n: 3
        of: { a: "x", b: 'c || zzzzz' }
`,
    problems: [
      '9:12 views[0].where type_mismatch',
      '11:39 views[0].features[0].of bad_expression -> x',
      '12:39 views[0].features[1].where type_mismatch',
      '16:32 views[0].features[2].of.b bad_expression',
    ],
  },
  {
    name: 'aggregations: unknown, without what they read, of the wrong type, with foreign or bad parameters',
    yaml: `${VIEW}      - { name: a, agg: avg, of: x }
      - { name: b, agg: mean }
      - { name: c, agg: mean, of: c }
      - { name: d, agg: sum, of: x, n: 3 }
      - { name: e, agg: last_n, of: x }
      - { name: f, agg: last_n, of: x, n: 1.5 }
      - { name: g, agg: histogram, of: x, edges: [1, 1] }
      - { name: h, agg: histogram, of: x, edges: [] }
      - { name: i, agg: quantile, of: x, q: 2 }
`,
    problems: [
      '11:25 views[1].features[0].agg unknown_reference -> mean',
      '12:9 views[1].features[1] missing_key',
      '13:35 views[1].features[2].of type_mismatch',
      '14:37 views[1].features[3].n bad_parameter -> removing it',
      '15:9 views[1].features[4] bad_parameter',
      '16:43 views[1].features[5].n bad_parameter',
      '17:50 views[1].features[6].edges bad_parameter',
      '18:50 views[1].features[7].edges bad_value',
      '19:45 views[1].features[8].q bad_parameter',
    ],
  },
  {
    name: 'windows: no duration, zero, twice, a hop that is too long or does not nest',
    yaml: `${VIEW}      - { name: a, agg: count, windows: [1 hour] }
      - { name: b, agg: count, windows: [0s] }
      - { name: c, agg: count, windows: [24h, 1d, lifetime, lifetime] }
      - { name: d, agg: count, windows: [{ length: 1m, hop: 1h }] }
      - { name: e, agg: count, windows: [{ length: 7m, hop: 7s }, 10m] }
      - { name: f, agg: count, windows: [{ length: 1h, offset: 0s }] }
      - { name: g, agg: count, windows: [{ hop: 1h }] }
      - { name: h, agg: count, windows: 1h }
`,
    problems: [
      '11:42 views[1].features[0].windows[0] bad_value -> 1h',
      '12:42 views[1].features[1].windows[0] bad_value',
      '13:47 views[1].features[2].windows[1] bad_window -> removing one',
      '13:61 views[1].features[2].windows[3] bad_window -> removing one',
      '14:61 views[1].features[3].windows[0].hop bad_window',
      '15:42 views[1].features[4].windows[0] bad_window -> a declared hop such as { length: 2h, hop: 5m } that divides',
      '16:64 views[1].features[5].windows[0].offset bad_value',
      '17:42 views[1].features[6].windows[0].length missing_key',
      '18:41 views[1].features[7].windows wrong_type -> a list: [ … ]',
    ],
  },
  {
    name: 'defaults of another type',
    yaml: `${VIEW}      - { name: a, agg: mean, of: x, default: none }
      - { name: b, agg: last, of: c, default: 3 }
      - { name: c, agg: last_n, n: 2, of: n, default: [1, x] }
      - { name: d, agg: last, of: ts, default: yesterday }
`,
    problems: [
      '11:47 views[1].features[0].default type_mismatch',
      '12:47 views[1].features[1].default type_mismatch',
      '13:55 views[1].features[2].default type_mismatch',
      '14:48 views[1].features[3].default type_mismatch',
    ],
  },
  {
    name: 'names of features: twice, and two that give one output',
    yaml: `${VIEW}      - { name: a, agg: count, windows: [1h] }
      - { name: a, agg: mean, of: x, windows: [24h] }
      - { name: a_1h, agg: mean, of: x }
`,
    problems: [
      '12:17 views[1].features[1].name duplicate_name -> one feature with all windows, or another name',
      '13:17 views[1].features[2].name name_clash',
    ],
  },
  {
    name: 'one version twice, and settings out of bounds',
    yaml: `${BASE}views:
  - { name: v, version: 0, entity: e, source: s, features: [{ name: f, agg: count }] }
  - { name: v, version: 2, entity: e, source: s, features: [{ name: f, agg: count }], max_age: 0s }
  - { name: v, version: 2, entity: e, source: s, features: [{ name: f, agg: count }], head_max: 9, head_limit: 5 }
  - { name: w, entity: e, source: s, features: [] }
`,
    problems: [
      '6:25 views[0].version bad_value',
      '7:96 views[1].max_age bad_value',
      '8:13 views[2].name duplicate_name -> another version',
      '8:112 views[2].head_limit bad_value',
      '9:48 views[3].features bad_value',
    ],
  },
  {
    name: 'more than 31 different conditions',
    yaml: `${VIEW}${Array.from({ length: 32 }, (_, i) => `      - { name: f${i}, agg: count, where: "n > ${i}" }\n`).join('')}`,
    problems: ['11:7 views[1].features over_limit -> a derived column, or a second view'],
  },
];

const SERVICES: readonly Case[] = [
  {
    name: 'references to no view, no version, no feature; text that is no reference',
    yaml: `${SERVICE}  - name: svc
    features: [vv.*, v@3.*, v.f_2h, v, { view: v, features: [h] }]
`,
    problems: [
      '10:16 services[0].features[0] unknown_reference -> v',
      '10:22 services[0].features[1] unknown_reference -> v',
      '10:29 services[0].features[2] unknown_reference -> f_1h',
      '10:37 services[0].features[3] bad_value',
      '10:62 services[0].features[4].features[0] unknown_reference -> f',
    ],
  },
  {
    name: 'clashing names suggest a prefix, once for each entry',
    yaml: `${SERVICE}  - name: svc
    inputs: { dest: string, g: double }
    features:
      - v.*
      - { view: v, keys: { k: dest } }
      - w.g
    derived:
      - { name: f_1h, expr: "1" }
      - { name: twice, expr: "2" }
      - { name: twice, expr: "3" }
`,
    problems: [
      '13:9 services[0].features[1] name_clash -> { view: v, prefix: dest_ }',
      '14:9 services[0].features[2] name_clash -> { view: w, prefix: w_ }',
      '16:17 services[0].derived[0].name name_clash -> another name',
      '18:17 services[0].derived[2].name name_clash -> another name',
    ],
  },
  {
    name: 'keys: mapped to what nobody knows, of another type, of no entity key',
    yaml: `${SERVICE}  - name: svc
    inputs: { hour: int }
    features:
      - { view: v, keys: { k: dest } }
      - { view: v, keys: { k: hour }, prefix: a_ }
      - { view: v, keys: { q: hour }, prefix: b_ }
      - { view: v, keys: { k: "lower(hour)" }, prefix: c_ }
`,
    problems: [
      '12:31 services[0].features[0].keys.k unknown_reference -> inputs: { dest: string }',
      '13:31 services[0].features[1].keys.k type_mismatch',
      '14:28 services[0].features[2].keys.q unknown_reference -> k',
      '15:38 services[0].features[3].keys.k bad_expression -> CAST it AS string',
    ],
  },
  {
    name: 'inputs: named like a key, named as_of, of no type',
    yaml: `${SERVICE}  - name: svc
    inputs: { k: string, as_of: timestamp, z: strng }
    features: [v.*]
    derived: [{ name: d, expr: "z + 1" }]
`,
    problems: [
      '10:15 services[0].inputs.k name_clash -> removing it from inputs: expressions can use the key',
      '10:26 services[0].inputs.as_of reserved_name -> removing it',
      '10:47 services[0].inputs.z bad_value -> string',
    ],
  },
  {
    name: 'one key of two types in one request',
    yaml: `${BASE}  - { name: i, keys: { k: int } }
views:
  - { name: v, entity: e, source: s, features: [{ name: f, agg: count }] }
  - { name: w, entity: i, keys: { k: n }, source: s, features: [{ name: g, agg: count }] }
services:
  - { name: svc, features: [v.*, w.*] }
`,
    problems: ['10:34 services[0].features[1] type_mismatch -> keys: { k: an input of type int }'],
  },
  {
    name: 'derived features: unknown names, and circles by name; what rests on them is not repeated',
    yaml: `${SERVICE}  - name: svc
    features: [v.*]
    derived:
      - { name: a, expr: "b + 1" }
      - { name: b, expr: "c + f_1h" }
      - { name: c, expr: "a / 2" }
      - { name: d, expr: "a * 2" }
      - { name: e, expr: "f_24 / f_1h" }
      - { name: g, expr: "e + 1" }
      - { name: as_of, expr: "1" }
`,
    problems: [
      '12:26 services[0].derived[0].expr cycle',
      '16:27 services[0].derived[4].expr bad_expression -> f_24h',
      '18:17 services[0].derived[6].name name_clash -> another name',
    ],
  },
  {
    name: 'views of both clocks without as_of: required',
    yaml: `sources:
  - { name: s, event_time: ts, fields: { ts: timestamp, k: string } }
  - { name: t, event_time: ts, clock: watermark, fields: { ts: timestamp, k: string } }
entities: [{ name: e, keys: { k: string } }]
views:
  - { name: v, entity: e, source: s, features: [{ name: f, agg: count }] }
  - { name: w, entity: e, source: t, features: [{ name: g, agg: count }] }
services:
  - { name: bad, features: [v.*, w.*] }
  - { name: good, as_of: required, features: [v.*, w.*] }
`,
    problems: ['9:28 services[0].features mixed_clocks -> as_of: required in the service'],
  },
];

for (const { name, yaml, problems } of [...YAML, ...SOURCES, ...UPSERTS, ...VIEWS, ...SERVICES]) {
  test(`refused: ${name}`, () => {
    expect(summary(yaml)).toEqual(problems);
  });
}

test('problems of all files come together, in the order of files and lines', () => {
  const files = [
    'sources: [{ name: s }]\n',
    EXAMPLE,
    'views:\n  - { name: v, entity: airprt, source: flights, features: [{ name: f, agg: counts }] }\n',
  ];
  expect(summary(...files)).toEqual([
    '1:11 sources[0].event_time missing_key',
    '1:11 sources[0].fields missing_key',
    '2:24 views[0].entity unknown_reference -> airport',
    '2:76 views[0].features[0].agg unknown_reference -> count',
  ]);
});

test('a file and a view have a largest size', () => {
  expect(summary(`# ${'x'.repeat(4 * 1024 * 1024)}\n`)).toEqual(['1:1  over_limit']);
  const windows = Array.from({ length: 60 }, (_, index) => `${index + 1}m`).join(', ');
  const features = Array.from({ length: 34 }, (_, index) => `{ name: f${index}, agg: count, windows: [${windows}] }`);
  const yaml = `${BASE}views: [{ name: v, entity: e, source: s, features: [${features.join(', ')}] }]\n`;
  expect(summary(yaml)).toEqual(['5:52 views[0].features over_limit']);
});

test('an aggregation that takes no input refuses one', () => {
  const events: AggregationRules = {
    name: 'events',
    of: 'none',
    params: [],
    magnitude: 'any',
    resultType: () => ({ type: { kind: 'int' }, nullable: false }),
  };
  const text = `${BASE}views: [{ name: v, entity: e, source: s, features: [{ name: f, agg: events, of: x }] }]\n`;
  const result = loadDefinitions([{ path: 'a.yaml', text }], new Map([['events', events]]));
  expect(result.ok ? [] : result.problems.map(({ code, path }) => `${path} ${code}`)).toEqual([
    'views[0].features[0].of bad_parameter',
  ]);
});

test('a slip in one place hides no problem of another', () => {
  const yaml = `${BASE.replace('{ name: e,', '{ name: e, ownr: us,')}views:
  - { name: v, ownr: us, entity: e, source: s, keys: { kk: c }, where: "nn > 1", features: [{ name: f, agg: count }] }
services:
  - { name: svc, ownr: us, features: [v.ff, { view: v, keys: { k: dest } }] }
`;
  expect(summary(yaml)).toEqual([
    '4:16 entities[0].ownr unknown_key -> owner',
    '6:16 views[0].ownr unknown_key -> owner',
    '6:56 views[0].keys.kk unknown_reference -> k',
    '6:73 views[0].where bad_expression -> n',
    '8:18 services[0].ownr unknown_key -> owner',
    '8:39 services[0].features[0] unknown_reference -> f',
    '8:67 services[0].features[1].keys.k unknown_reference -> inputs: { dest: string }',
  ]);
});

test('what is not SQL is told even where it rests on something broken', () => {
  const yaml = `${BASE}views:
  - { name: v, entity: e, source: t, where: "x >", features: [{ name: f, agg: sum, of: "x + y" }] }
services:
  - { name: svc, features: [v.*, w.*], derived: [{ name: d, expr: "f / (g" }, { name: h, expr: "f / gg" }] }
`;
  expect(summary(yaml)).toEqual([
    '6:35 views[0].source unknown_reference -> s',
    '6:49 views[0].where bad_expression',
    '8:34 services[0].features[1] unknown_reference -> v',
    '8:74 services[0].derived[0].expr bad_expression',
  ]);
});

test('a file that cannot be read does not make the names it may hold unknown in the others', () => {
  const view = 'views: [{ name: v, entity: e, source: s, max_age: soon, features: [{ name: f, agg: count }] }]\n';
  expect(summary('sources: [\n', view)).toEqual(['2:1  bad_yaml', '1:51 views[0].max_age bad_value']);
});

test('a problem reads as one line with its place, what was expected, what was found and what was meant', () => {
  const result = tryLoad(
    `${BASE}views:\n  - { name: v, entity: e, source: s, features: [{ name: f, agg: sums, of: x }] }\n`,
  );
  const line = result.ok ? '' : formatProblem(result.problems[0] as never);
  expect(line).toMatch(
    /^1\.yaml:6:65 views\[0\]\.features\[0\]\.agg: there is no such aggregation, expected one of count, sum, .*, found "?sums"?; try sum$/,
  );
});

test('an expansion of aliases without bounds is refused', () => {
  const levels = Array.from({ length: 9 }, (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i}, `.repeat(9)}]`);
  expect(summary(`x0: &x0 [lol]\n${levels.join('\n')}\n`)[0]).toBe('1:1  bad_yaml');
});

test('names of prototypes are only names', () => {
  const yaml = `sources: [{ name: s, event_time: ts, fields: { ts: timestamp, __proto__: string, constructor: int } }]
entities: [{ name: e, keys: { constructor: int } }]
views: [{ name: v, entity: e, source: s, __proto__: 1, features: [{ name: f, agg: toString }] }]
services: [{ name: svc, features: [constructor.*] }]
`;
  expect(summary(yaml)).toEqual([
    '3:42 views[0].__proto__ unknown_key',
    '3:83 views[0].features[0].agg unknown_reference',
    '4:36 services[0].features[0] unknown_reference',
  ]);
});

function summary(...texts: readonly string[]): readonly string[] {
  const result = tryLoad(...texts);
  if (result.ok) return [];
  return result.problems.map(({ line, column, path, code, suggestion }) =>
    [`${line}:${column} ${path} ${code}`, suggestion].filter((part) => part !== null).join(' -> '),
  );
}
