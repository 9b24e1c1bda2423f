/** Good definitions: what they compile to. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findVersioned } from '../../src/definition/find.ts';
import { describeWindow } from '../../src/definition/window.ts';
import { EXAMPLE, load, onlyService, onlyView } from './support.ts';

test('the example of the design compiles to the names it promises', () => {
  const definitions = load(EXAMPLE);
  const view = onlyView(definitions);
  expect(view.features.map((feature) => feature.name)).toEqual([
    'departures_1h',
    'departures_24h',
    'departures_24h_ago_7d',
    'late_24h',
    'delay_mean_1h',
    'delay_mean_24h',
    'delay_mean_7d',
    'recent',
  ]);
  const service = onlyService(definitions);
  expect(service.features.map((feature) => feature.name)).toEqual([
    ...view.features.map((feature) => feature.name),
    ...view.features.map((feature) => `dest_${feature.name}`),
    'delay_ratio',
  ]);
  expect(service.requestColumns.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    'key origin',
    'input dest',
    'input scheduled_hour',
  ]);
  expect(service.appearances.map(({ prefix, keys }) => [prefix, keys.map((key) => key.canonical)])).toEqual([
    ['', ['origin']],
    ['dest_', ['dest']],
  ]);
});

test('what is not written has its documented default', () => {
  const definitions = load(EXAMPLE);
  const source = definitions.sources.get('flights');
  expect(source).toMatchObject({
    format: 'json',
    partitioner: 'murmur2',
    clock: 'watermark',
    maxDisorderMs: 7_200_000,
    maxAheadMs: 300_000,
    idleAfterMs: 60_000,
    staleAfterMs: 60_000,
    historyComplete: false,
    archive: null,
    eventId: null,
    key: { fields: ['flight_id'], encoding: 'string', separator: '|' },
  });
  expect(onlyView(definitions)).toMatchObject({
    version: 1,
    id: 'airport_delay@1',
    incomplete: 'withhold',
    headMax: 256,
    headLimit: 4_096,
    historyMs: 600_000,
    maxAgeMs: 172_800_000,
  });
  expect(onlyService(definitions)).toMatchObject({ version: 1, asOf: 'optional', owner: 'ops-ml' });
});

test('a source of the fewest words has a topic of its own name, the wall clock and no disorder', () => {
  const definitions = load('sources: [{ name: s, event_time: ts, fields: { ts: timestamp } }]');
  expect(definitions.sources.get('s')).toMatchObject({
    topic: 's',
    clock: 'wall',
    maxDisorderMs: 0,
    key: { fields: [] },
    owner: '',
    description: '',
    labels: {},
  });
});

test('columns and filters are distinct by meaning, with the strictest magnitude of those that read them', () => {
  const view = onlyView(
    load(
      viewOf(`
      - { name: a, agg: mean, of: "x", where: "n>1" }
      - { name: b, agg: variance, of: " ( x ) ", where: "(n > 1)", windows: [1h] }
      - { name: c, agg: last, of: x }
      - { name: d, agg: sum, of: "n" }
      - { name: e, agg: count }`),
    ),
  );
  expect(view.columns.map(({ canonical, magnitude }) => [canonical, magnitude])).toEqual([
    ['n', 'sum'],
    ['x', 'square'],
  ]);
  expect(view.filters).toHaveLength(1);
  expect(view.features.map(({ column, filter }) => [column, filter])).toEqual([
    [1, 0],
    [1, 0],
    [1, -1],
    [0, -1],
    [-1, -1],
  ]);
});

test('a struct is one column with its members in written order', () => {
  const view = onlyView(load(viewOf('\n      - { name: a, agg: last_n, n: 3, of: { kind: c, amount: x } }')));
  expect(view.columns[0]?.members.map((member) => member.name)).toEqual(['kind', 'amount']);
  expect(view.columns[0]?.type).toMatchObject({ kind: 'struct' });
  expect(view.features[0]?.type).toMatchObject({ kind: 'array', element: { kind: 'struct' } });
});

test('a view uses the columns behind its derived ones, its keys, event time and event id, and no others', () => {
  const definitions = load(`
sources:
  - name: s
    event_time: ts
    event_id: id
    fields: { ts: timestamp, id: string, place: string, other: string, x: double, y: double }
    derive: { twice: "x * 2", more: "twice + 1", where_to: "lower(place)" }
entities: [{ name: e, keys: { k: string } }]
views:
  - name: v
    entity: e
    keys: { k: where_to }
    source: s
    features: [{ name: f, agg: sum, of: more }]
`);
  expect(onlyView(definitions).usedColumns).toEqual(['ts', 'id', 'place', 'x', 'twice', 'more', 'where_to']);
  expect(onlyView(definitions).keyColumns).toEqual(['where_to']);
});

test('windows: lifetime by default and by name, hops by length or as declared, the duration as written', () => {
  const view = onlyView(
    load(
      viewOf(`
      - { name: a, agg: count }
      - { name: b, agg: count, windows: [lifetime, 30s, 5m, 1h, 6h, 24h, 2d, 7d, 30d, 90d] }
      - { name: c, agg: count, windows: [{ length: 1d, hop: 30m }, { length: 90m, offset: 1d, hop: 15m }] }`),
    ),
  );
  expect(
    view.features.map(({ name, window }) => [
      name,
      describeWindow(window),
      window.kind === 'sliding' ? window.hopMs / 1000 : null,
    ]),
  ).toEqual([
    ['a', 'lifetime', null],
    ['b_lifetime', 'lifetime', null],
    ['b_30s', '30s', 1],
    ['b_5m', '5m', 5],
    ['b_1h', '1h', 60],
    ['b_6h', '6h', 300],
    ['b_24h', '24h', 900],
    ['b_2d', '48h', 3600],
    ['b_7d', '7d', 3600],
    ['b_30d', '30d', 21600],
    ['b_90d', '90d', 86400],
    ['c_1d', '24h', 1800],
    ['c_90m_ago_1d', '90m ended 24h ago', 900],
  ]);
});

test('a default is of the type of its feature, and a fractional one makes an int feature a double', () => {
  const view = onlyView(
    load(
      viewOf(`
      - { name: a, agg: max, of: n, default: -1 }
      - { name: b, agg: max, of: n, default: 2.5 }
      - { name: c, agg: last, of: ts, default: "2013-01-01T00:00:00Z" }
      - { name: d, agg: last, of: big, default: "9007199254740993" }
      - { name: e, agg: last, of: c, default: none }
      - { name: f, agg: mean, of: x, default: -0.0 }
      - { name: g, agg: last, of: b, default: null }`),
    ),
  );
  expect(view.features.map(({ type, nullable, defaultValue }) => [type.kind, nullable, defaultValue])).toEqual([
    ['int', false, -1],
    ['double', false, 2.5],
    ['timestamp', false, 1_356_998_400_000],
    ['int64', false, 9_007_199_254_740_993n],
    ['string', false, 'none'],
    ['double', false, 0],
    ['bool', true, null],
  ]);
});

test('parameters that are not written have the default of the aggregation', () => {
  const view = onlyView(load(viewOf('\n      - { name: a, agg: top_k, of: c, k: 3 }')));
  expect(view.features[0]?.params).toMatchObject({ k: 3, keys_max: expect.any(Number) });
});

test('types are read from text and from mappings, and paths lead into the record', () => {
  const definitions = load(`
sources:
  - name: s
    event_time: ts
    fields:
      ts: timestamp
      "My Field": { type: string, nullable: true, path: after.my field }
      tags: string[]
      point: { type: double, length: 3 }
      vector: "double[8]?"
      maybe: "int?[]"
`);
  expect(definitions.sources.get('s')?.fields).toEqual([
    { name: 'ts', type: { kind: 'timestamp' }, nullable: false, path: ['ts'] },
    { name: 'My Field', type: { kind: 'string' }, nullable: true, path: ['after', 'my field'] },
    { name: 'tags', type: arrayOf('string'), nullable: false, path: ['tags'] },
    { name: 'point', type: arrayOf('double', 3), nullable: false, path: ['point'] },
    { name: 'vector', type: arrayOf('double', 8), nullable: true, path: ['vector'] },
    { name: 'maybe', type: { ...arrayOf('int'), elementNullable: true }, nullable: false, path: ['maybe'] },
  ]);
});

test('a key field that is not declared is a nullable string of the record', () => {
  const fields = load(EXAMPLE).sources.get('flights')?.fields;
  expect(fields?.at(-1)).toEqual({ name: 'flight_id', type: { kind: 'string' }, nullable: true, path: ['flight_id'] });
});

test('definitions may lie in several files and refer to each other in any order', () => {
  const definitions = load(
    'services: [{ name: svc, features: [v.*] }]',
    'views: [{ name: v, entity: e, source: s, features: [{ name: f, agg: count }] }]\nsources:\n',
    'entities: [{ name: e, keys: { k: string } }]',
    'sources: [{ name: s, event_time: ts, fields: { ts: timestamp, k: string } }]',
    '# nothing here\n',
  );
  expect([...definitions.services.keys()]).toEqual(['svc@1']);
});

test('versions coexist; a bare name is the newest, name@version that one', () => {
  const definitions = load(
    `${viewOf('\n      - { name: f, agg: count }')}
  - { name: v, version: 10, entity: e, source: s, features: [{ name: g, agg: count }] }
  - { name: v, version: 2, entity: e, source: s, features: [{ name: h, agg: count }] }
services:
  - { name: svc, features: [v.*, v@1.f, v@2.*] }
`,
  );
  expect(onlyService(definitions).features.map((feature) => feature.name)).toEqual(['g', 'f', 'h']);
  expect(findVersioned(definitions.views, 'v')?.version).toBe(10);
  expect(findVersioned(definitions.views, 'v@2')?.version).toBe(2);
  expect(findVersioned(definitions.views, 'v@3')).toBeNull();
  expect(findVersioned(definitions.views, 'w')).toBeNull();
});

test('a service picks features by full name, by declared name and by lists', () => {
  const definitions = load(
    `${viewOf('\n      - { name: f, agg: count, windows: [1h, 24h] }\n      - { name: g, agg: count, windows: [1h, 24h] }')}
services:
  - name: svc
    features: [v.g_24h, v.f, { view: v, prefix: other, features: [g] }, { view: v, prefix: all_, features: ["*"] }]
`,
  );
  const service = onlyService(definitions);
  expect(service.features.map((feature) => feature.name)).toEqual([
    'g_24h',
    'f_1h',
    'f_24h',
    'other_g_1h',
    'other_g_24h',
    'all_f_1h',
    'all_f_24h',
    'all_g_1h',
    'all_g_24h',
  ]);
  expect(service.appearances.map(({ prefix }) => prefix)).toEqual(['', 'other_', 'all_']);
});

test('derived features use each other in any order and are compiled in an order that works', () => {
  const definitions = load(
    `${viewOf('\n      - { name: f, agg: count, windows: [1h] }')}
services:
  - name: svc
    inputs: { scale: double }
    features: [v.*]
    derived:
      - { name: last_one, expr: "middle + first_one" }
      - { name: middle, expr: "first_one * scale" }
      - { name: first_one, expr: "f_1h / 2" }
`,
  );
  const service = onlyService(definitions);
  expect(service.derived.map(({ name }) => name)).toEqual(['first_one', 'middle', 'last_one']);
  expect(service.features.map(({ name }) => name)).toEqual(['f_1h', 'last_one', 'middle', 'first_one']);
  const row = ['k', 3, 0, 10, null, null, null];
  for (const { name, expression } of service.derived) {
    row[service.expressionSlots.get(name) as number] = expression.evaluate(row) as number;
  }
  expect(row).toEqual(['k', 3, 0, 10, 20, 15, 5]);
});

test('entity keys come from inputs, from other keys, from as_of, and from expressions over them', () => {
  const definitions = load(`
sources: [{ name: s, event_time: ts, fields: { ts: timestamp, k: string, h: int } }]
entities: [{ name: e, keys: { k: string, h: int } }, { name: o, keys: { other: string } }]
views:
  - { name: v, entity: e, source: s, features: [{ name: f, agg: count }] }
  - { name: w, entity: o, keys: { other: k }, source: s, features: [{ name: g, agg: count }] }
services:
  - name: svc
    inputs: { part: string }
    features:
      - w.*
      - { view: v, keys: { k: "concat(other, part)", h: "hour_of_day(as_of, 'UTC')" } }
`);
  const service = onlyService(definitions);
  expect(service.requestColumns.map(({ name }) => name)).toEqual(['other', 'part']);
  const keys = service.appearances[1]?.keys.map((key) => key.evaluate(['a', 'b', Date.UTC(2013, 0, 1, 17)]));
  expect(keys).toEqual(['ab', 17]);
});

test('definitions are frozen all the way down', () => {
  const definitions = load(EXAMPLE);
  const view = onlyView(definitions);
  expect(() => {
    (view.features as unknown[]).push(1);
  }).toThrow(TypeError);
  expect(Object.isFrozen(view.source.fields[0])).toBe(true);
  expect(Object.isFrozen(onlyService(definitions).appearances[0])).toBe(true);
});

test('the example of the guide loads', () => {
  const guide = readFileSync(new URL('../../docs/definitions.md', import.meta.url), 'utf8');
  const example = /```yaml\n(sources:[\s\S]*?)```/.exec(guide)?.[1] ?? '';
  expect(onlyService(load(example)).features).toHaveLength(17);
});

test('anchors and aliases are followed', () => {
  const definitions = load(`
sources:
  - { name: s, event_time: ts, fields: &fields { ts: timestamp } }
  - { name: t, event_time: ts, fields: *fields }
`);
  expect(definitions.sources.get('t')?.fields).toHaveLength(1);
});

function arrayOf(kind: string, length: number | null = null): object {
  return { kind: 'array', element: { kind }, elementNullable: false, length };
}

function viewOf(features: string): string {
  return `
sources:
  - name: s
    event_time: ts
    fields: { ts: timestamp, k: string, x: double, n: int, big: int64, c: string, b: bool }
entities: [{ name: e, keys: { k: string } }]
views:
  - name: v
    entity: e
    source: s
    features:${features}`;
}
