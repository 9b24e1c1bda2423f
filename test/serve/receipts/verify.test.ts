import { expect, test } from 'vitest';
import { SkewlessError } from '../../../src/core/errors.ts';
import type { ReceiptVerifier } from '../../../src/serve/receipt-verifier.ts';
import { formatReceipt, receiptHead } from '../../../src/vector/receipt.ts';
import { keyWith, startGuarded } from '../access/fixture.ts';
import type { Harness } from '../harness.ts';
import { NEWEST_MS, ROW, startAirport } from '../vectors/fixture.ts';

const FEATURES = ['departures_24h', 'rough'];
const REQUEST = { entities: [ROW], as_of: NEWEST_MS, features: FEATURES, include: ['status', 'receipt'] };

async function served({ vectors }: Harness) {
  return (await vectors('departure_delay', REQUEST)).json.vectors[0] as {
    receipt: string;
    values: unknown[];
    status: string[];
  };
}

test('receipts alone and vectors with their values are the same bits', async () => {
  const airport = await startAirport();
  const { receipt, values, status } = await served(airport);
  const same = {
    result: 'same_bits',
    reason: null,
    service: 'departure_delay',
    version: 1,
    fingerprint: airport.definitions.services.get('departure_delay@1')?.fingerprint,
    as_of: '2013-01-31T17:00:00.000Z',
    entity: ROW,
    differences: [],
    replayed: { departures_24h: 2, rough: false },
  };
  const alone = await airport.post('/v1/receipts/verify', { receipts: [receipt, receipt] });
  expect([alone.status, alone.json]).toEqual([200, { results: [same, same] }]);
  const vectors = [{ receipt, values, status, features: FEATURES, issues: {} }];
  expect((await airport.post('/v1/receipts/verify', { vectors })).json).toEqual({ results: [same] });
});

test('a value that differs is named, with the coordinates of the events that the log gives it from', async () => {
  const airport = await startAirport();
  const { receipt } = await served(airport);
  const answer = await airport.post('/v1/receipts/verify', { vectors: [{ receipt, values: [3, false] }] });
  expect(answer.json.results[0].result).toBe('different');
  expect(answer.json.results[0].differences).toEqual([
    {
      feature: 'departures_24h',
      served: 3,
      replayed: 2,
      served_status: null,
      replayed_status: 'PRESENT',
      event_count: 2,
      events: [
        { source: 'departures', partition: 0, offset: 1, ts: '2013-01-31T16:50:00.000Z' },
        { source: 'departures', partition: 0, offset: 0, ts: '2013-01-31T15:00:00.000Z' },
      ],
    },
  ]);
});

test('what is no receipt is refused, all of them at once, with what is wrong with each', async () => {
  const airport = await startAirport();
  const { receipt } = await served(airport);
  const receipts = [receipt.slice(0, 40), receipt, '!'];
  const answer = await airport.post('/v1/receipts/verify', { receipts });
  expect(answer.status).toBe(400);
  expect(answer.json.code).toBe('invalid_receipt');
  expect(answer.json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/receipts/0', '/receipts/2']);
  for (const body of [{}, { receipts: [] }, { receipts: [receipt], vectors: [{ receipt }] }, { receipts: [1] }]) {
    expect((await airport.post('/v1/receipts/verify', body)).status).toBe(400);
  }
  const many = Array.from({ length: 101 }, () => receipt);
  expect((await airport.post('/v1/receipts/verify', { receipts: many })).status).toBe(400);
});

test('a receipt that names one service and the fingerprint of another tells nothing of the other, whatever the key', async () => {
  const one = keyWith(['read:departure_delay']);
  const airport = await startGuarded([one, keyWith(['read:*'])]);
  const pay = airport.definitions.services.get('departure_pay@1');
  if (pay === undefined) throw new Error('no service departure_pay');
  const forged = (name: string, version: number): string =>
    formatReceipt({
      head: receiptHead({ name, version, fingerprint: pay.fingerprint }, null),
      asOfMs: Date.parse('2024-01-02T00:00:00Z'),
      entity: '"person":"a"',
      shards: ['{"source":"salaries","entity_key":"person","partition":0,"position":{"0":1}}'],
      reads: [0],
      values: '[1]',
    });
  const verify = async (receipt: string, headers: Record<string, string>) => {
    const payload = { receipts: [receipt] };
    return airport.call({ method: 'POST', url: '/v1/receipts/verify', payload, headers });
  };
  expect((await verify(forged('departure_pay', 1), one.headers)).status).toBe(404);
  for (const receipt of [forged('departure_delay', 1), forged('departure_delay', 2)]) {
    const { json } = await verify(receipt, one.headers);
    expect(json.results).toMatchObject([{ result: 'not_reproducible', replayed: null, differences: [] }]);
    expect(json.results[0].reason).toMatch(/^the definitions of departure_delay@\d with the fingerprint/);
  }
});

const tooMany: ReceiptVerifier = () => Promise.reject(new SkewlessError('too_many_events', 'more than 1 event'));

test('more events than are held in memory are refused, with what to do', async () => {
  const airport = await startAirport({ dependencies: { verifier: tooMany } });
  const { receipt } = await served(airport);
  const answer = await airport.post('/v1/receipts/verify', { receipts: [receipt] });
  expect([answer.status, answer.json.code]).toEqual([400, 'too_many_events']);
});

test('without a log there is nothing to replay: 503, and when to come again', async () => {
  const { receipt } = await served(await startAirport());
  const airport = await startAirport({ withLog: false });
  const answer = await airport.post('/v1/receipts/verify', { receipts: [receipt] });
  expect([answer.status, answer.json.code, answer.headers['retry-after']]).toEqual([503, 'log_unavailable', '5']);
});

test('one request at a time, and none for longer than its limit; then the next has its turn', async () => {
  const ended = Promise.withResolvers<void>();
  const verifier: ReceiptVerifier = async (vectors, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    ended.resolve();
    return vectors.map(() => ({}));
  };
  const airport = await startAirport({ dependencies: { verifier, verifyLimitMs: 100 } });
  const { receipt } = await served(airport);
  const body = { receipts: [receipt] };
  const [first, second] = await Promise.all([
    airport.post('/v1/receipts/verify', body),
    airport.post('/v1/receipts/verify', body),
  ]);
  expect([first.status, first.json.code, second.status, second.json.code]).toEqual([
    503,
    'timed_out',
    503,
    'overloaded',
  ]);
  await ended.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect((await airport.post('/v1/receipts/verify', body)).json.code).toBe('timed_out');
});
