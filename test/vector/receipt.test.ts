import { expect, test } from 'vitest';
import { type Receipt, formatReceipt, parseReceipt, receiptHead, receiptShardText } from '../../src/vector/receipt.ts';

const RECEIPT: Receipt = {
  service: 'scoring',
  version: 2,
  fingerprint: 'f3c1d0b2a49e8d7c6b5a4f3e2d1c0b9a',
  asOfMs: Date.UTC(2024, 0, 31, 12),
  entity: { customer: 'Zoë', amount: 12.5, seen: null },
  features: [3, 0],
  shards: [
    { source: 'orders', entityKey: 'customer', partition: 4, position: { 4: 17 }, completeFromMs: null, stale: false },
    {
      source: 'visits',
      entityKey: 'customer',
      partition: 0,
      position: { 0: 5, 1: 0 },
      completeFromMs: 1_000,
      stale: true,
    },
  ],
  reads: [0, 1, null, 'REBUILDING'],
  digest: 'rRhX5ckdzCr9JOeA',
};

function write(receipt: Receipt): string {
  return formatReceipt({
    head: receiptHead({ ...receipt, name: receipt.service }, receipt.features),
    asOfMs: receipt.asOfMs,
    entity: JSON.stringify(receipt.entity).slice(1, -1),
    shards: receipt.shards.map(receiptShardText),
    reads: receipt.reads,
    values: '[1,"a"]',
  });
}

function changed(change: (json: Record<string, unknown>) => unknown): string {
  const json = JSON.parse(Buffer.from(write(RECEIPT), 'base64url').toString('utf8')) as Record<string, unknown>;
  return Buffer.from(JSON.stringify(change(json)), 'utf8').toString('base64url');
}

test('what is written is what is read again', () => {
  const parsed = parseReceipt(write(RECEIPT));
  expect(parsed).toEqual({ ok: true, receipt: { ...RECEIPT, digest: expect.any(String) as unknown } });
  expect(parseReceipt(write({ ...RECEIPT, features: null }))).toMatchObject({ ok: true, receipt: { features: null } });
});

test.each([
  ['', 'not base64url'],
  ['not a receipt!', 'not base64url'],
  ['x'.repeat(300_000), '300000 characters'],
  [write(RECEIPT).slice(0, 100), 'no JSON'],
  [Buffer.from('[1]').toString('base64url'), 'no JSON object'],
  [Buffer.from('null').toString('base64url'), 'no JSON object'],
  [changed((json) => ({ ...json, format: 1 })), 'format is 1'],
  [changed(({ format: _format, ...json }) => json), 'format is undefined'],
  [changed((json) => ({ ...json, service: '' })), '"service"'],
  [changed((json) => ({ ...json, as_of: 'today' })), '"as_of"'],
  [changed((json) => ({ ...json, entity: [] })), '"entity"'],
  [changed((json) => ({ ...json, features: [] })), '"features"'],
  [changed((json) => ({ ...json, features: [-1] })), '"features"'],
  [changed((json) => ({ ...json, shards: {} })), '"shards"'],
  [changed((json) => ({ ...json, shards: [{ source: 'orders' }] })), '"shards"'],
  [changed((json) => ({ ...json, reads: [2] })), '"reads"'],
  [changed((json) => ({ ...json, reads: ['LATE'] })), '"reads"'],
  // Of these a reading tells: nothing was withheld before it.
  [changed((json) => ({ ...json, reads: ['PRESENT'] })), '"reads"'],
  [changed((json) => ({ ...json, reads: ['NOT_FOUND'] })), '"reads"'],
  [changed((json) => ({ ...json, reads: ['STALE'] })), '"reads"'],
  [changed(({ digest: _digest, ...json }) => json), '"digest"'],
])('a receipt that is none says what is wrong with it: %.40s', (text, problem) => {
  expect(parseReceipt(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) as unknown });
});

test('a position of a partition that is none is damage', () => {
  const text = changed((json) => ({
    ...json,
    shards: [{ ...(json['shards'] as object[])[0], position: { '-1': 3 } }],
  }));
  expect(parseReceipt(text)).toMatchObject({ ok: false });
});
