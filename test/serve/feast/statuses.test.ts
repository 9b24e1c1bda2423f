/** What Feast's SDK is told of values that are not as they should be; `issues` says it as it is. */
import { expect, test } from 'vitest';
import { SkewlessError } from '../../../src/core/errors.ts';
import type { Harness } from '../harness.ts';
import { DEFINITIONS, replacingReads, startAirport } from '../vectors/fixture.ts';

const FEATURES = ['delays:departures_24h', 'delays:delay_mean_1h', 'winds:wind_24h'];

async function results({ post }: Harness, origin: readonly string[], features: readonly string[] = FEATURES) {
  const { status, json } = await post('/get-online-features', { features, entities: { origin } });
  expect(status).toBe(200);
  return json.results
    .slice(1)
    .map(({ values, statuses, issues }: Record<string, unknown>) => [values, statuses, issues]);
}

test('STALE: served as PRESENT; without a value NULL_VALUE', async () => {
  const harness = await startAirport();
  await harness.materializer.stop();
  harness.clock.offsetMs += 61_000;
  const both = ['STALE', 'STALE'];
  expect(await results(harness, ['JFK', 'nowhere'])).toEqual([
    [[2, null], ['PRESENT', 'NULL_VALUE'], both],
    [[10, null], ['PRESENT', 'NULL_VALUE'], both],
    [[0, 0], ['PRESENT', 'PRESENT'], both],
  ]);
});

test('OUTSIDE_MAX_AGE is Feast’s own: withheld, whatever the value', async () => {
  const definitions = DEFINITIONS.replace('source: departures\n', 'source: departures\n    max_age: 5m\n');
  const harness = await startAirport({ definitions });
  expect(await results(harness, ['JFK'])).toEqual([
    [[null], ['OUTSIDE_MAX_AGE'], undefined],
    [[null], ['OUTSIDE_MAX_AGE'], undefined],
    [[0], ['NOT_FOUND'], undefined],
  ]);
});

test.for([
  ['withheld', '', [null], 'NULL_VALUE'],
  ['served where the view says so', '    incomplete: serve\n', [1], 'PRESENT'],
] as const)('INCOMPLETE: %s', async ([, line, values, status]) => {
  const definitions = DEFINITIONS.replace('source: departures\n', `source: departures\n${line}`);
  const harness = await startAirport({ definitions, beforeMaterialize: (log) => log.truncate('departures', 0, 1) });
  expect(await results(harness, ['JFK'], FEATURES.slice(0, 1))).toEqual([[values, [status], ['INCOMPLETE']]]);
});

test('what cannot be read is a null, NULL_VALUE, with its reason; the rest is served', async () => {
  const down = new SkewlessError('store_down', 'down', { retryable: true });
  const wrapStore = replacingReads((source, read) => (source === 'departures' ? Promise.reject(down) : read()));
  const clocked = DEFINITIONS.replaceAll('clock: watermark', 'clock: wall');
  const harness = await startAirport({ definitions: clocked, wrapStore });
  expect(await results(harness, ['JFK'])).toEqual([
    [[null], ['NULL_VALUE'], ['UNAVAILABLE']],
    [[null], ['NULL_VALUE'], ['UNAVAILABLE']],
    [[0], ['NOT_FOUND'], undefined],
  ]);
});

test('503, as a problem that the SDK tries again, where nothing can be read', async () => {
  const down = new SkewlessError('store_down', 'down', { retryable: true });
  const { post } = await startAirport({ wrapStore: replacingReads(() => Promise.reject(down)) });
  const answer = await post('/get-online-features', { features: FEATURES, entities: { origin: ['JFK'] } });
  expect([answer.status, answer.json.code, answer.headers['retry-after']]).toEqual([503, 'store_unavailable', '1']);
});
