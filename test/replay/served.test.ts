/** Training sets of what was served: the values of the served log, whatever the log of events has come to say since. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import { trainServed } from '../../src/replay/train-served.ts';
import { type Logging, TOPIC, startLogging } from './audit-support.ts';
import { folderForTest, jsonOf, readRows, serviceOf } from './support.ts';

const NOW_MS = Date.UTC(2024, 4, 20);
const DEFINITIONS = `
sources:
  - { name: orders, key: [shop], event_time: at, fields: { shop: string, at: timestamp, amount: double } }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - name: sales
    entity: shop
    source: orders
    features:
      - { name: sold, agg: sum, of: amount, windows: [1h] }
      - { name: latest, agg: last_n, n: 2, of: { amount: amount, at: at }, windows: [1h] }
services:
  - { name: scoring, inputs: { basket: double }, features: [sales.*], derived: [{ name: share, expr: "basket / sold_1h" }] }
`;

const at = (minutes: number): number => NOW_MS + minutes * 60_000;

async function trainOn(
  { log, definitions, whenLogged }: Logging,
  labels: readonly object[],
  features: readonly string[] | null = null,
) {
  await whenLogged();
  const folder = folderForTest();
  const labelsPath = join(folder, 'labels.jsonl');
  const outPath = join(folder, 'train.parquet');
  writeFileSync(labelsPath, labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
  const manifest = await trainServed({
    service: serviceOf(definitions),
    aggregations: AGGREGATIONS,
    features,
    labelsPath,
    outPath,
    served: createLogReader(log, TOPIC, 'sqlite:test'),
    sample: 1,
    statuses: true,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  const rows = await readRows(outPath);
  const names = manifest.columns.filter(({ role }) => role === 'feature' || role === 'status').map(({ name }) => name);
  return { manifest, rows: rows.map((row) => [row['target'], ...names.map((name) => jsonOf(row[name] ?? null))]) };
}

test('a label gets the values that were served for its request at its time, though late events came since', async () => {
  const app = await startLogging({ definitions: DEFINITIONS, nowMs: NOW_MS + 3_600_000 });
  const ask = async (shop: string, basket: number, minutes: number, more: object = {}) =>
    app.vectors('scoring', { entities: [{ shop, basket }], as_of: at(minutes), include: ['status'], ...more });
  await app.append('orders', [{ shop: 'a', at: at(1), amount: 0.1 }]);
  const { json } = await ask('a', 5, 10);
  await ask('b', 5, 10);
  await app.append('orders', [{ shop: 'a', at: at(2), amount: 0.2 }]);
  // Asked once more, and answered otherwise: what was served first is what was acted on.
  await ask('a', 5, 10);
  await ask('a', 7, 20, { features: ['sold_1h'] });
  const labels = [
    { target: 'none', shop: 'a', basket: 6, timestamp: at(10) },
    { target: 'first', shop: 'a', basket: 5, timestamp: at(10) },
    { target: 'of nobody', shop: 'b', basket: 5, timestamp: '2024-05-20T02:10:00+02:00' },
    { target: 'of some features', shop: 'a', basket: 7, timestamp: at(20) },
  ];
  const { manifest, rows } = await trainOn(app, labels);
  const { values, status } = json.vectors[0];
  expect(rows).toEqual([
    ['first', ...values, ...status],
    ['of nobody', null, null, null, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  ]);
  expect(values[0]).toBe(0.1);
  expect(manifest).toMatchObject({
    knowledge: 'served',
    rows: 2,
    labels: { rows: 4 },
    sources: [],
    served: { from: { topic: TOPIC }, positions: { 0: { from: 0, next: 4 } }, unmatched: 2 },
    statuses: { sold_1h: { PRESENT: 1, NOT_FOUND: 1 } },
  });
  const some = await trainOn(app, labels, ['sold_1h']);
  expect(some.rows.map(([target, sold]) => [target, sold])).toEqual([
    ['first', 0.1],
    ['of nobody', null],
    ['of some features', 0.1 + 0.2],
  ]);
});

test('labels that no request could be made of are refused, as ever', async () => {
  const app = await startLogging({ definitions: DEFINITIONS, nowMs: NOW_MS });
  await expect(trainOn(app, [{ shop: 3, basket: 1, timestamp: at(1) }])).rejects.toThrow(/row 1: .*shop/);
});
