import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Contracts, examineContracts } from '../../src/cli/contracts.ts';
import { systemClock } from '../../src/core/clock.ts';
import { compileSourcePlaces } from '../../src/definition/source-places.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import type { Schemas } from '../../src/event/schemas.ts';
import { memoryRegistry } from '../event/schemas-support.ts';
import { load } from '../definition/support.ts';
import { run, temporaryFolder } from './run.ts';

const definitionsOf = (amount: string, more = ''): string => `
sources:
  - name: orders
    topic: orders
    key: [shop]
    event_time: at
    fields:
      at: timestamp
      shop: string
      amount: ${amount}${more}
entities: [{ name: shop, keys: { shop: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: total, agg: sum, of: amount }] }
`;

/** A folder with both definitions, and a log whose topic holds these events. */
async function setUp(definitions: string, events: readonly object[]): Promise<string> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'new'));
  mkdirSync(join(folder, 'old'));
  writeFileSync(join(folder, 'new/orders.yaml'), definitions);
  writeFileSync(join(folder, 'old/orders.yaml'), definitionsOf('double'));
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  await log.ensureTopic('orders', 1);
  const records = events.map((event) => ({
    key: Buffer.from(String((event as { shop: unknown }).shop)),
    value: Buffer.from(JSON.stringify(event)),
    timestampMs: null,
  }));
  await log.append('orders', records);
  await log.close();
  return folder;
}

/** What `plan` finds of it, against `deployed`. */
async function examined(
  definitions: string,
  events: readonly object[],
  deployed: string | null,
  schemas: Schemas | null = null,
): Promise<Contracts> {
  const folder = await setUp(definitions, events);
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  const places = compileSourcePlaces([{ path: 'orders.yaml', text: definitions }]);
  const found = await examineContracts(
    load(definitions),
    deployed === null ? null : load(deployed),
    { log, schemas },
    places,
  );
  await log.close();
  return found;
}

const order = (amount: unknown, shop = 's'): object => ({ at: 1_700_000_000_000, shop, amount });

test('plan refuses a narrowed type of what is deployed, says where, and lets it pass with --accept', async () => {
  const folder = await setUp(definitionsOf('int'), [order(1)]);
  const flags = ['--log', 'sqlite:log.sqlite', '--store', 'sqlite:store.sqlite', '--deployed', 'old'];
  const refused = await run(['plan', 'new', ...flags], folder);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain(
    'BREAKS  new/orders.yaml:10:7 orders.amount: type narrowed, double → int; sales@1 is rebuilt\n',
  );
  const accepted = await run(['plan', 'new', ...flags, '--accept', '--json'], folder);
  expect(accepted.code).toBe(0);
  expect(JSON.parse(accepted.stdout)).toMatchObject({
    contracts: {
      breaks: true,
      changes: [{ field: 'amount', kind: 'type_narrowed', place: { line: 10 } }],
      records: [],
    },
  });
}, 30_000);

test('what the newest records would be rejected for breaks, and says how many of them', async () => {
  const events = [order(1), order(1.5), order('much'), order(null)];
  expect(await examined(definitionsOf('int'), events, null)).toMatchObject({
    breaks: true,
    records: [
      { field: 'amount', code: 'wrong_type', records: 2, of: 4, breaks: true, place: { line: 10 } },
      { field: 'amount', code: 'null_field', records: 1, of: 4, breaks: true },
    ],
  });
});

test('what is as bad with the deployed contract, and what null is allowed for, breaks nothing', async () => {
  const more = definitionsOf('double', '\n      note: string?');
  expect(await examined(more, [order(1), order('much')], definitionsOf('double'))).toMatchObject({
    breaks: false,
    changes: [{ kind: 'field_added', field: 'note', breaks: false }],
    records: [
      { field: 'amount', code: 'wrong_type', breaks: false },
      { field: 'note', code: 'absent', records: 2, of: 2, breaks: false },
    ],
  });
  expect(await examined(more, [order(1), order('much')], null)).toMatchObject({ breaks: true });
});

test('a few bad records among many break nothing, and a key that producers do not write does', async () => {
  const events = Array.from({ length: 200 }, (_each, index) => order(index === 7 ? 'much' : index));
  const sound = await examined(definitionsOf('double'), events, null);
  expect(sound).toMatchObject({ breaks: false, records: [{ code: 'wrong_type', records: 1, of: 200 }] });
  const other = definitionsOf('int').replace('key: [shop]', 'key: [amount]');
  expect(await examined(other, [order(1), order(2)], null)).toMatchObject({
    breaks: true,
    records: [{ field: null, code: 'other_key', records: 2, breaks: true, place: { line: 3 } }],
  });
});

test('what the newest schema of the topic holds otherwise breaks, whatever the records are', async () => {
  const registry = memoryRegistry();
  const definitions = definitionsOf('double').replace('topic: orders', 'topic: orders\n    format: avro');
  expect(await examined(definitions, [], null, registry)).toMatchObject({
    breaks: false,
    schemas: [
      { subject: 'orders-value', schema_id: null, message: 'subject orders-value has no schema', breaks: false },
    ],
  });
  const fields = [
    { name: 'at', type: 'long' },
    { name: 'shop', type: 'string' },
    { name: 'amount', type: 'string' },
  ];
  const id = registry.register({ type: 'record', name: 'o', fields }, 'orders-value');
  const message = 'the schema has string, and double is declared';
  expect(await examined(definitions, [], null, registry)).toMatchObject({
    breaks: true,
    schemas: [{ subject: 'orders-value', schema_id: id, field: 'amount', message, breaks: true, place: { line: 11 } }],
  });
});
