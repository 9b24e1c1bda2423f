/** Bodies that are not parsed, for they say what was said before: their answers are those of bodies that are. */
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../../src/aggregate/table.ts';
import { type Tier, createTier } from '../../../src/cache/tier.ts';
import type { ServiceDefinition, ViewAppearance } from '../../../src/definition/definition.ts';
import { partitionOfEntity } from '../../../src/log/entity-partition.ts';
import type { Serving } from '../../../src/serve/dependencies.ts';
import { createEntityPlaces } from '../../../src/serve/entity-places.ts';
import { createKnownRows } from '../../../src/serve/routes/vectors/known-rows.ts';
import { BODY_POINTERS, checkRequest } from '../../../src/serve/routes/vectors/request.ts';
import { planReads } from '../../../src/serve/routes/vectors/row-reads.ts';
import type { EntityRef } from '../../../src/serve/shard-reads.ts';
import { createStateDecoder } from '../../../src/serve/state-decoder.ts';
import { compileService } from '../../../src/vector/service.ts';
import { type Random, createRandom } from '../../oracle/random.ts';
import { type Harness, type HarnessOptions, compileDefinitions, startHarness } from '../harness.ts';
import { HOUR_MS } from './fixture.ts';

const NOW_MS = Date.UTC(2026, 0, 15, 12, 0, 30);
/** Keys that a body could be cut within. */
const KEYS = ['a', 'b', 'a}b', 'x},{"card":"y', '],"features":["', 'é "quoted" \\', '{', '}]'];
const DEFINITIONS = `
sources:
  - name: payments
    topic: payments
    key: [card]
    event_time: at
    fields: { at: timestamp, card: string, shop: string, amount: double }
entities:
  - { name: card, keys: { card: string } }
  - { name: shop, keys: { shop: string } }
views:
  - name: spend
    entity: card
    source: payments
    features:
      - { name: payments, agg: count, windows: [1h, 24h] }
      - { name: spent, agg: sum, of: amount, windows: [24h] }
  - { name: latest, entity: card, source: payments, features: [{ name: named, agg: last, of: shop }] }
  - { name: newest, entity: card, source: payments, max_age: 10m, features: [{ name: recent, agg: last, of: shop }] }
  - { name: sold, entity: shop, source: payments, features: [{ name: sales, agg: count, windows: [24h] }] }
services:
  - { name: spend, features: [spend.*] }
  - { name: named, features: [latest.named] }
  - { name: recent, features: [newest.recent] }
  - { name: both, features: [spend.*, sold.*] }
  - { name: compared, inputs: { amount: double }, features: [spend.*], derived: [{ name: more, expr: "amount - spent_24h" }] }
`;
const EVENTS = {
  payments: KEYS.flatMap((card, index) =>
    Array.from({ length: index + 1 }, (_, event) => ({
      at: NOW_MS - HOUR_MS - event,
      card,
      shop: card,
      amount: event,
    })),
  ),
};

interface Watched {
  readonly harness: Harness;
  readonly tier: Tier;
}

/** The wall clock stands, or answers would differ by it. */
async function startCards(options: Partial<HarnessOptions> = {}): Promise<Watched> {
  let tier: Tier | null = null;
  const harness = await startHarness({
    definitions: DEFINITIONS,
    events: EVENTS,
    nowMs: NOW_MS,
    dependencies: { clock: { nowMs: () => NOW_MS } },
    tierOf(store, definitions) {
      tier = createTier({
        store,
        decode: createStateDecoder(definitions),
        clock: { nowMs: () => NOW_MS },
        stalenessMs: HOUR_MS,
      });
      return tier;
    },
    ...options,
  });
  return { harness, tier: tier as unknown as Tier };
}

async function ask({ call }: Harness, service: string, body: string) {
  const { status, text } = await call({
    method: 'POST',
    url: `/v1/feature-services/${service}/vectors`,
    headers: { 'content-type': 'application/json' },
    payload: body,
  });
  // A problem names its request.
  return { status, text: text.replace(/"(instance|request_id)":"[^"]*"/g, '') };
}

/** How many texts are parsed until the body is answered. */
async function parsedFor(harness: Harness, service: string, body: string): Promise<number> {
  const { parse } = JSON;
  let parsed = 0;
  JSON.parse = (...args): unknown => {
    parsed += args[0] === body ? 1 : 0;
    return parse(...args) as unknown;
  };
  try {
    expect((await ask(harness, service, body)).status).toBe(200);
  } finally {
    JSON.parse = parse;
  }
  return parsed;
}

const row = (card: string): string => JSON.stringify({ card });
const bodyOf = (...cards: readonly string[]): string => `{"entities":[${cards.map(row).join(',')}]}`;

test('a body of rows that were asked for before is not parsed, in whichever order and number they come', async () => {
  const { harness } = await startCards();
  expect(await parsedFor(harness, 'spend', bodyOf('a', 'b'))).toBe(1);
  // Kept by now, so learned by this one.
  expect(await parsedFor(harness, 'spend', bodyOf('a', 'b'))).toBe(1);
  for (const cards of [['a', 'b'], ['b'], ['b', 'a', 'a'], ['a']]) {
    expect(await parsedFor(harness, 'spend', bodyOf(...cards))).toBe(0);
  }
  expect(await parsedFor(harness, 'spend', bodyOf('a', 'nobody'))).toBe(1);
});

test.for([
  ['spaces', `{"entities": [${row('a')}, ${row('b')}]}`],
  ['features', `{"entities":[${row('a')}],"features":["spent_24h"]}`],
  ['features before', `{"features":["spent_24h","payments_1h"],"entities":[${row('a')}]}`],
  ['metadata', `{"entities":[${row('a')}],"include":["status","event_time","receipt","explain"]}`],
  ['receipts', `{"entities":[${row('a')}],"include":["receipt"]}`],
  ['columns', `{"layout":"columns","entities":[${row('a')},${row('b')}]}`],
  ['a budget', `{"entities":[${row('a')}],"budget_ms":60000}`],
] as const)('what is around rows is known, too: %s', async ([, body]) => {
  const { harness } = await startCards();
  const first = await ask(harness, 'spend', body);
  await ask(harness, 'spend', body);
  expect(await parsedFor(harness, 'spend', body)).toBe(0);
  expect(await ask(harness, 'spend', body)).toEqual(first);
});

test.for([
  ['common', 'spend', `{"entities":[{}],"common":${row('a')}}`],
  ['as_of', 'spend', `{"entities":[${row('a')}],"as_of":${NOW_MS}}`],
  ['inputs', 'compared', `{"entities":[{"card":"a","amount":1}]}`],
  ['lines', 'spend', `{\n"entities":[\n${row('a')}\n]\n}`],
  ['a brace in a key', 'spend', bodyOf('a}b')],
  ['some of the views', 'both', `{"entities":[{"card":"a","shop":"b"}],"features":["spent_24h"]}`],
] as const)('what cannot be known is parsed each time: %s', async ([, service, body]) => {
  const { harness } = await startCards();
  for (let time = 0; time < 4; time++) expect(await parsedFor(harness, service, body)).toBe(1);
});

test('rows of several views, of one entity and of two', async () => {
  const { harness } = await startCards();
  const body = `{"entities":[{"card":"a","shop":"b"},{"shop":"a","card":"b"}]}`;
  const first = await ask(harness, 'both', body);
  await ask(harness, 'both', body);
  expect(await parsedFor(harness, 'both', body)).toBe(0);
  expect(await ask(harness, 'both', body)).toEqual(first);
});

test.for(['named', 'recent'])('texts beyond ASCII, and rows that say more than their values: %s', async (service) => {
  const { harness } = await startCards();
  const shop = 'é "quoted" \\';
  const body = bodyOf(...Array.from({ length: 900 }, () => shop));
  const first = await ask(harness, service, body);
  const [vector] = (JSON.parse(first.text) as { vectors: { values: unknown[]; issues?: object }[] }).vectors;
  expect(vector).toEqual(
    service === 'named' ? { values: [shop] } : { values: [null], issues: { recent: 'OUTSIDE_MAX_AGE' } },
  );
  for (let time = 0; time < 3; time++) expect(await ask(harness, service, body)).toEqual(first);
});

test('what was written since is served, and read again where it is kept no longer', async () => {
  const { harness } = await startCards();
  const count = async (): Promise<number> =>
    (JSON.parse((await ask(harness, 'spend', bodyOf('a'))).text) as { vectors: { values: number[] }[] }).vectors[0]
      ?.values[1] ?? -1;
  for (let time = 0; time < 3; time++) expect(await count()).toBe(1);
  for (let written = 1; written <= 3; written++) {
    await harness.append('payments', [{ at: NOW_MS - HOUR_MS + written, card: 'a', shop: 'a', amount: 1 }]);
    for (let time = 0; time < 3; time++) expect(await count()).toBe(1 + written);
  }
});

test('rows are learned where they are rows, not where they look so', async () => {
  const { harness } = await startCards();
  // Of fields that are said twice, the last one counts.
  const piece = '{","budget_ms":5000,"entities":[{"card":"a"}';
  const body = `{"budget_ms":"[${piece}]}`;
  for (let time = 0; time < 3; time++) expect((await ask(harness, 'spend', body)).status).toBe(200);
  expect((await ask(harness, 'spend', `{"budget_ms":"[${piece},${piece}]}`)).status).toBe(400);
  const ofA = await ask(harness, 'spend', bodyOf('a'));
  const elsewhere = `{"entities":[ ${row('b')} ],"budget_ms":[${row('a')}],"budget_ms":5000}`;
  const first = await ask(harness, 'spend', elsewhere);
  for (let time = 0; time < 3; time++) expect(await ask(harness, 'spend', elsewhere)).toEqual(first);
  for (let time = 0; time < 3; time++) expect(await ask(harness, 'spend', bodyOf('a'))).toEqual(ofA);
});

test.for(['FEATURES,ROWS', 'ROWS,FEATURES'])('what is around rows is compared as a whole: %s', async (form) => {
  const { harness } = await startCards();
  const body = (feature: string): string =>
    `{${form.replace('ROWS', `"entities":[${row('a')}]`).replace('FEATURES', `"features":["${feature}"]`)}}`;
  for (const feature of ['spent_24h', 'nope__24h', 'spent_24h', 'nope__24h']) {
    for (let time = 0; time < 3; time++) {
      expect((await ask(harness, 'spend', body(feature))).status).toBe(feature === 'spent_24h' ? 200 : 400);
    }
  }
  for (let time = 0; time < 2; time++) await ask(harness, 'spend', bodyOf('a'));
  for (const known of [bodyOf('a'), body('spent_24h')]) expect(await parsedFor(harness, 'spend', known)).toBe(0);
});

test('entities that may be elsewhere by now are looked for anew', () => {
  const counts = new Map([['payments', 1]]);
  const entityPlaces = createEntityPlaces();
  const known = createKnownRows({ partitions: { known: () => counts }, entityPlaces } as unknown as Serving);
  const definition = compileDefinitions(DEFINITIONS).services.get('spend@1') as ServiceDefinition;
  const plan = compileService(definition, AGGREGATIONS);
  const learn = (body: string): void => {
    const parsed = JSON.parse(body) as object;
    const context = { plan, nowMs: NOW_MS, sources: new Set<string>(), pointers: BODY_POINTERS };
    const asked = checkRequest(parsed, [], context);
    const reads = planReads(plan, asked.selection, asked.rows, NOW_MS, entityPlaces, counts);
    known.learn(plan, body, parsed, asked, reads);
  };
  for (const partitions of [1, 100]) {
    counts.set('payments', partitions);
    expect(known.recognize(plan, bodyOf('b', 'a'))).toBeNull();
    learn(bodyOf('a'));
    expect(known.recognize(plan, bodyOf('b', 'a'))).toBeNull();
    learn(bodyOf('b'));
    const reads = known.recognize(plan, bodyOf('b', 'a'))?.reads as readonly EntityRef[];
    const { view } = definition.appearances[0] as ViewAppearance;
    const right = ['b', 'a'].map((card) => partitionOfEntity(view.source, view.keyColumns, [card], partitions));
    expect(reads.map(({ id }) => id.partition)).toEqual(right);
  }
});

test('an entity whose place was forgotten meanwhile is learned again where it sits', async () => {
  let lookedFor = 0;
  const { harness } = await startCards({
    tierOf(store, definitions) {
      const clock = { nowMs: () => NOW_MS };
      const tier = createTier({ store, decode: createStateDecoder(definitions), clock, stalenessMs: HOUR_MS });
      return { ...tier, kept: (...args) => (lookedFor++, tier.kept(...args)) };
    },
  });
  for (let time = 0; time < 3; time++) await ask(harness, 'spend', bodyOf('a'));
  // Twice as many as are remembered in each of two generations.
  for (let from = 0; from < 50_000; from += 1_000) {
    await ask(harness, 'spend', bodyOf(...Array.from({ length: 1_000 }, (_, index) => `other-${from + index}`)));
  }
  // Not known, so that its place is made anew, and it sits there.
  await ask(harness, 'spend', `{"entities":[${row('a')}],"as_of":${NOW_MS}}`);
  lookedFor = 0;
  for (let time = 0; time < 3; time++) expect(await parsedFor(harness, 'spend', bodyOf('a'))).toBe(0);
  expect(lookedFor).toBe(0);
});

/** Of pieces that are right, or nearly so. */
function randomBody(random: Random): string {
  const one = random.pick;
  const text = (): string => {
    const card = JSON.stringify(one([...KEYS, ...KEYS, 'nobody', 'x'.repeat(300)]));
    return one([
      `{"card":${card}}`,
      `{"card":${card}}`,
      `{"card":${card}}`,
      `{ "card" : ${card} }`,
      `{"card":"b","card":${card}}`,
      `{"card":${card},"shop":"a"}`,
      `{"\\u0063ard":${card}}`,
      '{"card":1}',
      '{}',
      'null',
      '{"card":"a"',
    ]);
  };
  const comma = one([',', ',', ', ', ' ,', ',,']);
  const rows = Array.from({ length: random.integer(0, 3) }, text).join(comma);
  return one([
    `{"entities":[${rows}]}`,
    `{"entities":[${rows}]}`,
    `{"entities":[${rows}]}`,
    `{"entities": [${rows}]}`,
    `{"entities":[${rows}]} `,
    `{"entities":[${rows}],"features":["spent_24h"]}`,
    `{"features":["payments_1h"],"entities":[${rows}]}`,
    `{"entities":[${rows}],"entities":[{"card":"b"}]}`,
    `{"entities":[{"card":"b"}],"entities":[${rows}]}`,
    `{"entities":[${rows}],"common":{"card":"b"}}`,
    `{"common":{"card":"b"},"entities":[${rows}]}`,
    `{"entities":[${rows}],"include":["status"]}`,
    `{"entities":[[${rows}]]}`,
    `{"features":["[{"],"entities":[${rows}]}`,
    `{"entities":[${rows}],"layout":"columns"}`,
    `{"budget_ms":"[{","budget_ms":5000,"entities":[${rows}]}`,
    `[${rows}]`,
  ]);
}

test('2,000 random bodies, most of them asked for again and again: the same answers as without anything known', async () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  const random = createRandom(seed);
  const known = await startCards();
  const plain = await startCards({ tierOf: undefined as never });
  const bodies = Array.from({ length: 200 }, () => randomBody(random));
  let sound = 0;
  for (let time = 0; time < 2_000; time++) {
    const body = random.pick(bodies);
    const service = random.chance(0.8) ? 'spend' : 'both';
    const answer = await ask(known.harness, service, body);
    expect({ service, body, ...answer }).toEqual({ service, body, ...(await ask(plain.harness, service, body)) });
    if (answer.status === 200) sound++;
  }
  expect(sound).toBeGreaterThan(200);
  expect(known.tier.report().hits).toBeGreaterThan(200);
});
