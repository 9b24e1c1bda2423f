import { expect, test } from 'vitest';
import { misfitOf } from '../../src/event/avro-fit.ts';
import { typeOf } from './schemas-support.ts';
import { load, sourceOf } from './support.ts';

const ORDER = {
  type: 'record',
  name: 'o',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'store', aliases: ['shop'], type: 'string' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'note', type: ['null', 'string'] },
    { name: 'mixed', type: ['int', 'string'] },
    { name: 'tags', type: { type: 'array', items: ['null', 'string'] } },
    { name: 'counts', type: { type: 'map', values: 'long' } },
    { name: 'address', type: ['null', { type: 'record', name: 'a', fields: [{ name: 'city', type: 'string' }] }] },
  ],
};

function misfit(field: string): unknown {
  const source = sourceOf(load(`sources: [{ name: s, event_time: at, fields: { at: timestamp, ${field} } }]`));
  return misfitOf(typeOf(ORDER), source.fields[1] as never);
}

test.for([
  'shop: string',
  'price: double',
  'note: string?',
  'tags: "string[]"',
  'first: { type: int64, path: counts.first }',
  'city: { type: string, nullable: true, path: address.city }',
  'absent: int?',
])('what the schema holds can be read as %s', (field) => {
  expect(misfit(field)).toBeNull();
});

test.for<[string, string, boolean]>([
  ['price: string', 'the schema has decimal, and string is declared', true],
  ['absent: int', 'the schema has no absent, and null is not allowed', true],
  ['city: { type: int, path: address.city }', 'the schema has string, and int is declared', true],
  ['tags: "double[]"', 'the schema has array, and double[] is declared', true],
  ['note: string', 'the schema allows null, and string is declared', false],
  ['city: { type: string, path: address.city }', 'the schema allows null, and string is declared', false],
  ['mixed: int', 'the schema has int or string, and int is declared', false],
])('that %s is not what the schema holds is said before a record shows it', ([field, message, breaks]) => {
  expect(misfit(field)).toEqual({ message, breaks });
});
