/** Requests nobody would send: whatever comes, the answer is a vector or a problem, and never a 500. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NEWEST_MS, startAirport } from './fixture.ts';

const SEED = Number(process.env['SEED'] ?? Date.now());
const RUNS = 400;

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -0,
    1,
    -1,
    1.5,
    1e300,
    2 ** 53,
    '',
    'JFK',
    '17',
    '\u0000',
    '__proto__',
    'constructor',
    '2013-01-31T17:00:00Z',
    NEWEST_MS,
  ),
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true }),
);
const anything = fc.oneof({ weight: 3, arbitrary: scalar }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) });
const key = fc.oneof(
  fc.constantFrom('origin', 'scheduled_hour', 'as_of', 'toString', 'constructor', 'hasOwnProperty', 'values'),
  fc.string(),
);
/** Now and then, something else in its place. */
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: anything });
const row = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ origin: mostly(fc.constantFrom('JFK', 'XXX')), scheduled_hour: mostly(fc.integer()) }),
  },
  { weight: 1, arbitrary: fc.record({ origin: scalar, scheduled_hour: scalar }, { requiredKeys: [] }) },
  { weight: 1, arbitrary: fc.dictionary(key, anything) },
  { weight: 1, arbitrary: anything },
);
const OPTIONS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  common: mostly(fc.constant({})),
  as_of: mostly(fc.constantFrom(NEWEST_MS, '2013-01-31T17:00:00Z')),
  include: mostly(fc.subarray(['status', 'event_time', 'receipt', 'explain'])),
  features: mostly(fc.subarray(['wind_24h', 'rough', 'delay_ratio'], { minLength: 1 })),
  after: mostly(fc.constant([])),
  budget_ms: mostly(fc.integer({ min: 1, max: 60_000 })),
  layout: mostly(fc.constantFrom('rows', 'columns')),
  fingerprint: anything,
  extra: anything,
};
const body = fc
  .tuple(mostly(fc.array(row, { minLength: 1, maxLength: 5 })), fc.subarray(Object.keys(OPTIONS), { maxLength: 3 }))
  .chain(([entities, names]) =>
    fc.record({
      entities: fc.constant(entities),
      ...Object.fromEntries(names.map((name) => [name, OPTIONS[name] ?? anything])),
    }),
  );

test(`any body is answered with 200 or a problem that lists what is wrong (seed ${SEED})`, async () => {
  const { vectors } = await startAirport();
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(body, async (request) => {
      const { status, json } = await vectors('departure_delay', request);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      expect([200, 400, 409]).toContain(status);
      if (status !== 200) expect(json.errors.length).toBeGreaterThan(0);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  // The generator is worth something only if it produces both.
  expect(seen.get(200) ?? 0).toBeGreaterThan(RUNS / 100);
  expect(seen.get(400) ?? 0).toBeGreaterThan(RUNS / 100);
});

test(`any query is answered with 200 or a problem (seed ${SEED})`, async () => {
  const { get } = await startAirport();
  const parameter = fc.tuple(
    fc.constantFrom('origin', 'scheduled_hour', 'as_of', 'include', 'features', 'after', 'budget_ms', '__proto__', 'x'),
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('JFK', '17', 'status', 'wind_24h', '%zz', ',')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(parameter, { maxLength: 6 }), async (parameters) => {
      const query = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join('&');
      const { status } = await get(`/v1/feature-services/departure_delay/vectors?${query}`);
      expect([200, 400, 409]).toContain(status);
    }),
    { seed: SEED, numRuns: RUNS },
  );
});

test(`any events are appended or rejected by their index (seed ${SEED})`, async () => {
  const { post } = await startAirport({ events: {}, materialize: false });
  const event = fc.oneof(
    fc.record({ origin: scalar, departed_at: scalar, delay: scalar, carrier: scalar }, { requiredKeys: [] }),
    fc.dictionary(key, anything),
    anything,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 5 }), async (events) => {
      const { status, json } = await post('/v1/sources/departures/events', { events });
      if (json.code === 'forbidden_property') return;
      expect(status).toBe(200);
      expect(json.accepted + json.rejected.length).toBe(events.length);
    }),
    { seed: SEED, numRuns: RUNS },
  );
});
