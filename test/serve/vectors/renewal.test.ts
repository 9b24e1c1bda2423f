/** Fragments made ahead of time: what they serve is what would have been evaluated, and nobody waits for it. */
import { fastify } from 'fastify';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTier } from '../../../src/cache/tier.ts';
import { type Serving, createServing } from '../../../src/serve/dependencies.ts';
import { answerVectors } from '../../../src/serve/routes/vectors/answer.ts';
import { AHEAD_MS, installRenewal, renewalPass } from '../../../src/serve/routes/vectors/renewal.ts';
import { BODY_POINTERS, checkRequest } from '../../../src/serve/routes/vectors/request.ts';
import { createStateDecoder } from '../../../src/serve/state-decoder.ts';
import { evaluate } from '../../../src/state/evaluate.ts';
import type { ServicePlan } from '../../../src/vector/service.ts';
import { createRandom } from '../../simulation/random.ts';
import { type Harness, startHarness } from '../harness.ts';

vi.mock(import('../../../src/state/evaluate.ts'), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, evaluate: vi.fn(original.evaluate) };
});

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const T0_MS = Date.UTC(2026, 0, 5, 12);
const DEFINITIONS = `
sources:
  - name: payments
    topic: payments
    key: [card]
    event_time: at
    max_disorder: 1m
    stale_after: 365d
    fields: { at: timestamp, card: string, amount: double }
entities: [{ name: card, keys: { card: string } }]
views:
  - name: spend
    entity: card
    source: payments
    features:
      - { name: payments, agg: count, windows: [5m, 1h, 24h] }
      - { name: spent, agg: sum, of: amount, windows: [1h] }
      - { name: since, agg: time_since_last, windows: [1h] }
  # The same states, read otherwise.
  - name: spend
    version: 2
    entity: card
    source: payments
    max_age: 59m
    features:
      - { name: spent, agg: sum, of: amount, windows: [1h] }
      - { name: since, agg: time_since_last, windows: [1h], default: 7 }
      - { name: payments, agg: count, windows: [24h, 5m, 1h] }
services:
  - name: spend
    features: [spend@1.*]
    derived: [{ name: per_payment, expr: "spent_1h / payments_1h" }]
  - { name: counts, features: [spend@1.payments_1h, spend@1.payments_5m] }
  - { name: aged, features: [spend@2.*] }
`;

interface World extends Harness {
  /** With a tier, and reading the store each time. */
  readonly kept: Serving;
  readonly cold: Serving;
  nowMs(): number;
  setNow(ms: number): void;
}

async function startWorld(events: readonly object[]): Promise<World> {
  let nowMs = T0_MS;
  const clock = { nowMs: () => nowMs };
  const harness = await startHarness({
    definitions: DEFINITIONS,
    nowMs: T0_MS,
    partitions: 2,
    events: { payments: events },
  });
  const { definitions, store } = harness;
  const tier = createTier({ store, decode: createStateDecoder(definitions), clock, stalenessMs: 1_000 * HOUR_MS });
  onTestFinished(() => tier.close());
  const common = { definitions, store, log: null, clock, materializerStatus: null, version: '1' };
  const logger = pino({ level: 'silent' });
  return {
    ...harness,
    kept: createServing({ ...common, logger, tier }),
    cold: createServing({ ...common, logger, tier: null }),
    nowMs: () => nowMs,
    setNow: (ms) => void (nowMs = ms),
  };
}

async function ask(serving: Serving, service: string, body: object): Promise<string> {
  const plan = serving.services.get(`${service}@1`) as ServicePlan;
  const nowMs = serving.clock.nowMs();
  const request = checkRequest(body, [], { plan, nowMs, sources: new Map(), pointers: BODY_POINTERS });
  const context = { serving, plan, nowMs, elapsedMs: () => 0, flagDegraded: () => undefined };
  return (await answerVectors(context, request)).text;
}

const renew = (serving: Serving): void => void [...renewalPass(serving)];
const evaluations = (): number => vi.mocked(evaluate).mock.calls.length;

const CARDS = Array.from({ length: 40 }, (_, index) => `card-${index}`);
const ROWS = { entities: CARDS.map((card) => ({ card })) };
/** Each card pays half a minute after noon. */
const PAID = CARDS.map((card, index) => ({ at: T0_MS - HOUR_MS + 30_000 + index, card, amount: index + 0.5 }));
/** Where that leaves the window of an hour. */
const LEAVES_MS = T0_MS + MINUTE_MS;

test('where a window moves on, those who ask wait for no evaluation, and get what would have been evaluated', async () => {
  const { kept, cold, setNow } = await startWorld(PAID);
  setNow(LEAVES_MS - 5_000);
  await ask(kept, 'spend', ROWS);
  const before = await ask(kept, 'spend', ROWS);
  renew(kept);
  expect(await ask(kept, 'spend', ROWS)).toBe(before);
  setNow(LEAVES_MS);
  const made = evaluations();
  const after = await ask(kept, 'spend', ROWS);
  expect(evaluations()).toBe(made);
  expect(after).toBe(await ask(cold, 'spend', ROWS));
  expect(JSON.parse(before).vectors[1].values).toEqual([0, 1, 1, 1.5, 3_624_999, 1.5]);
  expect(JSON.parse(after).vectors[1].values).toEqual([0, 0, 1, 0, null, null]);
});

test('what an event changed since is evaluated anew', async () => {
  const { kept, cold, setNow, append } = await startWorld(PAID);
  setNow(LEAVES_MS - 5_000);
  await ask(kept, 'spend', ROWS);
  renew(kept);
  await append('payments', [{ at: LEAVES_MS - 4_000, card: 'card-7', amount: 9 }]);
  setNow(LEAVES_MS);
  const text = await ask(kept, 'spend', ROWS);
  expect(text).toBe(await ask(cold, 'spend', ROWS));
  expect(JSON.parse(text).vectors[7].values.slice(0, 4)).toEqual([1, 1, 2, 9]);
});

test('at most one is made for each that was asked for, and none before its time', async () => {
  const { kept, setNow } = await startWorld(PAID);
  setNow(LEAVES_MS - AHEAD_MS - 1);
  await ask(kept, 'spend', ROWS);
  const asked = evaluations();
  renew(kept);
  expect(evaluations()).toBe(asked);
  setNow(LEAVES_MS - AHEAD_MS);
  for (let time = 0; time < 3; time++) renew(kept);
  expect(evaluations()).toBe(asked + CARDS.length);
  // Nobody has asked for what was made, so nothing is made to follow it, be it about to end.
  setNow(LEAVES_MS + 23 * HOUR_MS - 1_000);
  renew(kept);
  expect(evaluations()).toBe(asked + CARDS.length);
});

test('memory that is taken by what is made ahead is counted, and given back when it serves', async () => {
  const { kept, setNow } = await startWorld(PAID);
  const bytes = (): number => [...kept.entityPlaces.all()].reduce((sum, { entry }) => sum + (entry?.bytes ?? 0), 0);
  setNow(LEAVES_MS - 5_000);
  await ask(kept, 'counts', ROWS);
  const before = bytes();
  renew(kept);
  expect(bytes()).toBeGreaterThan(before);
  setNow(LEAVES_MS);
  await ask(kept, 'counts', ROWS);
  expect(bytes()).toBe(before);
});

test('what is made ahead is bounded as fragments are, whatever features are asked for', async () => {
  const { kept, setNow } = await startWorld(PAID);
  const names = ['payments_5m', 'payments_1h', 'payments_24h', 'spent_1h', 'since_1h', 'per_payment'];
  setNow(LEAVES_MS - 5_000);
  for (let choice = 1; choice < 64; choice++) {
    const features = names.filter((_name, at) => (choice >> at) % 2 === 1);
    await ask(kept, 'spend', { entities: [{ card: 'card-1' }], features });
    renew(kept);
  }
  const [entry] = [...kept.entityPlaces.all()].flatMap((ref) => ref.entry ?? []);
  expect(entry?.fragments.size).toBeGreaterThan(10);
  expect([...(entry?.ahead?.keys() ?? [])]).toEqual([...(entry?.fragments.keys() ?? [])]);
});

test('it is done for as long as the app listens', { timeout: 30_000 }, async () => {
  const { kept, setNow } = await startWorld(PAID);
  const app = fastify();
  installRenewal(app, kept);
  setNow(LEAVES_MS - 5_000);
  await ask(kept, 'spend', ROWS);
  const asked = evaluations();
  await app.listen({ host: '127.0.0.1', port: 0 });
  await vi.waitFor(() => expect(evaluations()).toBe(asked + CARDS.length), 20_000);
  await app.close();
});

test('over random lives, what is made ahead never shows but in time', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = createRandom(seed);
    const { kept, cold, nowMs, setNow, append } = await startWorld(PAID);
    let made = 0;
    for (let step = 0; step < 60; step++) {
      setNow(nowMs() + random.below(20_000));
      const cards = CARDS.filter(() => random.below(3) === 0);
      if (random.below(4) === 0) {
        await append(
          'payments',
          cards.slice(0, 3).map((card) => ({ at: nowMs() - random.below(50_000), card, amount: step })),
        );
      }
      const service = random.pick(['spend', 'counts', 'aged']);
      const include = [['status'], ['event_time'], [], []][random.below(4)];
      const body = { entities: [...cards, 'nobody'].map((card) => ({ card })), include };
      const text = await ask(kept, service, body);
      expect(text, `seed ${seed}, step ${step}`).toBe(await ask(cold, service, body));
      const before = evaluations();
      renew(kept);
      made += evaluations() - before;
    }
    expect(made, `seed ${seed}`).toBeGreaterThan(0);
  }
});
