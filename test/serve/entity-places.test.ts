import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Value } from '../../src/core/value.ts';
import type { ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { encodeEntityKey } from '../../src/event/entity-key.ts';
import { partitionOfEntity } from '../../src/log/entity-partition.ts';
import { createEntityPlaces } from '../../src/serve/entity-places.ts';

const DEFINITIONS = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, fields: { k: string, n: int64, ts: timestamp } }
entities:
  - { name: one, keys: { k: string } }
  - { name: number, keys: { n: int64 } }
  - { name: both, keys: { k: string, n: int64 } }
views:
  - { name: one, entity: one, source: s, features: [{ name: c1, agg: count }] }
  - { name: number, entity: number, source: s, features: [{ name: c2, agg: count }] }
  - { name: both, entity: both, source: s, features: [{ name: c3, agg: count }] }
`;

function viewsOf(): readonly ViewDefinition[] {
  const result = loadDefinitions([{ path: 'x.yaml', text: DEFINITIONS }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return [...result.definitions.views.values()];
}

function keysOf({ name }: ViewDefinition, index: number): readonly Value[] {
  const text = `key-${index}`;
  const number = BigInt(index) - 40n;
  return name === 'one' ? [text] : name === 'number' ? [number] : [text, number];
}

test('a place that is remembered is where the partitioner leads to, whatever was forgotten meanwhile', () => {
  const entityPlaces = createEntityPlaces();
  for (const view of viewsOf()) {
    for (const partitionCount of [1, 7, 12]) {
      const places = entityPlaces.of(view, partitionCount);
      expect(entityPlaces.of(view, partitionCount)).toBe(places);
      // Twice over more keys than two generations hold, and once more over the first.
      for (const index of [...Array(60_000).keys(), ...Array(100).keys(), ...Array(60_000).keys()]) {
        if (index % 97 !== 0 && partitionCount !== 7) continue;
        const keys = keysOf(view, index);
        const found = keys.length === 1 ? places.findOne(keys[0] ?? null) : places.find(keys);
        const partition = partitionOfEntity(view.source, view.keyColumns, keys, partitionCount);
        if (found?.id.partition !== partition || found.entity !== encodeEntityKey(keys)) {
          throw new Error(`${view.name} ${index} of ${partitionCount}: ${JSON.stringify(found)}, not ${partition}`);
        }
        if (found.shard !== `s/${view.keyColumns.join(',')}/${partition}`) throw new Error(found.shard);
      }
    }
  }
});

test('a key that was just found is the same object; one longer than any that is stored has no place', () => {
  const [view] = viewsOf();
  if (view === undefined) throw new Error('no view');
  const places = createEntityPlaces().of(view, 3);
  expect(places.findOne('a')).toBe(places.findOne('a'));
  expect(places.findOne('x'.repeat(1_100))).toBeNull();
});
