import { expect, test } from 'vitest';
import type { Definitions } from '../../../src/definition/definition.ts';
import { parseReceipt, valuesDigest } from '../../../src/vector/receipt.ts';
import { NEWEST_MS, ROW, replacingReads, startAirport } from './fixture.ts';

function featuresOf({ services }: Definitions): readonly string[] {
  return services.get('departure_delay@1')?.features.map(({ name }) => name) ?? [];
}

test('a receipt names service, fingerprints, as_of, entity and the position of each shard it was read at', async () => {
  const { vectors, definitions } = await startAirport();
  const answer = await vectors('departure_delay', {
    entities: [{ scheduled_hour: 17, origin: 'JFK' }],
    as_of: NEWEST_MS,
    include: ['receipt'],
    features: ['departures_24h', 'rough'],
  });
  const [{ receipt, values }] = answer.json.vectors;
  expect(receipt).toMatch(/^[A-Za-z0-9_-]+$/);
  const shard = (source: string, position: number) => ({
    source,
    entityKey: 'origin',
    partition: 0,
    position: { 0: position },
    completeFromMs: null,
    stale: false,
  });
  const places = answer.json.features.map((name: string) => featuresOf(definitions).indexOf(name));
  expect(parseReceipt(receipt)).toEqual({
    ok: true,
    receipt: {
      service: 'departure_delay',
      version: 1,
      fingerprint: answer.json.fingerprint,
      asOfMs: NEWEST_MS,
      entity: { origin: 'JFK', scheduled_hour: 17 },
      features: places,
      shards: [shard('departures', 4), shard('weather', 1)],
      reads: [0, 1],
      digest: valuesDigest(JSON.stringify(values)),
    },
  });
});

test('a receipt of all features does not name them, and one of a few is shorter than a line of text', async () => {
  const { vectors } = await startAirport();
  const request = { entities: [ROW], as_of: NEWEST_MS, include: ['receipt'] };
  const { receipt } = (await vectors('departure_delay', request)).json.vectors[0];
  expect(parseReceipt(receipt)).toMatchObject({ ok: true, receipt: { features: null } });
  expect(receipt.length).toBeLessThan(600);
});

test('what was withheld for the moment is named with its reason, and reads nothing', async () => {
  const hanging = replacingReads((source, read) => (source === 'weather' ? new Promise(() => {}) : read()));
  const { vectors } = await startAirport({ wrapStore: hanging });
  const request = { entities: [ROW], as_of: NEWEST_MS, budget_ms: 50, include: ['receipt'] };
  const { receipt } = (await vectors('departure_delay', request)).json.vectors[0];
  expect(parseReceipt(receipt)).toMatchObject({
    ok: true,
    receipt: { shards: [{ source: 'departures' }], reads: [0, 'TIMED_OUT'] },
  });
});

test('an as_of below what is held exactly is named OUT_OF_HISTORY', async () => {
  const departures = Array.from({ length: 400 }, (_, index) => ({
    origin: 'JFK',
    departed_at: NEWEST_MS - (400 - index) * 1_000,
    delay: index,
  }));
  const { vectors } = await startAirport({ events: { departures } });
  const request = { entities: [ROW], as_of: NEWEST_MS - 300_000, features: ['departures_1h'], include: ['receipt'] };
  const { receipt } = (await vectors('departure_delay', request)).json.vectors[0];
  expect(parseReceipt(receipt)).toMatchObject({ ok: true, receipt: { shards: [], reads: ['OUT_OF_HISTORY'] } });
});

test("the same read has the same receipt, whatever the order of the request's fields", async () => {
  const { vectors } = await startAirport();
  const ask = async (row: object) => {
    const request = { entities: [row], as_of: NEWEST_MS, include: ['receipt'] };
    return (await vectors('departure_delay', request)).json.vectors[0].receipt as string;
  };
  expect(await ask({ origin: 'JFK', scheduled_hour: 1 })).toBe(await ask({ scheduled_hour: 1, origin: 'JFK' }));
  expect(await ask({ origin: 'JFK', scheduled_hour: 1 })).not.toBe(await ask({ origin: 'JFK', scheduled_hour: 2 }));
});
