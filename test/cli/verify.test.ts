/** `skewless verify` as a user runs it: an answer that was saved, and what comes of it once things have changed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseSaved } from '../../src/cli/served-vectors.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { formatReceipt, receiptHead } from '../../src/vector/receipt.ts';
import { run, start, temporaryFolder } from './run.ts';

const definitionsOf = (factor: number) => `
sources:
  - { name: orders, key: [shop], event_time: at, fields: { shop: string, at: timestamp, amount: double } }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - name: sales
    entity: shop
    source: orders
    features: [{ name: sold, agg: sum, of: amount, windows: [24h] }]
services:
  - { name: scoring, features: [sales.*], derived: [{ name: doubled, expr: "sold_24h * ${factor}" }] }
`;

test('a saved answer is verified, also with other definitions than those it was served with; garbage is said', async () => {
  const folder = temporaryFolder();
  const definitions = join(folder, 'orders.yaml');
  writeFileSync(definitions, definitionsOf(2));
  const flags = ['--definitions', '.', '--log', 'sqlite:log.sqlite'];
  const server = await start([...flags, '--store', 'sqlite:store.sqlite'], folder);
  const post = async (path: string, body: object) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return response.text();
  };
  const at = Date.now() - 60_000;
  const events = [
    { shop: 'a', at, amount: 2.5 },
    { shop: 'a', at: at + 1, amount: 0.1 },
  ];
  const { position } = JSON.parse(await post('/v1/sources/orders/events', { events })) as { position: string };
  const vectors = '/v1/feature-services/scoring/vectors';
  const request = {
    entities: [{ shop: 'a' }, { shop: 'b' }],
    include: ['receipt'],
    after: position,
    budget_ms: 60_000,
  };
  const answer = await post(vectors, request);
  writeFileSync(join(folder, 'answer.json'), answer);
  const columns = await post(vectors, { ...request, layout: 'columns' });
  writeFileSync(join(folder, 'answers.jsonl'), `${answer}\n${columns}\n`);
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  await expect.poll(async () => (await log.ranges('default.definitions'))?.length, { timeout: 30_000 }).toBe(1);
  await log.close();
  await server.stop();
  const verify = (...args: readonly string[]) => run(['verify', ...args, ...flags], folder);
  expect(await verify('answer.json')).toMatchObject({ code: 0, stdout: '2 vectors: same bits\n' });
  // Definitions have moved on: those of the receipts are found where whoever folded kept them.
  writeFileSync(definitions, definitionsOf(3));
  expect(await verify('answers.jsonl')).toMatchObject({ code: 0, stdout: '4 vectors: same bits\n' });
  const elsewhere = await verify('answer.json', '--namespace', 'other');
  expect([elsewhere.code, elsewhere.stdout]).toEqual([1, expect.stringContaining('2 vectors: not_reproducible')]);
  writeFileSync(join(folder, 'wrong.json'), answer.replace('"values":[2.6', '"values":[2.7'));
  const wrong = await verify('wrong.json');
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toContain('sold_24h: served 2.7, the log gives 2.6, from orders/0/1');
  expect(wrong.stdout).toContain('2 vectors: 1 same bits, 1 different');
  const json = await verify('wrong.json', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({
    counts: { same_bits: 1, different: 1, not_reproducible: 0, erased: 0, no_receipt: 0 },
    results: [{ result: 'different', differences: [{ feature: 'sold_24h', event_count: 2 }] }, { result: 'same_bits' }],
  });
  expect(readFileSync(join(folder, 'answer.json'), 'utf8')).toBe(answer);
}, 120_000);

const RECEIPT = formatReceipt({
  head: receiptHead({ name: 'scoring', version: 1, fingerprint: 'f' }, null),
  asOfMs: 0,
  entity: '"shop":"a"',
  shards: [],
  reads: [null],
  values: '[1]',
});

test('vectors are found in answers of either layout, in lines, in lists, and alone', () => {
  const rows = { features: ['n'], vectors: [{ values: [1], receipt: RECEIPT, issues: { n: 'STALE' } }, { error: {} }] };
  const columns = { features: ['n'], columns: { n: [1] }, status: { n: ['PRESENT'] }, rows: [{ receipt: RECEIPT }] };
  const ones = { vectors: [{ receipt: RECEIPT, values: [1], features: ['n'] }] };
  const shape = (text: string) =>
    parseSaved(text).map((saved) => {
      if ('problem' in saved) return saved.problem;
      const { values, features, statuses, issues } = saved.served;
      return [values, features, statuses, issues];
    });
  expect(shape(JSON.stringify(rows))).toEqual([[[1], ['n'], null, { n: 'STALE' }]]);
  expect(shape(JSON.stringify(columns))).toEqual([[[1], ['n'], ['PRESENT'], {}]]);
  expect(shape(JSON.stringify(ones))).toEqual([[[1], ['n'], null, {}]]);
  expect(shape([rows, columns].map((each) => JSON.stringify(each)).join('\n'))).toHaveLength(2);
  const alone = [[null, null, null, null]];
  expect(shape(RECEIPT)).toEqual(alone);
  expect(shape(`${RECEIPT}\n${RECEIPT}\n`)).toEqual([...alone, ...alone]);
  expect(shape(JSON.stringify({ receipts: [RECEIPT] }))).toEqual(alone);
  expect(shape(JSON.stringify({ vectors: [{ values: [1] }] }))[0]).toContain('it has no receipt');
  expect(shape('{"receipt":')[0]).toContain('neither JSON nor a receipt');
  expect(shape('nonsense!')[0]).toContain('its receipt is none: it is not base64url');
});
