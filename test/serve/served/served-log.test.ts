/** The served log: what is in it, of whom, and that no request waits for it. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTier } from '../../../src/cache/tier.ts';
import { SkewlessError } from '../../../src/core/errors.ts';
import type { AppendRecord, AppendedAt } from '../../../src/log/log.ts';
import { type ServedLog, type ServedLogOptions, createServedLog } from '../../../src/serve/served-log.ts';
import { createStateDecoder } from '../../../src/serve/state-decoder.ts';
import { parseServedRow } from '../../../src/vector/served-row.ts';
import type { HarnessOptions } from '../harness.ts';
import { HOUR_MS, NEWEST_MS, ROW, startAirport } from '../vectors/fixture.ts';

const TOPIC = 'test.served';
const REQUEST = { entities: [ROW], as_of: NEWEST_MS + 1 };

type LogPart = ServedLogOptions['log'];

/** A log of texts, which does as it is told. */
function memoryLog(append: (records: readonly AppendRecord[]) => Promise<void> = () => Promise.resolve()) {
  const texts: string[] = [];
  const log: LogPart = {
    ensureTopic: () => Promise.resolve(),
    async append(_topic, records): Promise<readonly AppendedAt[]> {
      await append(records);
      texts.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
      return [];
    },
  };
  return { log, texts, rows: () => texts.map((text) => parseServedRow(Buffer.from(text))) };
}

function servedLogOf(log: LogPart, options: Partial<ServedLogOptions> = {}): ServedLog {
  return createServedLog({ log, topic: TOPIC, share: 1, onWarning: () => undefined, ...options });
}

function startLogging(servedLog: ServedLog, options: Partial<HarnessOptions> = {}) {
  return startAirport({ ...options, dependencies: { servedLog } });
}

const tiered: Partial<HarnessOptions> = {
  tierOf: (store, definitions, clock) =>
    createTier({ store, decode: createStateDecoder(definitions), clock, stalenessMs: HOUR_MS }),
};

test('what is logged of a row is what was served, with statuses and a receipt, however it was asked for', async () => {
  const { log, texts, rows } = memoryLog();
  const servedLog = servedLogOf(log);
  const { vectors } = await startLogging(servedLog, tiered);
  const asked = { ...REQUEST, include: ['status', 'receipt'] };
  const { json } = await vectors('departure_delay', asked);
  for (let again = 0; again < 2; again++) await vectors('departure_delay', REQUEST);
  await vectors('departure_delay', { ...REQUEST, layout: 'columns', include: ['event_time'] });
  await servedLog.close();
  const [vector] = json.vectors;
  const { servedMs, ...first } = rows()[0] ?? { servedMs: 0 };
  expect(first).toEqual({
    service: 'departure_delay',
    version: 1,
    fingerprint: json.fingerprint,
    asOfMs: NEWEST_MS + 1,
    features: json.features,
    values: vector.values,
    statuses: vector.status,
    entity: ROW,
    receipt: vector.receipt,
  });
  expect(servedMs).toBeGreaterThan(NEWEST_MS);
  const timeless = new Set(texts.map((text) => text.replace(/"served_at":"[^"]+"/, '')));
  expect([texts.length, timeless.size]).toEqual([4, 1]);
});

test('a row whose text is ready is logged as any', async () => {
  const { log, texts } = memoryLog();
  const servedLog = servedLogOf(log);
  const { vectors } = await startLogging(servedLog, tiered);
  for (let time = 0; time < 4; time++) await vectors('departure_delay', { ...REQUEST, features: ['departures_24h'] });
  await servedLog.close();
  expect(texts.length).toBe(4);
});

test('some of the features, and rows that are moved to where their state is exact, are logged as they were served', async () => {
  const { log, rows } = memoryLog();
  const servedLog = servedLogOf(log);
  const { vectors } = await startLogging(servedLog);
  const { json } = await vectors('departure_delay', {
    entities: [ROW, { origin: 'nowhere', scheduled_hour: 1 }, { origin: 3 }],
    features: ['delay_ratio', 'wind_24h'],
    include: ['status'],
  });
  await servedLog.close();
  expect(rows().map((row) => [row?.entity, row?.features, row?.values, row?.statuses])).toEqual([
    [ROW, ['delay_ratio', 'wind_24h'], json.vectors[0].values, json.vectors[0].status],
    [
      { origin: 'nowhere', scheduled_hour: 1 },
      ['delay_ratio', 'wind_24h'],
      json.vectors[1].values,
      json.vectors[1].status,
    ],
  ]);
});

test("all of a sampled entity's rows are logged, by whichever process, and no other's", async () => {
  const [first, second] = [memoryLog(), memoryLog()];
  const entities = Array.from({ length: 300 }, (_none, index) => ({ origin: `A${index}`, scheduled_hour: 1 }));
  for (const { log } of [first, second]) {
    const servedLog = servedLogOf(log, { share: 0.2 });
    const { vectors } = await startLogging(servedLog);
    for (let again = 0; again < 3; again++) await vectors('departure_delay', { entities, as_of: NEWEST_MS });
    await servedLog.close();
  }
  const timesOf = (rows: ReturnType<typeof first.rows>) => {
    const grouped = Map.groupBy(rows, (row) => row?.entity['origin'] as string);
    return new Map([...grouped].map(([origin, some]) => [origin, some.length]));
  };
  const times = timesOf(first.rows());
  expect(new Set(times.values())).toEqual(new Set([3]));
  expect(times.size).toBeGreaterThan(30);
  expect(times.size).toBeLessThan(90);
  expect(timesOf(second.rows())).toEqual(times);
});

test('a log that hangs holds up no answer: what does not fit into the queue is dropped, and counted', async () => {
  const hanging = Promise.withResolvers<void>();
  const { log, texts } = memoryLog(() => hanging.promise);
  const warnings: string[] = [];
  const servedLog = servedLogOf(log, {
    bounds: { queueRowsMax: 5, lingerMs: 0, closeMs: 20 },
    onWarning: (message) => warnings.push(message),
  });
  const { vectors } = await startLogging(servedLog);
  for (let time = 0; time < 20; time++) expect((await vectors('departure_delay', REQUEST)).status).toBe(200);
  expect(servedLog.report()).toMatchObject({ logged: 0, queuedRows: 5, dropped: { queue_full: 15 } });
  await servedLog.close();
  expect(servedLog.report()).toMatchObject({ queuedRows: 0, dropped: { queue_full: 15, closed: 5 } });
  expect(warnings).toEqual([expect.stringContaining('5 rows were not written')]);
  expect((await vectors('departure_delay', REQUEST)).status).toBe(200);
  expect([servedLog.report().dropped['closed'], texts.length]).toEqual([6, 0]);
  hanging.resolve();
});

test('the queue is bounded in characters, too, and a row that no broker would take is dropped', async () => {
  const { log, texts } = memoryLog();
  const servedLog = servedLogOf(log, { bounds: { queueCharactersMax: 100, rowCharactersMax: 80 } });
  expect(servedLog.mayOffer()).toBe(true);
  servedLog.offer('k', 'x'.repeat(81));
  servedLog.offer('k', 'x'.repeat(60));
  servedLog.offer('k', 'y'.repeat(60));
  expect(servedLog.mayOffer()).toBe(false);
  await servedLog.close();
  expect(texts.map(({ length }) => length)).toEqual([60, 60]);
  expect(servedLog.report().dropped).toEqual({ queue_full: 1, too_large: 1, refused: 0, closed: 0 });
});

test('rows wait for a log that is away and comes back, in their order; what it refuses for good is dropped', async () => {
  let fault: SkewlessError | null = new SkewlessError('log_unavailable', 'away', { retryable: true });
  const { log, texts } = memoryLog(() => (fault === null ? Promise.resolve() : Promise.reject(fault)));
  const warnings: string[] = [];
  const onWarning = (message: string): number => warnings.push(message);
  const servedLog = servedLogOf(log, {
    bounds: { lingerMs: 0, retryMs: 1, batchRowsMax: 2 },
    onWarning,
  });
  for (const text of ['a', 'b', 'c', 'd', 'e']) servedLog.offer('k', text);
  while (warnings.length === 0) await delay(1);
  await delay(20);
  expect([servedLog.report().queuedRows, warnings.length]).toEqual([5, 1]);
  fault = null;
  await servedLog.close();
  expect(texts).toEqual(['a', 'b', 'c', 'd', 'e']);
  const refusing = servedLogOf(memoryLog(() => Promise.reject(new SkewlessError('too_large', 'no'))).log);
  refusing.offer('k', 'a');
  await refusing.close();
  expect(refusing.report()).toMatchObject({ logged: 0, dropped: { refused: 1 } });
});

test('a row that was withheld for want of time is logged as it was', async () => {
  const { log, rows } = memoryLog();
  const servedLog = servedLogOf(log);
  const { vectors } = await startLogging(servedLog, {
    wrapStore: (store) => ({
      ...store,
      read: async (shard, sections) => {
        await delay(30);
        return store.read(shard, sections);
      },
    }),
  });
  await vectors('departure_delay', { ...REQUEST, entities: [ROW, ROW], budget_ms: 1 });
  await servedLog.close();
  expect(rows().length).toBe(2);
  expect(new Set(rows().flatMap((row) => row?.statuses))).toEqual(new Set(['TIMED_OUT']));
});
