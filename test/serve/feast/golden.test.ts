/** Requests as Feast's SDK sends them, and the bytes that it is answered with. */
import { expect, test } from 'vitest';
import { startAirport } from '../vectors/fixture.ts';
import { BIG, DEFINITIONS, FEAST_EVENTS } from './fixture.ts';

const start = () => startAirport({ definitions: DEFINITIONS, events: FEAST_EVENTS });
const EPOCH = '"1970-01-01T00:00:00Z"';

/** As `requests` writes the SDK's body. */
const LISTED = `{"entities": {"origin": ["JFK", "LGA", "nowhere"]}, "full_feature_names": false, "include_feature_view_version_metadata": false, "features": ["delays:departures_1h", "delays:delay_mean_24h", "delays:recent_24h", "winds:wind_24h"]}`;

test('a list of features: keys first, doubles with a point, times of protobuf', async () => {
  const { call } = await start();
  const headers = { 'content-type': 'application/json' };
  const answer = await call({ method: 'POST', url: '/get-online-features', payload: LISTED, headers });
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  expect(answer.text).toBe(
    '{"metadata":{"feature_names":["origin","departures_1h","delay_mean_24h","recent_24h","wind_24h"]},"results":[' +
      `{"values":["JFK","LGA","nowhere"],"statuses":["PRESENT","PRESENT","PRESENT"],"event_timestamps":[${EPOCH},${EPOCH},${EPOCH}]},` +
      `{"values":[1,0,null],"statuses":["PRESENT","PRESENT","NOT_FOUND"],"event_timestamps":["2013-01-31T16:50:00Z",${EPOCH},${EPOCH}]},` +
      `{"values":[20.0,null,null],"statuses":["PRESENT","NULL_VALUE","NOT_FOUND"],"event_timestamps":["2013-01-31T16:50:00Z","2013-01-31T14:00:00Z",${EPOCH}]},` +
      '{"values":[[{"carrier":"B6","delay":10.0},{"carrier":null,"delay":30.0}],[{"carrier":null,"delay":null}],null],' +
      `"statuses":["PRESENT","PRESENT","NOT_FOUND"],"event_timestamps":["2013-01-31T16:50:00Z","2013-01-31T14:00:00Z",${EPOCH}]},` +
      `{"values":[0.0,0.0,0.0],"statuses":["NOT_FOUND","NOT_FOUND","NOT_FOUND"],"event_timestamps":[${EPOCH},${EPOCH},${EPOCH}]}]}`,
  );
});

test('a feature service: keys before inputs whatever their order, full names, versions', async () => {
  const { call } = await start();
  const payload = `{"entities": {"scheduled_hour": [17], "origin": ["EWR"]}, "full_feature_names": true, "include_feature_view_version_metadata": true, "feature_service": "departure_delay"}`;
  const headers = { 'content-type': 'application/json' };
  const { json } = await call({ method: 'POST', url: '/get-online-features', payload, headers });
  expect(json.metadata).toEqual({
    feature_names: [
      'origin',
      'scheduled_hour',
      ...['departures_1h', 'departures_24h', 'delay_mean_1h', 'delay_mean_24h', 'recent_24h', 'since_24h'].map(
        (name) => `delays__${name}`,
      ),
      'winds__wind_24h',
      'departure_delay__delay_ratio',
      'departure_delay__rough',
    ],
    feature_view_metadata: [
      { name: 'delays', version: 1 },
      { name: 'winds', version: 1 },
    ],
  });
  expect(json.results[0].values).toEqual(['EWR']);
  expect(json.results[1].values).toEqual([17]);
});

test('an int64 beyond what a double holds: exact as a key, as a feature and in an event that is pushed', async () => {
  const { call, append } = await start();
  const headers = { 'content-type': 'application/json' };
  const ask = async (payload: string, url = '/get-online-features') =>
    (await call({ method: 'POST', url, payload, headers })).text;
  const asked = `{"entities": {"account": [${BIG}, 9007199254740992]}, "features": ["paid:total", "paid:reference"]}`;
  expect(await ask(asked)).toBe(
    '{"metadata":{"feature_names":["account","total","reference"]},"results":[' +
      `{"values":[${BIG},9007199254740992],"statuses":["PRESENT","PRESENT"],"event_timestamps":[${EPOCH},${EPOCH}]},` +
      `{"values":[2.5,null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":["2013-01-31T17:00:00Z",${EPOCH}]},` +
      `{"values":[${BIG},null],"statuses":["PRESENT","NOT_FOUND"],"event_timestamps":["2013-01-31T17:00:00Z",${EPOCH}]}]}`,
  );
  const frame = `{"account": [9007199254740992], "amount": [4.0], "reference": [-${BIG}], "event_timestamp": ["2013-01-31T17:00:00.500000"], "created": [null]}`;
  await ask(
    `{"feature_view_name": "payments", "df": ${frame}, "allow_registry_cache": false}`,
    '/write-to-online-store',
  );
  await append('payments', [{ account: '7', paid_at: '2013-01-31T17:00:01Z', amount: 1 }]);
  expect(await ask(asked)).toContain(
    `{"values":[${BIG},-${BIG}],"statuses":["PRESENT","PRESENT"],"event_timestamps":["2013-01-31T17:00:00Z","2013-01-31T17:00:00.500Z"]}`,
  );
});

test('an empty list, on which the SDK fails, is a null, NULL_VALUE', async () => {
  const { post } = await start();
  const { json } = await post('/get-online-features', {
    features: ['counted:carriers_1h'],
    entities: { origin: ['JFK', 'LGA'] },
  });
  expect(json.results[1]).toMatchObject({ values: [['B6'], null], statuses: ['PRESENT', 'NULL_VALUE'] });
  expect(json.results[1]).not.toHaveProperty('issues');
});

test('a body that does not say its type is JSON, as of requests.post(url, data=json.dumps(…))', async () => {
  const { call } = await start();
  const plain = await call({ method: 'POST', url: '/get-online-features', payload: LISTED });
  expect(plain.status).toBe(200);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const form = await call({ method: 'POST', url: '/get-online-features', payload: LISTED, headers });
  expect([form.status, form.json.code]).toEqual([415, 'unsupported_media_type']);
  const elsewhere = await call({ method: 'POST', url: '/v1/sources/departures/events', payload: '{"events":[{}]}' });
  expect(elsewhere.status).toBe(415);
});
