/**
 * Receipts of the running app, checked against its log: every vector is the same bits, or it is said which value is not, from
 * which events, or why nothing can be said.
 */
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import type { Log } from '../../src/log/log.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import type { Served } from '../../src/replay/verify-check.ts';
import { verify } from '../../src/replay/verify.ts';
import { applyChange, decodeState, takeChange } from '../../src/state/codec.ts';
import { type ViewPlan, compilePlan } from '../../src/state/plan.ts';
import type { StoredState } from '../../src/state/state.ts';
import { statesOf } from '../../src/state/tiles-codec.ts';
import type { Store } from '../../src/store/store.ts';
import { type ReceiptShard, parseReceipt, valuesDigest } from '../../src/vector/receipt.ts';
import { createRandom } from '../oracle/random.ts';
import { type Harness, compileDefinitions } from '../serve/harness.ts';
import {
  DEFINITIONS as AIRPORT,
  FAILING_KEY,
  NEWEST_MS,
  ROW,
  corrupted,
  replacingReads,
  startAirport,
} from '../serve/vectors/fixture.ts';
import { LIFE_NOW_MS, appendOne, eraseCustomer, randomAsk, startLife } from './life.ts';

interface Vector {
  readonly values: readonly unknown[];
  readonly status: readonly string[];
  readonly receipt: string;
  readonly issues?: Readonly<Record<string, string>>;
}

function servedOf({ receipt, values, status }: Vector): Served {
  const parsed = parseReceipt(receipt);
  if (!parsed.ok) throw new Error(parsed.problem);
  return { receipt: parsed.receipt, values, statuses: status, features: null, issues: null };
}

function verifyAll(log: Log, { services }: Definitions, served: readonly Served[], eventsMax = 100_000) {
  return verify(served, {
    aggregations: AGGREGATIONS,
    serviceOf: (_name, _version, fingerprint) =>
      Promise.resolve([...services.values()].find((each) => each.fingerprint === fingerprint) ?? 'not known'),
    readers: ({ topic }) => Promise.resolve(createLogReader(log, topic, 'sqlite:test')),
    eventsMax,
    nowMs: LIFE_NOW_MS,
    signal: new AbortController().signal,
  });
}

async function ask({ vectors }: Harness, seed: number, count: number): Promise<readonly Vector[]> {
  const random = createRandom(seed);
  const asked: Vector[] = [];
  for (let index = 0; index < count; index++) {
    const { timestamp, ...entity } = randomAsk(random);
    const include = ['status', 'receipt'];
    const answer = await vectors('scoring', { entities: [entity], as_of: timestamp, include });
    asked.push(answer.json.vectors[0] as Vector);
  }
  return asked;
}

test.each([
  ['whole', 1, false],
  ['that lacks the head of a partition', 2, true],
] as const)(
  'over a log %s, each receipt is verified at its own position: the same bits, also once more has come',
  async (_what, seed, truncate) => {
    const life = await startLife(seed, truncate);
    const { log, definitions } = life;
    const asked = await ask(life, seed, 80);
    const served = asked.map(servedOf);
    const found = await verifyAll(log, definitions, served);
    expect(found.map(({ result, reason, differences }) => [result, reason, differences])).toEqual(
      found.map(() => ['same_bits', null, []]),
    );
    for (let index = 0; index < 200; index++) {
      const customer = `c${index % 12}`;
      const payment = { id: `more${index}`, customer, merchant: 'm1', at: LIFE_NOW_MS - index * 1_000_000, amount: 5 };
      await appendOne(log, 'payments', customer, payment, LIFE_NOW_MS);
    }
    // Folded, too: one entity has receipts of two positions then.
    await life.append('payments', []);
    const more = await ask(life, seed, 80);
    expect(more.map(({ values }) => values)).not.toEqual(asked.map(({ values }) => values));
    const later = await verifyAll(log, definitions, [...served, ...more.map(servedOf)]);
    expect(new Set(later.map(({ result }) => result))).toEqual(new Set(['same_bits']));
    expect(new Set(asked.flatMap(({ status }) => status))).toContain(truncate ? 'INCOMPLETE' : 'NOT_FOUND');
  },
);

const MANY = Array.from({ length: 400 }, (_none, index) => ({
  origin: 'JFK',
  departed_at: NEWEST_MS - (400 - index) * 1_000,
  delay: index,
}));

/** One bit of the count in the oldest tile of the finest level; every checksum is that of the bytes as they are then. */
function tamper(plan: ViewPlan, stored: StoredState): StoredState {
  const state = decodeState(plan, stored);
  const [level] = plan.levels;
  const tile = state.tiles[0]?.[0];
  if (level === undefined || tile === undefined) throw new Error('nothing is sealed');
  const counted = statesOf(level, tile, state.stored).find(
    (each): each is { count: number } => each !== null && Object.keys(each as object).join() === 'count',
  );
  if (counted === undefined) throw new Error('nothing is counted');
  counted.count ^= 1;
  tile.storedFrom = -1;
  state.stored.rewrite = true;
  state.stored.version -= 1;
  const change = takeChange(plan, state);
  if (change === null) throw new Error('nothing has changed');
  return applyChange(null, change);
}

function tampering(store: Store): Store {
  const view = compileDefinitions(AIRPORT).views.get('delays@1');
  if (view === undefined) throw new Error('no view delays');
  const plan = compilePlan(view, AGGREGATIONS);
  return {
    ...store,
    async read(shard, sections) {
      const reads = await store.read(shard, sections);
      if (shard.source !== 'departures') return reads;
      return reads.map((read) => ({
        ...read,
        states: read.states.map((state) => (state === null ? null : tamper(plan, state))),
      }));
    },
  };
}

async function askAirport({ vectors }: Harness, features: readonly string[], asOf: unknown = NEWEST_MS) {
  const request = { entities: [ROW], as_of: asOf, features, include: ['status', 'receipt'] };
  return (await vectors('departure_delay', request)).json.vectors[0] as Vector;
}

test('a bit of one tile that is not as it was, under checksums that are right, is a difference with its events', async () => {
  const broken = await startAirport({ events: { departures: MANY }, wrapStore: tampering });
  const vector = await askAirport(broken, ['departures_24h', 'delay_mean_24h', 'wind_24h']);
  expect(vector.values[0]).not.toBe(400);
  expect(vector.status).toEqual(['PRESENT', 'PRESENT', 'NOT_FOUND']);
  const [found] = await verifyAll(broken.log, broken.definitions, [servedOf(vector)]);
  expect(found).toMatchObject({ result: 'different', reason: null });
  expect(found?.differences).toEqual([
    {
      feature: 'departures_24h',
      served: vector.values[0],
      replayed: 400,
      servedStatus: 'PRESENT',
      replayedStatus: 'PRESENT',
      eventCount: 400,
      events: Array.from({ length: 100 }, (_none, index) => ({
        source: 'departures',
        partition: 0,
        offset: 399 - index,
        tsMs: NEWEST_MS - (index + 1) * 1_000,
      })),
    },
  ]);
  // Without the values their digest says as much, and not which.
  const [bare] = await verifyAll(broken.log, broken.definitions, [
    { ...servedOf(vector), values: null, statuses: null },
  ]);
  expect(bare).toMatchObject({ result: 'different', differences: [], replayed: { departures_24h: 400 } });
});

const damaging = replacingReads(async (source, read) => {
  const reads = await read();
  if (source !== 'departures') return reads;
  return reads.map((each) => ({ ...each, states: each.states.map((state) => state && corrupted(state)) }));
});

test('a state that could not be decoded was read all the same: what was served for it is different, and what the log gives is told', async () => {
  const broken = await startAirport({ wrapStore: damaging });
  const vector = await askAirport(broken, ['departures_24h', 'rough']);
  expect([vector.values, vector.status]).toEqual([
    [null, false],
    ['ERROR', 'PRESENT'],
  ]);
  const served = servedOf(vector);
  const [found, bare] = await verifyAll(broken.log, broken.definitions, [served, { ...served, statuses: null }]);
  expect(found).toMatchObject({ result: 'different', replayed: { departures_24h: 2, rough: false } });
  expect(found?.differences).toMatchObject([
    { feature: 'departures_24h', served: null, servedStatus: 'ERROR', replayed: 2, replayedStatus: 'PRESENT' },
  ]);
  expect(bare?.result).toBe('different');
});

test('only where the key failed does a receipt say ERROR: elsewhere it does not fit, however its values are', async () => {
  const failing = await startAirport({ definitions: FAILING_KEY, events: { s: [{ k: 1, ts: NEWEST_MS }] } });
  const request = { entities: [{ a: 1_000 }, { a: 0 }], as_of: NEWEST_MS + 1, include: ['status', 'receipt'] };
  const vectors = (await failing.vectors('svc', request)).json.vectors as Vector[];
  expect(vectors.map(({ status }) => status)).toEqual([['ERROR'], ['PRESENT']]);
  const [failed, counted] = vectors.map(servedOf) as [Served, Served];
  const forged: Served = {
    ...failed,
    receipt: { ...failed.receipt, entity: counted.receipt.entity },
  };
  const found = await verifyAll(failing.log, failing.definitions, [failed, counted, forged]);
  expect(found.map(({ result }) => result)).toEqual(['same_bits', 'same_bits', 'not_reproducible']);
  expect(found[2]?.reason).toBe('it was not read where view v@1 keeps the entity');
});

test('a receipt alone is the same bits when the digest of the replay is its own', async () => {
  const airport = await startAirport();
  const { receipt } = servedOf(await askAirport(airport, ['departures_24h', 'rough']));
  const alone = { receipt, values: null, statuses: null, features: null, issues: null };
  expect(await verifyAll(airport.log, airport.definitions, [alone])).toEqual([
    { result: 'same_bits', reason: null, differences: [], replayed: { departures_24h: 2, rough: false } },
  ]);
});

test('a value that was changed after it was served is named, and that it never was', async () => {
  const airport = await startAirport();
  const served = servedOf(await askAirport(airport, ['departures_24h', 'rough', 'delay_ratio']));
  const changed = { ...served, values: [2, true, ...(served.values ?? []).slice(2)] };
  const [found] = await verifyAll(airport.log, airport.definitions, [changed]);
  expect(found?.reason).toContain('not those that the receipt was written for');
  // A derived feature comes from the events of its inputs.
  expect(found?.differences).toEqual([
    {
      feature: 'rough',
      served: true,
      replayed: false,
      servedStatus: 'PRESENT',
      replayedStatus: 'PRESENT',
      events: [],
      eventCount: 0,
    },
  ]);
  const [relabelled] = await verifyAll(airport.log, airport.definitions, [
    { ...served, statuses: ['STALE', 'PRESENT', 'PRESENT'] },
  ]);
  expect(relabelled?.differences).toMatchObject([{ feature: 'departures_24h', servedStatus: 'STALE' }]);
});

test('values are compared and not their spelling: the fields of a struct in any order', async () => {
  const life = await startLife(3, false);
  const answer = await life.vectors('scoring', {
    entities: [{ customer: 'c1', merchant: 'm1', basket: 1 }],
    as_of: LIFE_NOW_MS - 3_600_000,
    features: ['recent_24h'],
    include: ['receipt', 'status'],
  });
  const [vector] = answer.json.vectors;
  expect(vector.values[0].length).toBeGreaterThan(0);
  const values = [vector.values[0].map(({ merchant, at }: Record<string, unknown>) => ({ at, merchant }))];
  const [found] = await verifyAll(life.log, life.definitions, [servedOf({ ...vector, values })]);
  expect(found).toMatchObject({ result: 'same_bits' });
});

test('what was withheld for the moment is no difference, nor what a stale shard said', async () => {
  const airport = await startAirport({ events: { departures: MANY } });
  const withheld = await askAirport(airport, ['departures_24h', 'rough'], NEWEST_MS - 350_000);
  expect(withheld.status[0]).toBe('OUT_OF_HISTORY');
  await airport.materializer.stop();
  airport.clock.offsetMs += 600_000;
  const stale = await askAirport(airport, ['departures_24h', 'departures_1h', 'rough']);
  expect(stale.status).toContain('STALE');
  const found = await verifyAll(airport.log, airport.definitions, [withheld, stale].map(servedOf));
  expect(found.map(({ result }) => result)).toEqual(['same_bits', 'same_bits']);
});

test('an entity that was erased afterwards is erased, and one that was before is replayed without what is void', async () => {
  const life = await startLife(4, false);
  const customers = ['c3', 'c5'];
  const entities = customers.map((customer) => ({ customer, merchant: 'm1', basket: 1 }));
  const request = { entities, as_of: LIFE_NOW_MS - 1_000, include: ['status', 'receipt'] };
  const vectors = (await life.vectors('scoring', request)).json.vectors as Vector[];
  await eraseCustomer(life.log, 'c5', LIFE_NOW_MS);
  const found = await verifyAll(life.log, life.definitions, vectors.map(servedOf));
  expect(found.map(({ result }) => result)).toEqual(['same_bits', 'erased']);
  expect(found[1]).toEqual({
    result: 'erased',
    reason: 'the entity ["c5"] was erased after this was served',
    differences: [],
    replayed: null,
  });
});

test('what retention has taken cannot be reproduced, and features that do not need it can', async () => {
  const departures = MANY.map((event, index) => ({ ...event, departed_at: NEWEST_MS - (400 - index) * 60_000 }));
  const airport = await startAirport({
    nowMs: NEWEST_MS,
    async beforeMaterialize(log) {
      for (const event of departures) {
        const record = { key: Buffer.from('JFK'), value: Buffer.from(JSON.stringify(event)) };
        await log.append('departures', [{ ...record, timestampMs: event.departed_at }]);
      }
    },
    events: {},
  });
  const long = servedOf(await askAirport(airport, ['departures_1h', 'departures_24h']));
  const short = servedOf(await askAirport(airport, ['departures_1h', 'since_24h']));
  const hour = servedOf(await askAirport(airport, ['departures_1h']));
  expect((await verifyAll(airport.log, airport.definitions, [long]))[0]).toMatchObject({ result: 'same_bits' });
  await airport.log.truncate('departures', 0, 200);
  const found = await verifyAll(airport.log, airport.definitions, [long, short, hour]);
  expect(found.map(({ result }) => result)).toEqual(['not_reproducible', 'not_reproducible', 'same_bits']);
  expect(found[0]?.reason).toBe('the log no longer holds all that these features come from: departures_24h');
  // A value that can be told and is another one is a difference all the same.
  const wrong = { ...long, values: [(long.values?.[0] as number) + 1, long.values?.[1]] };
  const [different] = await verifyAll(airport.log, airport.definitions, [wrong]);
  expect(different).toMatchObject({ result: 'different', differences: [{ feature: 'departures_1h' }] });
});

test('a log that ends before the receipt is another log', async () => {
  const [one, other] = [await startAirport(), await startAirport({ events: {} })];
  const served = servedOf(await askAirport(one, ['departures_24h']));
  const [found] = await verifyAll(other.log, other.definitions, [served]);
  expect(found?.result).toBe('not_reproducible');
  expect(found?.reason).toContain('up to offset 4, and the log ends at offset 0: it is another one');
});

test('a shard of a partition that the topic does not have tells nothing, be it at no position or at one', async () => {
  const airport = await startAirport();
  const { receipt } = servedOf(await askAirport(airport, ['departures_24h']));
  const [shard] = receipt.shards as [ReceiptShard];
  const nowhere = [{}, { 1: 0 }, { 0: 4 }].map((position): Served => {
    const shards = [{ ...shard, partition: 1, position }];
    const digest = valuesDigest('[null]');
    return { receipt: { ...receipt, shards, digest }, values: [null], statuses: null, features: null, issues: null };
  });
  for (const found of await verifyAll(airport.log, airport.definitions, nowhere)) {
    expect(found).toMatchObject({ result: 'not_reproducible', replayed: null });
    expect(found.reason).toBe(
      'the receipt was read from partition 1 of topic departures, and the log has no such partition: it is another one',
    );
  }
});

test('definitions that nobody knows, and values that are not of the receipt, are said', async () => {
  const airport = await startAirport();
  const served = servedOf(await askAirport(airport, ['departures_24h', 'rough']));
  const others = compileDefinitions(AIRPORT.replace('wind_24h > 30', 'wind_24h > 31'));
  const [unknown] = await verifyAll(airport.log, others, [served]);
  expect(unknown).toMatchObject({ result: 'not_reproducible', reason: 'not known' });
  const [fewer, renamed] = await verifyAll(airport.log, airport.definitions, [
    { ...served, values: [1] },
    { ...served, features: ['rough', 'departures_24h'] },
  ]);
  expect(fewer?.reason).toBe('it is of 2 features, and 1 values are given');
  expect(renamed?.reason).toContain('it is of the features departures_24h, rough, and the values given are of');
});

test('no more events are held than the bound says', async () => {
  const airport = await startAirport({ events: { departures: MANY } });
  const served = servedOf(await askAirport(airport, ['departures_24h']));
  await expect(verifyAll(airport.log, airport.definitions, [served], 399)).rejects.toMatchObject({
    code: 'too_many_events',
  });
  expect((await verifyAll(airport.log, airport.definitions, [served], 400))[0]).toMatchObject({ result: 'same_bits' });
});
