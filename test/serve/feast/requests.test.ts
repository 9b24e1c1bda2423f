/** What is refused, in forms that Feast's SDK knows: an exception that it raises again, or FastAPI's list of all problems. */
import { expect, test } from 'vitest';
import { startAirport } from '../vectors/fixture.ts';
import { DEFINITIONS, FEAST_EVENTS, exceptionOf } from './fixture.ts';

const start = () => startAirport({ definitions: DEFINITIONS, events: FEAST_EVENTS });
const JFK = { origin: ['JFK'] };

const ABSENT = [
  [{ feature_service: 'departure_dela', entities: JFK }, 'FeatureServiceNotFoundException', 'departure_delay?'],
  [{ feature_service: 'departure_delay@2', entities: JFK }, 'FeatureServiceNotFoundException', 'departure_delay@1?'],
  [{ features: ['wind:wind_24h'], entities: JFK }, 'FeatureViewNotFoundException', 'winds?'],
  [{ features: ['counted@v3:seen_1h'], entities: JFK }, 'FeatureViewNotFoundException', 'counted@'],
  [{ features: ['winds:wind_24', 'winds:wnd'], entities: JFK }, 'SpecifiedFeaturesNotPresentError', '"wnd"'],
] as const;

test('404 for what is not there, with the nearest name', async () => {
  const { post } = await start();
  for (const [body, name, message] of ABSENT) {
    const answer = await post('/get-online-features', body);
    expect(answer.status).toBe(404);
    expect(exceptionOf(answer.text)).toEqual({
      module: 'feast.errors',
      class: name,
      message: expect.stringContaining(message) as string,
    });
  }
});

test('422 for two features of one name, as the exception that Feast has for it; full names tell them apart', async () => {
  const { post } = await start();
  const body = { features: ['counted@1:seen_1h', 'counted@v2:seen_1h'], entities: JFK };
  const clash = await post('/get-online-features', body);
  expect([clash.status, exceptionOf(clash.text)]).toEqual([
    422,
    {
      module: 'feast.errors',
      class: 'FeatureNameCollisionError',
      message: expect.stringContaining('full_feature_names'),
    },
  ]);
  const full = await post('/get-online-features', { ...body, full_feature_names: true });
  expect(full.json.metadata.feature_names).toEqual(['origin', 'counted@1__seen_1h', 'counted@v2__seen_1h']);
  const bare = await post('/get-online-features', { features: ['counted:seen_1h'], entities: JFK });
  const latest = await post('/get-online-features', { features: ['counted@latest:seen_1h'], entities: JFK });
  expect([bare.text, latest.status]).toEqual([latest.text, 200]);
});

const INVALID = [
  [{}, ['missing_field entities']],
  [{ entities: {} }, ['invalid_value entities']],
  [{ entities: { origin: 'JFK' }, features: 3 }, ['invalid_type entities/origin', 'invalid_type features']],
  [{ entities: JFK }, ['missing_field features']],
  [{ entities: JFK, features: [], feature_service: null }, ['missing_field features']],
  [{ entities: JFK, features: ['winds:wind_24h'], feature_service: 'departure_delay' }, ['invalid_value features']],
  [{ entities: JFK, features: ['wind_24h'] }, ['invalid_value features/0']],
  [{ entities: { origin: [] }, features: ['winds:wind_24h'] }, ['too_few_rows entities']],
  [
    { entities: { origin: Array.from({ length: 1_001 }, () => 'JFK') }, features: ['winds:wind_24h'] },
    ['too_many_rows entities'],
  ],
  [{ entities: { origin: ['a', 'b'], hour: [1] }, features: ['winds:wind_24h'] }, ['uneven_columns entities/hour']],
  [
    { entities: { origin: ['JFK', 3, null] }, features: ['winds:wind_24h'] },
    ['invalid_key entities/origin/1', 'invalid_key entities/origin/2'],
  ],
  [
    { entities: { orign: ['JFK', 'LGA'] }, features: ['winds:wind_24h'] },
    ['missing_key entities/origin', 'unknown_field entities/orign'],
  ],
  [{ entities: { origin: ['JFK'] }, features: ['winds:wind_24h', 'paid:total'] }, ['missing_key entities/account']],
  [{ entities: JFK, features: ['winds:wind_24h', 'misnumbered:payments'] }, ['type_mismatch features']],
  [{ entities: JFK, features: ['winds:wind_24h', 'clicked:clicks'] }, ['mixed_clocks features']],
  [{ entities: JFK, feature_service: 'mixed' }, ['as_of_required feature_service']],
] as const;

test('422 with every problem of the request', async () => {
  const { post } = await start();
  for (const [body, problems] of INVALID) {
    const answer = await post('/get-online-features', body);
    expect(answer.status, answer.text).toBe(422);
    const detail = answer.json.detail as { type: string; loc: unknown[]; msg: string }[];
    expect(detail.map(({ type, loc }) => `${type} ${loc.slice(1).join('/')}`)).toEqual(problems);
  }
});

test('views of other keys in one list: each is read by its own', async () => {
  const { post } = await start();
  const features = ['delays:departures_1h', 'paid:total'];
  const { json } = await post('/get-online-features', {
    features,
    entities: { account: [7, 8], origin: ['JFK', 'LGA'] },
  });
  expect(json.metadata.feature_names).toEqual(['account', 'origin', 'departures_1h', 'total']);
  expect(json.results.map(({ values }: { values: unknown[] }) => values)).toEqual([
    [7, 8],
    ['JFK', 'LGA'],
    [1, 0],
    [null, null],
  ]);
});
