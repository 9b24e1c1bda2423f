import { expect, test } from 'vitest';
import { startAirport } from '../vectors/fixture.ts';
import { DEFINITIONS, FEAST_EVENTS, exceptionOf } from './fixture.ts';

const start = () => startAirport({ definitions: DEFINITIONS, events: FEAST_EVENTS });
const FRAME = {
  origin: ['JFK', 'LGA'],
  delay: [12.0, null],
  event_timestamp: ['2013-01-31T17:00:00', '2013-01-31 17:00:00.5'],
};

async function appended({ log }: Awaited<ReturnType<typeof start>>, topic: string): Promise<unknown[]> {
  const records = await log.read(topic, 0, 0, 100);
  return records.map(({ value }) => JSON.parse(new TextDecoder().decode(value as Uint8Array)) as unknown);
}

test.for(['departures', 'delays', 'delays@1'])('rows become events of the source, named %s', async (name) => {
  const harness = await start();
  const before = (await appended(harness, 'departures')).length;
  const answer = await harness.post('/push', { push_source_name: name, df: FRAME, to: 'online_and_offline' });
  expect([answer.status, answer.json]).toEqual([200, { position: expect.any(String) as string, accepted: 2 }]);
  expect((await appended(harness, 'departures')).slice(before)).toEqual([
    { origin: 'JFK', delay: 12, departed_at: '2013-01-31T17:00:00Z' },
    { origin: 'LGA', delay: null, departed_at: '2013-01-31 17:00:00.5Z' },
  ]);
});

test('the position of a push is one that a read of vectors takes', async () => {
  const { post, vectors } = await start();
  const pushed = await post('/push', { push_source_name: 'departures', df: FRAME });
  const read = await vectors('departure_delay', {
    entities: [{ origin: 'JFK', scheduled_hour: 1 }],
    as_of: '2013-01-31T17:00:00.001Z',
    features: ['departures_1h'],
    after: pushed.json.position,
  });
  expect(read.json.vectors).toEqual([{ values: [2] }]);
});

test('what the SDK writes of times: seconds for whole numbers, and no offset', async () => {
  const harness = await start();
  const df = {
    account: [7],
    amount: [1.0],
    due: [1_359_651_600],
    event_timestamp: ['2013-01-31T17:00:00.123456'],
    created: [null],
  };
  const answer = await harness.post('/write-to-online-store', { feature_view_name: 'payments', df });
  expect(answer.status).toBe(200);
  expect((await appended(harness, 'payments')).at(-1)).toEqual({
    account: 7,
    amount: 1,
    due: 1_359_651_600_000,
    paid_at: '2013-01-31T17:00:00.123456Z',
  });
});

test('a column of the event time itself goes before event_timestamp', async () => {
  const harness = await start();
  const df = { ...FRAME, departed_at: ['2013-01-31T16:00:00Z', '2013-01-31T16:00:00Z'] };
  expect((await harness.post('/push', { push_source_name: 'departures', df })).status).toBe(200);
  expect((await appended(harness, 'departures')).at(-1)).toMatchObject({ departed_at: '2013-01-31T16:00:00Z' });
});

test('a row that is refused keeps all rows out, and every problem is said', async () => {
  const harness = await start();
  const before = await appended(harness, 'departures');
  const df = {
    origin: ['JFK', null, 'LGA'],
    delay: [1, 2, 'late'],
    event_timestamp: FRAME.event_timestamp.concat('x'),
  };
  const answer = await harness.post('/push', { push_source_name: 'departures', df });
  expect(answer.status).toBe(422);
  expect(answer.json.detail).toEqual([
    { type: 'null_field', loc: ['body', 'df', 1], msg: expect.stringContaining('row 1: origin: ') as string },
    { type: 'wrong_type', loc: ['body', 'df', 2], msg: expect.stringContaining('row 2: departed_at: ') as string },
  ]);
  expect(await appended(harness, 'departures')).toEqual(before);
});

const INVALID = [
  [{ df: FRAME }, ['missing_field push_source_name']],
  [{ push_source_name: 'departures', df: {} }, ['invalid_value df']],
  [{ push_source_name: 'departures', df: FRAME, to: 'onlin' }, ['invalid_value to']],
  [{ push_source_name: 'departures', df: { origin: [] } }, ['too_few_rows df']],
  [{ push_source_name: 'departures', df: { ...FRAME, delay: [1] } }, ['uneven_columns df/delay']],
  [{ push_source_name: 'departures', df: { ...FRAME, dely: [1, 2] } }, ['unknown_field df/dely']],
] as const;

test('422 with every problem of the request', async () => {
  const { post } = await start();
  for (const [body, problems] of INVALID) {
    const answer = await post('/push', body);
    expect(answer.status, answer.text).toBe(422);
    const detail = answer.json.detail as { type: string; loc: unknown[] }[];
    expect(detail.map(({ type, loc }) => `${type} ${loc.slice(1).join('/')}`)).toEqual(problems);
  }
});

test('a source that is not there: the exceptions that Feast has for it', async () => {
  const { post } = await start();
  const push = await post('/push', { push_source_name: 'departurs', df: FRAME });
  expect([push.status, exceptionOf(push.text)]).toEqual([
    422,
    { module: 'feast.errors', class: 'PushSourceNotFoundException', message: expect.stringMatching(/departures\?$/) },
  ]);
  const write = await post('/write-to-online-store', { feature_view_name: 'departurs', df: FRAME });
  expect([write.status, exceptionOf(write.text)]).toMatchObject([404, { class: 'FeatureViewNotFoundException' }]);
});

test('503 where this process has no log', async () => {
  const { post } = await startAirport({ definitions: DEFINITIONS, events: FEAST_EVENTS, withLog: false });
  const answer = await post('/push', { push_source_name: 'departures', df: FRAME });
  expect([answer.status, answer.json.code]).toEqual([503, 'log_unavailable']);
});

test('into an envelope: a row that is new', async () => {
  const definitions = `
sources:
  - name: s
    topic: s
    format: json
    mode: upsert
    envelope: debezium
    key: { fields: [k], encoding: json }
    event_time: at
    clock: watermark
    fields: { k: string, at: { type: timestamp, path: ts_ms }, x: double }
entities: [{ name: one, keys: { k: string } }]
views:
  - { name: v, entity: one, source: s, features: [{ name: x, agg: last, of: x }] }
services: [{ name: svc, features: [v.*] }]
`;
  const { post, append } = await startAirport({ definitions, events: {} });
  const df = { k: ['a'], x: [1.5], event_timestamp: ['2013-01-31T17:00:00'] };
  expect((await post('/push', { push_source_name: 's', df })).json).toMatchObject({ accepted: 1 });
  await append('s', [{ op: 'c', after: { k: 'b', x: 2 }, ts_ms: Date.UTC(2013, 1, 1) }]);
  const { json } = await post('/get-online-features', { features: ['v:x'], entities: { k: ['a'] } });
  expect(json.results[1]).toMatchObject({ values: [1.5], statuses: ['PRESENT'] });
});
