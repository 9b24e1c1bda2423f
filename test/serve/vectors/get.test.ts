import { expect, test } from 'vitest';
import { NEWEST_MS, ROW, startAirport } from './fixture.ts';

const PATH = '/v1/feature-services/departure_delay/vectors';

test('GET answers what the POST of that one row answers', async () => {
  const { get, vectors } = await startAirport();
  const posted = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS,
    include: ['status', 'event_time', 'receipt'],
    features: ['departures_24h', 'rough'],
  });
  const query = 'origin=JFK&scheduled_hour=17&include=status,event_time&include=receipt&features=departures_24h,rough';
  for (const asOf of [String(NEWEST_MS), '2013-01-31T17:00:00Z', '2013-01-31T18:00:00%2B01:00']) {
    const got = await get(`${PATH}?${query}&as_of=${asOf}`);
    expect(got.status).toBe(200);
    expect(got.json).toEqual(posted.json);
  }
});

test('text is read as the declared type, strictly', async () => {
  const { get } = await startAirport();
  const codes = async (query: string) => {
    const { status, json } = await get(`${PATH}?${query}`);
    return status === 200
      ? 200
      : json.errors.map((error: { code: string; pointer: string }) => `${error.code} ${error.pointer}`);
  };
  expect(await codes('origin=JFK&scheduled_hour=-3')).toBe(200);
  for (const hour of ['017', '1.5', '1e3', '', '%201', '0x1', 'NaN', '9007199254740993']) {
    expect(await codes(`origin=JFK&scheduled_hour=${hour}`), hour).toEqual(['invalid_input /query/scheduled_hour']);
  }
  expect(await codes('origin=&scheduled_hour=1')).toEqual(['invalid_key /query/origin']);
  expect(await codes('origin=%00&scheduled_hour=1')).toEqual(['invalid_key /query/origin']);
  expect(await codes('scheduled_hour=1')).toEqual(['missing_key /query/origin']);
  expect(await codes('origin=JFK&origin=LGA&scheduled_hour=1')).toEqual(['duplicate_parameter /query/origin']);
  expect(await codes('origin=JFK&scheduled_hour=1&orgin=x')).toEqual(['unknown_field /query/orgin']);
  expect(await codes('origin=JFK&scheduled_hour=1&__proto__=x')).toEqual(['unknown_field /query/__proto__']);
  expect(await codes('origin=JFK&scheduled_hour=1&include=statu&features=x')).toEqual(['invalid_value /query/include']);
  expect(await codes('origin=JFK&scheduled_hour=1&features=x')).toEqual(['unknown_feature /query/features/0']);
  expect(await codes('origin=JFK&scheduled_hour=1&budget_ms=0')).toEqual(['out_of_range /query/budget_ms']);
  expect(await codes('origin=JFK&scheduled_hour=1&budget_ms=60000&features=')).toEqual([
    'too_few_items /query/features',
  ]);
  expect(await codes('origin=JFK&scheduled_hour=1&as_of=tomorrow')).toEqual(['invalid_as_of /query/as_of']);
  expect(await codes('origin=JFK&scheduled_hour=1&after=x!')).toEqual(['invalid_position /query/after/0']);
  expect(await codes('origin=JFK&scheduled_hour=1&fingerprint=x')).toEqual(['fingerprint_mismatch /query/fingerprint']);
  expect(await codes('origin=JFK&scheduled_hour=1&layout=rows')).toEqual(['unknown_field /query/layout']);
});

test('every scalar type can be said in a query', async () => {
  const definitions = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, clock: watermark, fields: { k: string, ts: timestamp } }
entities: [{ name: one, keys: { k: string } }]
views: [{ name: v, entity: one, source: s, features: [{ name: n, agg: count }] }]
services:
  - name: svc
    inputs: { d: double, b: bool, l: int64, t: timestamp, a: "double[2]" }
    features: [v.*]
    derived: [{ name: d2, expr: "d * 2" }, { name: nb, expr: "NOT b" }, { name: l2, expr: "l" }, { name: t2, expr: "t" }]
`;
  const { get } = await startAirport({ definitions, events: { s: [{ k: 'a', ts: NEWEST_MS }] } });
  const row = 'k=1&d=-2.5e-1&b=true&l=9007199254740993&t=1359651600000&a=[1,2.5]';
  const answer = await get(`/v1/feature-services/svc/vectors?${row}&features=d2,nb,l2,t2`);
  expect(answer.json.vectors).toEqual([{ values: [-0.5, false, '9007199254740993', '2013-01-31T17:00:00.000Z'] }]);
  for (const [name, text] of [
    ['d', '.5'],
    ['d', 'Infinity'],
    ['b', '1'],
    ['b', 'TRUE'],
    ['l', '1.0'],
    ['t', '2013-01-31'],
    ['a', '[1'],
    ['a', '[1,null]'],
  ]) {
    const bad = await get(
      `/v1/feature-services/svc/vectors?${row.replace(new RegExp(`${name}=[^&]*`), `${name}=${text}`)}`,
    );
    expect(bad.status, `${name}=${text}`).toBe(400);
    expect(bad.json.errors[0].pointer).toBe(`/query/${name}`);
  }
});
