import { expect, test } from 'vitest';
import { SkewlessError } from '../../../src/core/errors.ts';
import { type MemoryRegistry, memoryRegistry } from '../../event/schemas-support.ts';
import { type Harness, startHarness } from '../harness.ts';

const DEFINITIONS = `
sources: [{ name: orders, format: avro, key: { fields: [shop], encoding: json }, event_time: at, fields: { at: timestamp, shop: string } }]
`;
const EVENTS = { events: [{ at: 1, shop: 's' }] };
const URL = '/v1/sources/orders/events';
const SCHEMA = {
  type: 'record',
  name: 'o',
  fields: [
    { name: 'at', type: 'long' },
    { name: 'shop', type: 'string' },
  ],
};

const harnessWith = (schemas: MemoryRegistry | null): Promise<Harness> =>
  startHarness({ definitions: DEFINITIONS, materialize: false, dependencies: { schemas } });

test('409: no schema to write by, or no registry; nothing is appended', async () => {
  for (const [schemas, message] of [
    [memoryRegistry(), 'subject orders-value has no schema'],
    [null, 'no registry is named: --schema-registry'],
  ] as const) {
    const { post, log } = await harnessWith(schemas);
    const { status, json } = await post(URL, EVENTS);
    expect([status, json.code, json.detail]).toEqual([409, 'no_schema', expect.stringContaining(message)]);
    expect((await log.ranges('orders'))?.[0]?.endOffset).toBe(0);
  }
});

test('503: the registry is away, and trying again makes sense; then events are appended as their schema has them', async () => {
  const registry = memoryRegistry();
  const id = registry.register(SCHEMA, 'orders-value');
  registry.fail(1, new SkewlessError('registry_unavailable', 'away', { retryable: true }));
  const { post, log } = await harnessWith(registry);
  const refused = await post(URL, EVENTS);
  expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([
    503,
    'registry_unavailable',
    '1',
  ]);
  expect((await post(URL, EVENTS)).json).toMatchObject({ accepted: 1 });
  const [record] = await log.read('orders', 0, 0, 1);
  expect(Buffer.from(record?.value ?? []).toString('hex')).toBe(`00${id.toString(16).padStart(8, '0')}020273`);
  expect(Buffer.from(record?.key ?? []).toString()).toBe('"s"');
});
