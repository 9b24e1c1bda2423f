import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fault } from '../../src/event/convert.ts';
import { compileAvroWriter } from '../../src/event/avro-writer.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import { validateEvent, type EventValidation } from '../../src/event/validate.ts';
import { prepareEncoding } from '../../src/event/wire-encoding.ts';
import { type MemoryRegistry, memoryRegistry, readerOf, typeOf } from './schemas-support.ts';
import { load, sourceOf, viewsOf } from './support.ts';

const written = (schema: unknown, json: unknown): unknown => {
  const bytes = compileAvroWriter(typeOf(schema))(json);
  return bytes instanceof Fault ? bytes : readerOf(schema)(bytes, 0);
};
const fixed = (size: number): object => ({ type: 'fixed', name: 'f', size });
const record = (...fields: object[]): object => ({ type: 'record', name: 'r', fields });
const UUID = '01234567-89ab-cdef-0123-456789abcdef';
const decimal = { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 };

test.for<[string, unknown, unknown]>([
  ['boolean', 'boolean', true],
  ['int', 'int', -7],
  ['long', 'long', 2 ** 53 - 1],
  ['double', 'double', 0.1],
  ['string', 'string', 'Zürich'],
  ['bytes', 'bytes', 'AP8Q'],
  ['fixed', fixed(2), 'AP8='],
  ['enum', { type: 'enum', name: 'e', symbols: ['A', 'B'] }, 'B'],
  ['array', { type: 'array', items: ['null', 'int'] }, [1, null]],
  ['map', { type: 'map', values: 'string' }, { a: 'b' }],
  ['null of a union', ['null', 'int'], null],
  ['the branch that takes the value', ['null', 'int', 'double', 'string'], 7.5],
  ['a record of a union', ['null', record({ name: 'x', type: 'long' })], { x: 1 }],
  ['timestamp-millis', { type: 'long', logicalType: 'timestamp-millis' }, 1_700_000_000_123],
  ['timestamp-micros', { type: 'long', logicalType: 'timestamp-micros' }, 1_700_000_000_123],
  ['date', { type: 'int', logicalType: 'date' }, 1_641_600_000_000],
  ['decimal', decimal, -1234.5],
  ['decimal in fixed', { ...fixed(8), logicalType: 'decimal', precision: 12, scale: 2 }, 0.07],
  ['decimal with an exponent', decimal, 1e21],
  ['uuid in fixed', { ...fixed(16), logicalType: 'uuid' }, UUID],
])('%s is read as it was written', ([, schema, json]) => {
  expect(written(schema, json)).toEqual(json);
});

test.for<[string, unknown, unknown, RegExp]>([
  ['a fraction for an int', 'int', 1.5, /expected int/],
  ['33 bits for an int', 'int', 2 ** 31, /32 bits/],
  ['65 bits for a long', 'long', '9999999999999999999', /64 bits/],
  ['text for a double', 'double', '1', /expected double/],
  ['a symbol that there is not', { type: 'enum', name: 'e', symbols: ['A'] }, 'C', /expected one of A/],
  ['another length for fixed', fixed(3), 'AP8=', /expected 3 bytes, found 2/],
  ['too many digits for a decimal', decimal, 0.125, /more than the 2 digits/],
  ['part of a day for a date', { type: 'int', logicalType: 'date' }, 1, /no whole number/],
  ['null where there is no null', record({ name: 'x', type: 'int' }), {}, /^x: expected int, found null/],
  ['what no branch takes', ['null', 'int'], 'x', /expected int, found a string/],
])('%s is refused', ([, schema, json, message]) => {
  expect(written(schema, json)).toMatchObject({ message: expect.stringMatching(message) });
});

test('what the event lacks takes the default, and what the schema does not know is left out', () => {
  const schema = record(
    { name: 'a', type: 'int', default: 7 },
    { name: 'b', type: ['null', 'int'] },
    { name: 'c', aliases: ['old'], type: 'string' },
  );
  expect(written(schema, { old: 'x', more: 1 })).toEqual({ a: 7, b: null, c: 'x', old: 'x' });
});

const LOADED = new Map<string, Definitions>();

function definitionsOf(format: string, key: string): Definitions {
  const name = `${format}/${key}`;
  const known = LOADED.get(name);
  if (known !== undefined) return known;
  const definitions = load(`
sources:
  - name: orders
    format: ${format}
    key: { fields: [shop, id], encoding: ${key} }
    event_time: at
    fields: { at: timestamp, shop: string, id: int64, amount: "double?", nested: { type: "timestamp?", path: a.b } }
entities: [{ name: shop, keys: { shop: string } }]
views: [{ name: sales, entity: shop, source: orders, features: [{ name: newest, agg: last, of: { id: id, amount: amount, nested: nested } }] }]
`);
  LOADED.set(name, definitions);
  return definitions;
}
const ORDER = record(
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
  { name: 'shop', type: 'string' },
  { name: 'id', type: 'long' },
  { name: 'amount', type: ['null', 'double'] },
  {
    name: 'a',
    type: ['null', { type: 'record', name: 'A', fields: [{ name: 'b', type: ['null', 'long'] }] }],
    default: null,
  },
);
const KEY = { ...record({ name: 'id', type: 'long' }, { name: 'shop', type: 'string' }), name: 'k' };

async function encoded(format: string, key: string, registry: MemoryRegistry, json: object): Promise<EventValidation> {
  const source = sourceOf(definitionsOf(format, key));
  const encoding = await prepareEncoding(source, registry);
  if (typeof encoding === 'string') throw new Error(encoding);
  return validateEvent(source, json, encoding);
}

test('an event that is ingested is folded as what it is, in whatever format its topic is', async () => {
  const registry = memoryRegistry();
  registry.register(ORDER, 'orders-value');
  registry.register(KEY, 'orders-key');
  const JSON_ORDERS = memoryRegistry();
  JSON_ORDERS.register('json schema', 'orders-value');
  const event = fc.record({
    at: fc.integer({ min: 0, max: 1_700_000_000_000 }).map((ms) => new Date(ms).toISOString()),
    shop: fc.string({ unit: 'grapheme', maxLength: 10 }),
    id: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String),
    amount: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    a: fc.record({ b: fc.option(fc.integer({ min: 0, max: 2 ** 40 }).map((ms) => new Date(ms).toISOString())) }),
  });
  const formats = [
    ['json', 'string', registry],
    ['avro', 'avro', registry],
    ['json_schema', 'json', JSON_ORDERS],
  ] as const;
  await fc.assert(
    fc.asyncProperty(event, async (json) => {
      const outcomes = [];
      for (const [format, key, schemas] of formats) {
        const checked = await encoded(format, key, schemas, json);
        if (!checked.ok) throw new Error(checked.message);
        const definitions = definitionsOf(format, key);
        const decoder = compileSourceDecoder(sourceOf(definitions), viewsOf(definitions), schemas);
        const at = { partition: 0, offset: 0, timestampMs: 1_700_000_000_000 };
        await decoder.prepare?.([{ ...at, key: checked.key, value: checked.value }]);
        outcomes.push(decoder.decode({ ...at, key: checked.key, value: checked.value }));
      }
      expect(outcomes[0]).toMatchObject([{ kind: 'event' }]);
      expect(outcomes[1]).toEqual(outcomes[0]);
      expect(outcomes[2]).toEqual(outcomes[0]);
    }),
    { numRuns: 60 },
  );
});

test('an event that the schema does not take is refused, one the source does not allow before it', async () => {
  const registry = memoryRegistry();
  registry.register(record({ name: 'at', type: 'long' }, { name: 'shop', type: 'int' }), 'orders-value');
  const event = { at: 1, shop: 's', id: 1 };
  expect(await encoded('avro', 'json', registry, event)).toMatchObject({
    ok: false,
    code: 'wrong_type',
    message: 'shop: expected int, found a string',
  });
  expect(await encoded('avro', 'json', registry, { ...event, shop: 1 })).toMatchObject({
    ok: false,
    message: 'shop: expected string, found a number',
  });
});

test('without a schema to write by nothing is written, and the answer says what is missing', async () => {
  const source = sourceOf(definitionsOf('avro', 'avro'));
  expect(await prepareEncoding(source, null)).toMatch(/no registry is named: --schema-registry/);
  const registry = memoryRegistry();
  expect(await prepareEncoding(source, registry)).toBe('subject orders-value has no schema');
  registry.register(ORDER, 'orders-value');
  expect(await prepareEncoding(source, registry)).toBe('subject orders-key has no schema');
  registry.register('json schema', 'orders-key');
  expect(await prepareEncoding(source, registry)).toMatch(/declared in another format/);
});
