import { expect, test } from 'vitest';
import { compareContracts } from '../../src/definition/contract.ts';
import { compileSourcePlaces } from '../../src/definition/source-places.ts';
import { load } from './support.ts';

interface Parts {
  readonly source?: string;
  readonly fields?: string;
  readonly derive?: string;
  readonly features?: string;
}

const text = ({
  source = 'topic: orders, key: [shop]',
  fields = 'amount: double, note: string?, size: int, tags: "double[3]"',
  derive = '',
  features = '{ name: total, agg: sum, of: amount }',
}: Parts = {}): string => `
sources:
  - { name: orders, ${source}, event_time: at, fields: { at: timestamp, other_at: timestamp, shop: string, ${fields} }${derive === '' ? '' : `, derive: { ${derive} }`} }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [${features}] }
  - { name: visits, entity: shop, source: orders, features: [{ name: visits, agg: count }] }
services: [{ name: shop_sales, features: [sales.*] }]
`;

const changes = (before: Parts, after: Parts) => compareContracts(load(text(before)), load(text(after)));

test.for<[string, Parts, string, boolean]>([
  ['double → int', { fields: 'amount: int, note: string?, size: int, tags: "double[3]"' }, 'type_narrowed', true],
  ['T? → T', { fields: 'amount: double, note: string, size: int, tags: "double[3]"' }, 'type_narrowed', true],
  ['T → T?', { fields: 'amount: double?, note: string?, size: int, tags: "double[3]"' }, 'type_widened', false],
  ['int → int64', { fields: 'amount: double, note: string?, size: int64, tags: "double[3]"' }, 'type_widened', false],
  ['int → string', { fields: 'amount: double, note: string?, size: string, tags: "double[3]"' }, 'type_changed', true],
  [
    'double[3] → double[]',
    { fields: 'amount: double, note: string?, size: int, tags: "double[]"' },
    'type_widened',
    false,
  ],
  [
    'double[3] → double[4]',
    { fields: 'amount: double, note: string?, size: int, tags: "double[4]"' },
    'type_changed',
    true,
  ],
  ['a field gone', { fields: 'amount: double, size: int, tags: "double[3]"' }, 'field_removed', true],
  [
    'a field more',
    { fields: 'amount: double, note: string?, size: int, tags: "double[3]", more: int' },
    'field_added',
    false,
  ],
  [
    'another path',
    { fields: 'amount: { type: double, path: net.amount }, note: string?, size: int, tags: "double[3]"' },
    'path_changed',
    true,
  ],
  ['another key', { source: 'topic: orders, key: [note]' }, 'key_changed', true],
  ['another encoding', { source: 'topic: orders, key: { fields: [shop], encoding: json }' }, 'key_changed', true],
  ['another partitioner', { source: 'topic: orders, key: [shop], partitioner: crc32' }, 'partitioner_changed', true],
  ['another topic', { source: 'topic: orders2, key: [shop]' }, 'topic_changed', true],
  ['an envelope', { source: 'topic: orders, key: [shop], envelope: debezium' }, 'envelope_changed', true],
])('%s is told as what it is', ([, after, kind, breaks]) => {
  expect(changes({}, after)).toContainEqual(expect.objectContaining({ source: 'orders', kind, breaks }));
  expect(changes(after, after)).toEqual([]);
});

test('a change of another event time is of the source, and rebuilds every view of it', () => {
  const before = load(text());
  const after = load(text().replace('event_time: at', 'event_time: other_at'));
  expect(compareContracts(before, after)).toEqual([
    {
      source: 'orders',
      at: 'event_time',
      field: null,
      kind: 'event_time_changed',
      from: 'at',
      to: 'other_at',
      breaks: true,
      views: [
        { view: 'sales@1', effect: 'rebuilt' },
        { view: 'visits@1', effect: 'rebuilt' },
      ],
      services: ['shop_sales@1'],
    },
  ]);
});

test('a field that one view uses is that view’s affair alone', () => {
  const [change] = changes({}, { fields: 'amount: int, note: string?, size: int, tags: "double[3]"' });
  expect(change?.views).toEqual([{ view: 'sales@1', effect: 'rebuilt' }]);
  const [unused] = changes({}, { fields: 'amount: double, note: string?, size: double, tags: "double[3]"' });
  expect([unused?.kind, unused?.views]).toEqual(['type_widened', []]);
});

test('a source that is gone breaks, a new one does not, and a view that is gone is named', () => {
  const none = 'sources: [{ name: other, event_time: at, fields: { at: timestamp } }]';
  expect(compareContracts(load(text()), load(none))).toMatchObject([
    { kind: 'source_removed', breaks: true, views: [{ effect: 'gone' }, { effect: 'gone' }], services: [] },
  ]);
  expect(compareContracts(load(text()), load(text(), none))).toEqual([]);
});

test('a derived column that is gone breaks; one that is computed otherwise does not', () => {
  const derived = { derive: 'twice: "amount * 2"', features: '{ name: total, agg: sum, of: twice }' };
  expect(changes(derived, {})).toMatchObject([{ kind: 'derived_changed', field: 'twice', to: null, breaks: true }]);
  expect(changes(derived, { ...derived, derive: 'twice: "amount * 3"' })).toMatchObject([
    { kind: 'derived_changed', breaks: false, views: [{ view: 'sales@1', effect: 'rebuilt' }] },
  ]);
});

test('the place of a field is that of its name in the file that declares the source', () => {
  const file = 'sources:\n  - name: a\n    event_time: at\n    fields:\n      at: timestamp\n      x: int\n';
  const places = compileSourcePlaces([
    { path: '1.yaml', text: 'views: []' },
    { path: '2.yaml', text: file },
  ]);
  expect(places('a', ['fields', 'x'])).toEqual({ file: '2.yaml', line: 6, column: 7, path: 'sources[0].fields.x' });
  expect(places('a', ['key'])).toMatchObject({ file: '2.yaml', line: 2 });
  expect(places('b', [])).toBeNull();
});
