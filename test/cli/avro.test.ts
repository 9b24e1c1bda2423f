/** A source in Avro from end to end: the program, a real registry, an embedded log. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { type RegistryService, startRegistry } from '../services/registry.ts';
import { type Running, run, start, temporaryFolder } from './run.ts';

const definitionsOf = (amount: string): string => `
sources:
  - name: orders
    format: avro
    key: { fields: [shop], encoding: avro }
    event_time: at
    fields:
      at: timestamp
      shop: string
      amount: ${amount}
entities: [{ name: shop, keys: { shop: string } }]
views: [{ name: sales, entity: shop, source: orders, features: [{ name: total, agg: sum, of: amount }] }]
services: [{ name: shop_sales, features: [sales.*] }]
`;
const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'shop', type: 'string' },
    { name: 'amount', type: 'double' },
  ],
};
/** Later producers call it otherwise, and say more. */
const RENAMED = {
  ...ORDER,
  fields: [
    ...ORDER.fields.slice(0, 2),
    { name: 'price', aliases: ['amount'], type: 'double' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
};

describeWith(['registry'], 'a source in Avro', () => {
  const folder = temporaryFolder();
  const store = ['--store', 'sqlite:store.sqlite'];
  let registry: RegistryService;
  let flags: string[] = [];
  let program: Running;
  beforeAll(async () => {
    registry = await startRegistry();
    flags = ['--log', 'sqlite:log.sqlite', '--schema-registry', registry.url];
    mkdirSync(join(folder, 'features'));
    writeFileSync(join(folder, 'features/orders.yaml'), definitionsOf('double'));
    program = await start(['--definitions', 'features', ...flags, ...store], folder);
  }, 600_000);
  afterAll(async () => {
    await program.stop();
    await registry.stop();
  });

  async function send(...events: readonly object[]): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await fetch(`${program.url}/v1/sources/orders/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  async function totalAfter(position: string | null): Promise<unknown> {
    const after = position === null ? '' : `&after=${position}`;
    const url = `${program.url}/v1/feature-services/shop_sales/vectors?shop=s${after}`;
    return ((await (await fetch(url)).json()) as { vectors: { values: unknown }[] }).vectors[0]?.values;
  }

  const order = (more: object): object => ({ at: '2024-05-01T10:00:00Z', shop: 's', ...more });

  test('events are written by what is registered, and nothing is written before', async () => {
    const nothing = await send(order({ amount: 1 }));
    expect(nothing).toMatchObject({
      status: 409,
      body: { code: 'no_schema', detail: expect.stringContaining('subject orders-value has no schema') },
    });
    await registry.register('orders-value', ORDER);
    await registry.register('orders-key', 'string');
    const sent = await send(order({ amount: 1.5 }), order({ amount: 'much' }), order({ amount: 2 }));
    expect(sent).toMatchObject({ status: 200, body: { accepted: 2, rejected: [{ index: 1, code: 'wrong_type' }] } });
    expect(await totalAfter(sent.body['position'] as string)).toEqual([3.5]);
  });

  test('files are written as well, and records of both schemas count', async () => {
    await registry.register('orders-value', RENAMED);
    writeFileSync(join(folder, 'more.jsonl'), `${JSON.stringify(order({ amount: 4 }))}\n`);
    const ingested = await run(
      ['ingest', 'more.jsonl', '--source', 'orders', '--definitions', 'features', ...flags],
      folder,
    );
    expect([ingested.code, ingested.stdout]).toEqual([0, 'more.jsonl: 1 events appended, 0 rejected\n']);
    const deadlineMs = Date.now() + 30_000;
    while (JSON.stringify(await totalAfter(null)) !== '[7.5]' && Date.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await totalAfter(null)).toEqual([7.5]);
  });

  test('a training set of the topic has what was served', async () => {
    writeFileSync(join(folder, 'labels.csv'), 'shop,timestamp\ns,2024-06-01T00:00:00Z\n');
    const args = ['train', '--service', 'shop_sales', '--labels', 'labels.csv', '--out', 'train.parquet'];
    const trained = await run([...args, '--definitions', 'features', ...flags, '--json'], folder);
    expect([trained.code, trained.stderr]).toEqual([0, '']);
    expect(JSON.parse(trained.stdout)).toMatchObject({ rows: 1, events: { folded: 3 } });
  });

  test('plan knows what is deployed, and what the newest records are, of whoever runs', async () => {
    mkdirSync(join(folder, 'next'));
    writeFileSync(join(folder, 'next/orders.yaml'), definitionsOf('int'));
    const planned = await run(['plan', 'next', ...flags, ...store, '--json'], folder);
    expect(planned.code).toBe(1);
    expect(JSON.parse(planned.stdout)).toMatchObject({
      contracts: {
        compared: true,
        breaks: true,
        changes: [{ field: 'amount', kind: 'type_narrowed', views: [{ view: 'sales@1', effect: 'rebuilt' }] }],
        records: [{ field: 'amount', code: 'wrong_type', records: 1, of: 3, breaks: true }],
      },
    });
  });

  test('without a registry the program says so, and does not start', async () => {
    const refused = await run(['start', '--definitions', 'features', '--log', 'sqlite:log.sqlite', ...store], folder);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--schema-registry is missing')]);
  });
});
