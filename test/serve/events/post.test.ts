import { expect, test } from 'vitest';
import { SkewlessError } from '../../../src/core/errors.ts';
import { NEWEST_MS, startAirport } from '../vectors/fixture.ts';

const URL = '/v1/sources/departures/events';
const EVENT = { origin: 'JFK', departed_at: '2013-01-31T17:00:00Z', delay: 3 };

test('sound events are appended in order, others are refused by their index', async () => {
  const { post, log } = await startAirport({ events: {}, materialize: false });
  const future = { ...EVENT, departed_at: Date.now() + 3_600_000 };
  const events = [
    EVENT,
    { ...EVENT, delay: 'late' },
    7,
    { departed_at: NEWEST_MS },
    { ...EVENT, delay: null, extra: [1] },
    future,
  ];
  const answer = await post(URL, { events });
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    position: expect.stringMatching(/^[A-Za-z0-9_-]+$/) as unknown,
    accepted: 2,
    rejected: [
      { index: 1, code: 'wrong_type', message: expect.stringContaining('delay') as unknown },
      { index: 2, code: 'not_an_object', message: expect.any(String) as unknown },
      { index: 3, code: 'null_field', message: expect.stringContaining('origin') as unknown },
      { index: 5, code: 'too_far_ahead', message: expect.stringContaining('departed_at') as unknown },
    ],
  });
  const records = await log.read('departures', 0, 0, 10);
  expect(records.map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString('utf8')) as unknown)).toEqual([
    events[0],
    events[4],
  ]);
  expect(records.map(({ key }) => Buffer.from(key ?? []).toString('utf8'))).toEqual(['JFK', 'JFK']);
});

test('when all are refused nothing is appended, and the position waits for nothing', async () => {
  const { post, vectors, log } = await startAirport();
  const before = await log.ranges('departures');
  const answer = await post(URL, { events: [{}, null] });
  expect(answer.json).toMatchObject({ accepted: 0, rejected: [{ index: 0 }, { index: 1 }] });
  expect(await log.ranges('departures')).toEqual(before);
  const read = await vectors('departure_delay', {
    entities: [{ origin: 'JFK', scheduled_hour: 1 }],
    as_of: NEWEST_MS,
    after: answer.json.position,
  });
  expect(read.status).toBe(200);
});

test('a request wrong as a whole is refused', async () => {
  const { post, call } = await startAirport({ events: {}, materialize: false });
  const codes = async (url: string, body: unknown) => {
    const answer = await post(url, body);
    return [
      answer.status,
      ...answer.json.errors.map(({ code, pointer }: { code: string; pointer: string }) => `${code} ${pointer}`),
    ];
  };
  expect(await codes('/v1/sources/departure/events', { events: [EVENT] })).toEqual([
    404,
    'unknown_source /path/source',
  ]);
  expect(await codes(URL, { events: [] })).toEqual([400, 'too_few_events /events']);
  expect(await codes(URL, { events: Array.from({ length: 1_001 }, () => EVENT) })).toEqual([
    400,
    'too_many_events /events',
  ]);
  expect(await codes(URL, { event: [EVENT] })).toEqual([400, 'missing_field /events', 'unknown_field /event']);
  expect(await codes(URL, { events: EVENT })).toEqual([400, 'invalid_type /events']);
  expect(await codes(URL, [])).toEqual([400, 'invalid_type ']);
  const proto = await call({
    method: 'POST',
    url: URL,
    headers: { 'content-type': 'application/json' },
    payload: '{"events":[{"__proto__":{}}]}',
  });
  expect(proto.json.code).toBe('forbidden_property');
  const deep = `{"events":[{"origin":"JFK","departed_at":0,"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}]}`;
  const nested = await call({
    method: 'POST',
    url: URL,
    headers: { 'content-type': 'application/json' },
    payload: deep,
  });
  expect(nested.json).toMatchObject({ accepted: 0, rejected: [{ index: 0, code: 'malformed_json' }] });
});

test('what the log has not confirmed is bounded, counted until it does, and beyond it is 503 at once', async () => {
  const { post, log } = await startAirport({ events: {}, materialize: false, ingestInflightBytesMax: 2_000 });
  const append = log.append.bind(log);
  const stalled = Promise.withResolvers<void>();
  let appends = 0;
  log.append = async (...args) => {
    appends++;
    await stalled.promise;
    return append(...args);
  };
  // However large, one is let in where nothing waits.
  const first = post(URL, { events: Array.from({ length: 20 }, () => EVENT) });
  await expect.poll(() => appends).toBe(1);
  const refused = await post(URL, { events: [EVENT] });
  expect([refused.status, refused.headers['retry-after'], refused.json.code]).toEqual([503, '1', 'overloaded']);
  expect(appends).toBe(1);
  stalled.resolve();
  expect((await first).json).toMatchObject({ accepted: 20 });
  expect((await Promise.all([1, 2, 3].map(() => post(URL, { events: [EVENT] })))).map(({ status }) => status)).toEqual([
    200, 200, 200,
  ]);
  log.append = () => Promise.reject(new SkewlessError('log_away', 'away', { retryable: true }));
  for (let time = 0; time < 5; time++) {
    expect((await post(URL, { events: [EVENT, EVENT, EVENT] })).json.code).toBe('log_unavailable');
  }
});

test('without a log, or with one that is away, it is 503 with a time to try again', async () => {
  const without = await startAirport({ events: {}, materialize: false, withLog: false });
  const answer = await without.post(URL, { events: [EVENT] });
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('1');
  expect(answer.json.code).toBe('log_unavailable');
  const away = await startAirport({ events: {}, materialize: false });
  away.log.append = () => Promise.reject(new SkewlessError('log_away', 'away', { retryable: true }));
  const refused = await away.post(URL, { events: [EVENT] });
  expect([refused.status, refused.headers['retry-after'], refused.json.code]).toEqual([503, '1', 'log_unavailable']);
});
