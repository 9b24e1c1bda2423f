import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { compileSourceDecoder, type SourceDecoder } from '../../src/event/decode.ts';
import { compileEntityReader } from '../../src/event/entity-reader.ts';
import type { LogRecord, ViewOutcome } from '../../src/event/event.ts';
import { isColocated } from '../../src/log/entity-partition.ts';
import { framed, memoryRegistry, writeAvro } from './schemas-support.ts';
import { APPENDED_MS, kindOf, load, recordOf, sourceOf, viewsOf } from './support.ts';

const definitionsOf = (format: string, more = '') =>
  load(`
sources:
  - name: orders
    format: ${format}
    event_time: at
    event_id: id
    ${more}
    fields:
      at: timestamp
      id: int64
      shop: "string?"
      amount: "double?"
      size: "int?"
      price: "double?"
      open: "bool?"
      day: "timestamp?"
      tags: "string[]?"
      place: "double[2]?"
      city: { type: "string?", path: address.city }
      first: { type: "int?", path: counts.first }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - name: sales
    entity: shop
    source: orders
    where: "open IS NOT FALSE"
    features:
      - { name: total, agg: sum, of: amount }
      - { name: newest, agg: last, of: { id: id, size: size, price: price, day: day, tags: tags, place: place, city: city, first: first } }
`);

const nullable = (type: unknown): unknown[] => ['null', type];
const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'shop.events',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'id', type: 'long' },
    { name: 'shop', type: nullable('string') },
    { name: 'amount', type: nullable('double') },
    { name: 'size', type: nullable('int') },
    { name: 'price', type: nullable({ type: 'bytes', logicalType: 'decimal', precision: 20, scale: 4 }) },
    { name: 'open', type: nullable('boolean') },
    { name: 'day', type: nullable({ type: 'int', logicalType: 'date' }) },
    { name: 'tags', type: nullable({ type: 'array', items: 'string' }) },
    { name: 'place', type: nullable({ type: 'array', items: 'double' }) },
    {
      name: 'address',
      type: nullable({ type: 'record', name: 'Address', fields: [{ name: 'city', type: nullable('string') }] }),
    },
    { name: 'counts', type: nullable({ type: 'map', values: 'int' }) },
  ],
};

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary);
const double = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e200, max: 1e200 });
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const EVENT = fc.record({
  at: fc.integer({ min: 0, max: APPENDED_MS }),
  id: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  shop: maybe(text),
  amount: maybe(double),
  size: maybe(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  price: maybe(fc.bigInt(-(2n ** 62n), 2n ** 62n)),
  open: maybe(fc.boolean()),
  day: maybe(fc.integer({ min: 0, max: 19_000 })),
  tags: maybe(fc.array(text, { maxLength: 4 })),
  place: maybe(fc.array(double, { minLength: 1, maxLength: 3 })),
  city: maybe(text),
  first: maybe(fc.integer({ min: -100, max: 100 })),
});
type Event = typeof EVENT extends fc.Arbitrary<infer T> ? T : never;

const decimalText = (unscaled: bigint): string => `${unscaled}e-4`;

/** As a producer of JSON writes it: a number of four decimals is the nearest double. */
function jsonOf(event: Event): string {
  const { id, price, day, city, first, ...same } = event;
  const rest = {
    price: price === null ? null : Number(decimalText(price)),
    day: day === null ? null : new Date(day * 86_400_000).toISOString(),
    address: city === null ? null : { city },
    counts: first === null ? null : { first },
  };
  return JSON.stringify({ ...same, id: id.toString(), ...rest });
}

function avroOf(event: Event): Uint8Array {
  const { price, day, city, first, at, id, ...same } = event;
  const wrap = (name: string, value: unknown): unknown => (value === null ? null : { [name]: value });
  return writeAvro(ORDER, {
    at: BigInt(at),
    id,
    shop: wrap('string', same.shop),
    amount: wrap('double', same.amount),
    size: wrap('int', same.size),
    price: wrap('bytes', price === null ? null : twosComplement(price)),
    open: wrap('boolean', same.open),
    day: wrap('int', day),
    tags: wrap('array', same.tags),
    place: wrap('array', same.place),
    address: wrap('shop.events.Address', city === null ? null : { city: { string: city } }),
    counts: wrap('map', first === null ? null : { first }),
  });
}

function twosComplement(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

let registry = memoryRegistry();
beforeEach(() => {
  registry = memoryRegistry();
});

function decoderOf(format: string, more = ''): SourceDecoder {
  const definitions = definitionsOf(format, more);
  return compileSourceDecoder(sourceOf(definitions), viewsOf(definitions), registry);
}

async function decode(decoder: SourceDecoder, record: LogRecord): Promise<readonly ViewOutcome[]> {
  await decoder.prepare?.([record]);
  return decoder.decode(record);
}

const recordIn = (value: Uint8Array, more: Partial<LogRecord> = {}): LogRecord => ({ ...recordOf(''), value, ...more });

test('an event is the same event, bit for bit, in JSON, in JSON behind a schema id, and in Avro', async () => {
  const id = registry.register(ORDER);
  const [json, framedJson, avro] = ['json', 'json_schema', 'avro'].map((format) => decoderOf(format));
  let events = 0;
  await fc.assert(
    fc.asyncProperty(EVENT, async (event) => {
      const written = Buffer.from(jsonOf(event));
      const expected = (json as SourceDecoder).decode(recordIn(written));
      expect(await decode(framedJson as SourceDecoder, recordIn(framed(77, written)))).toEqual(expected);
      expect(await decode(avro as SourceDecoder, recordIn(framed(id, avroOf(event))))).toEqual(expected);
      if (expected[0]?.kind === 'event') events++;
    }),
    { numRuns: 500 },
  );
  expect(events).toBeGreaterThan(50);
  expect(registry.asked).toEqual([id]);
});

const MINIMAL = {
  type: 'record',
  name: 'o',
  fields: [
    { name: 'at', type: 'long' },
    { name: 'id', type: 'int' },
  ],
};

test('records are read by the schema that wrote them, and evolve to the declared fields', async () => {
  const decoder = decoderOf('avro');
  const fieldsOf = (...fields: object[]): object => ({ ...MINIMAL, fields: [...MINIMAL.fields, ...fields] });
  const newest = async (schema: object, value: object): Promise<unknown> => {
    const bytes = framed(registry.register(schema), writeAvro(schema, { at: 5n, id: 7, ...value }));
    const [outcome] = await decode(decoder, recordIn(bytes));
    return outcome?.kind === 'event' ? { columns: outcome.event.columns, shop: outcome.event.entityKey } : outcome;
  };
  const shop = { name: 'shop', type: 'string' };
  expect(await newest(MINIMAL, {})).toMatchObject({ kind: 'null_key' });
  expect(await newest(fieldsOf(shop, { name: 'amount', type: 'int' }), { shop: 'a', amount: 3 })).toMatchObject({
    columns: { 0: 3 },
  });
  expect(
    await newest(fieldsOf(shop, { name: 'amount', type: 'long' }), { shop: 'a', amount: 2n ** 60n }),
  ).toMatchObject({
    columns: { 0: 2 ** 60 },
  });
  const renamed = { name: 'store', aliases: ['shop'], type: 'string' };
  expect(await newest(fieldsOf(renamed, { name: 'more', type: 'string' }), { store: 'b', more: 'x' })).toMatchObject({
    shop: '["b"]',
  });
  expect(await newest(fieldsOf(shop, { name: 'amount', type: 'string' }), { shop: 'a', amount: '3' })).toMatchObject({
    code: 'wrong_type',
    message: 'amount: expected double, found a string',
  });
  expect(await newest(fieldsOf(shop, { name: 'size', type: 'long' }), { shop: 'a', size: 2n ** 60n })).toMatchObject({
    code: 'out_of_range',
  });
});

test('what cannot be read by a schema is rejected, and says why', async () => {
  const id = registry.register(ORDER);
  const decoder = decoderOf('avro');
  const kind = async (value: Uint8Array): Promise<string> => kindOf((await decode(decoder, recordIn(value)))[0]);
  expect(await kind(Buffer.from('{"at":1}'))).toBe('unframed');
  expect(await kind(Buffer.from([0, 0, 0]))).toBe('unframed');
  expect(await kind(framed(99, new Uint8Array()))).toBe('unknown_schema');
  expect(await kind(framed(id, new Uint8Array([1, 2, 3])))).toBe('malformed_avro');
  expect(await kind(framed(registry.register('string'), writeAvro('string', 'x')))).toBe('not_an_object');
  expect(kindOf((await decode(decoder, { ...recordOf(''), value: null }))[0])).toBe('null_value');
  const json = decoderOf('json').decode(recordIn(framed(id, Buffer.from('{}'))));
  expect(json).toMatchObject([
    { code: 'malformed_json', message: expect.stringContaining('format: avro or json_schema') },
  ]);
  expect(kindOf(decoderOf('json_schema').decode(recordOf({ at: 1 }))[0])).toBe('unframed');
});

test('a schema that was not there is asked for again, and one that was is not', async () => {
  const decoder = decoderOf('avro');
  const record = recordIn(framed(1, avroOf({ ...fc.sample(EVENT, 1)[0], at: 1, shop: 's', open: true } as Event)));
  expect(kindOf((await decode(decoder, record))[0])).toBe('unknown_schema');
  registry.register(ORDER);
  expect(kindOf((await decode(decoder, record))[0])).not.toBe('unknown_schema');
  await decode(decoder, record);
  expect(registry.asked).toEqual([1, 1]);
});

test('a registry that is away rejects nothing: the batch waits for it', async () => {
  const id = registry.register(MINIMAL);
  const decoder = decoderOf('avro');
  registry.fail(1, new Error('away'));
  const record = recordIn(framed(id, writeAvro(MINIMAL, { at: 1n, id: 1 })));
  await expect(decoder.prepare?.([record])).rejects.toThrow('away');
  expect(kindOf((await decode(decoder, record))[0])).toBe('null_key');
});

const ROWS = `
sources:
  - name: rows
    format: avro
    mode: upsert
    envelope: debezium
    key: { fields: [shop, id], encoding: avro }
    event_time: at
    fields: { at: timestamp, shop: string, id: int64, amount: double }
entities: [{ name: row, keys: { shop: string, id: int64 } }]
views: [{ name: rows, entity: row, source: rows, features: [{ name: amount, agg: last, of: amount }] }]
`;
const ROW = {
  type: 'record',
  name: 'Value',
  fields: [
    { name: 'at', type: 'long' },
    { name: 'shop', type: 'string' },
    { name: 'id', type: 'long' },
    { name: 'amount', type: 'double' },
  ],
};
const ENVELOPE = {
  type: 'record',
  name: 'Envelope',
  fields: [
    { name: 'before', type: ['null', ROW] },
    { name: 'after', type: ['null', 'Value'] },
    { name: 'op', type: 'string' },
  ],
};
const KEY = {
  type: 'record',
  name: 'Key',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'shop', type: 'string' },
  ],
};

test("rows in Debezium's envelope, and their deletions, are read with value and key in Avro", async () => {
  const definitions = load(ROWS);
  const source = sourceOf(definitions);
  const decoder = compileSourceDecoder(source, viewsOf(definitions), registry);
  const [value, key] = [registry.register(ENVELOPE), registry.register(KEY)];
  const change = (op: string, before: object | null, after: object | null): Uint8Array =>
    framed(value, writeAvro(ENVELOPE, { op, before: before && { Value: before }, after: after && { Value: after } }));
  const row = { at: 5n, shop: 's', id: 2n ** 60n, amount: 1.5 };
  const keyBytes = framed(key, writeAvro(KEY, { shop: 's', id: 2n ** 60n }));
  const records = {
    created: recordIn(change('c', null, row), { key: keyBytes }),
    deleted: recordIn(change('d', row, null), { key: keyBytes }),
    tombstone: { ...recordOf(''), value: null, key: keyBytes },
    unreadable: { ...recordOf(''), value: null, key: framed(99, new Uint8Array()) },
  };
  const entityKey = `["s","${2n ** 60n}"]`;
  const eventOf = async (record: LogRecord): Promise<unknown> => (await decode(decoder, record))[0];
  expect(await eventOf(records.created)).toMatchObject({ event: { entityKey, columns: [{ row: { m0: 1.5 } }] } });
  expect(await eventOf(records.deleted)).toMatchObject({ event: { entityKey, columns: [{ row: null }] } });
  expect(await eventOf(records.tombstone)).toMatchObject({ event: { entityKey, columns: [{ row: null }] } });
  expect(await eventOf(records.unreadable)).toMatchObject({ code: 'unreadable_key' });
  const mover = compileEntityReader(source, ['shop', 'id'], registry);
  await mover.prepare?.(Object.values(records));
  expect(Object.values(records).map(mover.entityOf)).toEqual([entityKey, entityKey, entityKey, null]);
  // The bytes of an Avro key begin with the id of its schema: which partition holds an entity, they do not say.
  expect(isColocated(source, ['shop', 'id'])).toBe(false);
});
