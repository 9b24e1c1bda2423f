/** Whatever is sent, the answer is a problem that says what is wrong and where; never a 500. */
import { expect, test, vi } from 'vitest';
import { nearestName } from '../../../src/core/suggest.ts';
import type { Answer, Harness } from '../harness.ts';
import { NEWEST_MS, ROW, startAirport } from './fixture.ts';

vi.mock(import('../../../src/core/suggest.ts'), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, nearestName: vi.fn(original.nearestName) };
});

const URL = '/v1/feature-services/departure_delay/vectors';

/** `code pointer` of every problem. */
function found({ status, headers, json }: Answer, expectedStatus = 400): string[] {
  expect(status).toBe(expectedStatus);
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(json.status).toBe(expectedStatus);
  expect(json.request_id).toBe(headers['x-request-id']);
  return (json.errors as { code: string; pointer: string | null }[]).map(({ code, pointer }) => `${code} ${pointer}`);
}

async function raw({ call }: Harness, payload: string, headers: Record<string, string> = {}): Promise<Answer> {
  return call({ method: 'POST', url: URL, payload, headers: { 'content-type': 'application/json', ...headers } });
}

test('an unknown service is 404 with the nearest name', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const answer = await vectors('departure_dela', { entities: [ROW] });
  expect(found(answer, 404)).toEqual(['unknown_service /path/service']);
  expect(answer.json.errors[0].suggestion).toBe('departure_delay');
  const version = await vectors('departure_delay@2', { entities: [ROW] });
  expect(found(version, 404)).toEqual(['unknown_service /path/service']);
  expect(version.json.errors[0].suggestion).toBe('departure_delay@1');
  for (const name of ['__proto__', 'constructor', 'toString', '%00', 'a'.repeat(200), 'departure_delay%2F..']) {
    expect((await vectors(name, { entities: [ROW] })).status).toBe(404);
  }
  expect((await vectors('a'.repeat(5_000), { entities: [ROW] })).status).toBe(404);
});

test('another fingerprint is 409 and tells the current one', async () => {
  const { vectors, definitions } = await startAirport({ materialize: false });
  const answer = await vectors('departure_delay', { entities: [ROW], fingerprint: 'f00' });
  expect(found(answer, 409)).toEqual(['fingerprint_mismatch /fingerprint']);
  expect(answer.json.detail).toContain(definitions.services.get('departure_delay@1')?.fingerprint);
});

test('an unknown feature is refused by its place, with the nearest name', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const features = ['departures_1h', 'departures_2h', '__proto__', 'constructor'];
  const answer = await vectors('departure_delay', { entities: [ROW], features });
  expect(found(answer)).toEqual([
    'unknown_feature /features/1',
    'unknown_feature /features/2',
    'unknown_feature /features/3',
  ]);
  expect(answer.json.errors[0].suggestion).toBe('departures_1h');
  expect(found(await vectors('departure_delay', { entities: [ROW], features: [] }))).toEqual([
    'too_few_items /features',
  ]);
  expect(found(await vectors('departure_delay', { entities: [ROW], features: ['rough', 'rough'] }))).toEqual([
    'duplicate_item /features/1',
  ]);
});

test('every problem of the envelope and of the rows is told at once', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const answer = await vectors('departure_delay', {
    entities: [{ origin: 7, scheduled_hour: '17', extra: 1 }, 'JFK', {}],
    includes: ['status'],
    include: ['statu'],
    as_of: 'yesterday',
    budget_ms: 0,
    layout: 'cols',
    after: 'junk!',
    features: ['nothing_like_it'],
  });
  expect(found(answer).toSorted()).toEqual(
    [
      'invalid_as_of /as_of',
      'invalid_input /entities/0/scheduled_hour',
      'invalid_key /entities/0/origin',
      'invalid_position /after',
      'invalid_type /entities/1',
      'invalid_value /include/0',
      'invalid_value /layout',
      'missing_input /entities/2/scheduled_hour',
      'missing_key /entities/2/origin',
      'out_of_range /budget_ms',
      'unknown_feature /features/0',
      'unknown_field /entities/0/extra',
      'unknown_field /includes',
    ].toSorted(),
  );
  const suggestions = Object.fromEntries(
    answer.json.errors.map(({ pointer, suggestion }: { pointer: string; suggestion: string }) => [pointer, suggestion]),
  );
  expect(suggestions).toMatchObject({
    '/includes': 'include',
    '/include/0': 'status',
    '/entities/0/scheduled_hour': '17',
  });
  expect(answer.json.code).toBe('invalid_request');
});

test('the envelope is not coerced either', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const wrong: [string, unknown, string][] = [
    ['budget_ms', '20', '/budget_ms'],
    ['budget_ms', true, '/budget_ms'],
    ['budget_ms', null, '/budget_ms'],
    ['fingerprint', 5, '/fingerprint'],
    ['include', 'status', '/include'],
    ['include', [null], '/include/0'],
    ['features', 'departures_1h', '/features'],
    ['features', [1], '/features/0'],
    ['after', 1, '/after'],
    ['after', [1], '/after/0'],
    ['layout', null, '/layout'],
    ['common', null, '/common'],
  ];
  for (const [name, value, pointer] of wrong) {
    const answer = await vectors('departure_delay', { entities: [ROW], [name]: value });
    expect(found(answer)[0], `${name}: ${JSON.stringify(value)}`).toBe(`invalid_type ${pointer}`);
  }
});

test('one bad row carries its error, the others are served; when all are bad it is 400', async () => {
  const { vectors } = await startAirport();
  const bad = { origin: 'JFK', scheduled_hour: 1.5 };
  const request = { entities: [bad, ROW], as_of: NEWEST_MS, features: ['departures_24h'] };
  const answer = await vectors('departure_delay', request);
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toEqual([
    {
      error: {
        code: 'invalid_input',
        pointer: '/entities/0/scheduled_hour',
        message: 'the request input scheduled_hour: expected int, found a number with a fraction',
        suggestion: null,
      },
    },
    { values: [2] },
  ]);
  const columns = await vectors('departure_delay', { ...request, layout: 'columns' });
  expect(columns.json.columns).toEqual({ departures_24h: [null, 2] });
  expect(columns.json.rows).toEqual([{ error: answer.json.vectors[0].error }, {}]);
  expect(found(await vectors('departure_delay', { entities: [bad, bad] }))).toEqual([
    'invalid_input /entities/0/scheduled_hour',
    'invalid_input /entities/1/scheduled_hour',
  ]);
});

test('a field of common is at fault in common, once', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const entities = [{ origin: 'JFK' }, { origin: 'LGA' }];
  expect(found(await vectors('departure_delay', { entities, common: { scheduled_hour: true, x: 1 } }))).toEqual([
    'invalid_input /common/scheduled_hour',
    'unknown_field /common/x',
  ]);
  expect(found(await vectors('departure_delay', { entities, common: [] })).slice(0, 1)).toEqual([
    'invalid_type /common',
  ]);
});

test('no row and too many rows are refused', async () => {
  const { vectors } = await startAirport({ materialize: false });
  expect(found(await vectors('departure_delay', { entities: [] }))).toEqual(['too_few_rows /entities']);
  expect(found(await vectors('departure_delay', {}))).toEqual(['missing_field /entities']);
  const entities = Array.from({ length: 1_001 }, () => ROW);
  expect(found(await vectors('departure_delay', { entities }))).toEqual(['too_many_rows /entities']);
  expect(found(await vectors('departure_delay', { entities: ROW }))).toEqual(['invalid_type /entities']);
});

test('no more problems are listed than anybody reads, and all are counted', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const entities = Array.from({ length: 1_000 }, () => ({ x: 1, y: 2 }));
  const answer = await vectors('departure_delay', { entities });
  expect(answer.status).toBe(400);
  expect(answer.json.errors).toHaveLength(1_000);
  expect(answer.json.detail).toContain('and 3999 more');
});

test('what is wrong a hundred thousand times is counted, and put into words no oftener than it is listed', async () => {
  const { vectors } = await startAirport({ materialize: false });
  const names = Array.from({ length: 60_000 }, (_none, index) => `x${index}`);
  const many = Object.fromEntries(names.map((name) => [name, 0]));
  vi.mocked(nearestName).mockClear();
  const cases: readonly [body: object, code: string, more: number][] = [
    [{ entities: [many] }, 'invalid_request', 60_001],
    [{ entities: Array.from({ length: 1_000 }, () => ROW), common: many }, 'unknown_field', 59_999],
    [{ entities: [ROW], ...many }, 'unknown_field', 59_999],
    [{ entities: Array.from({ length: 200_000 }, () => 0) }, 'too_many_rows', 0],
    [{ entities: [ROW], features: names }, 'too_many_items', 0],
    [{ entities: [ROW], features: names.slice(0, 9_000) }, 'unknown_feature', 8_999],
  ];
  for (const [body, code, more] of cases) {
    const { status, json } = await vectors('departure_delay', body);
    expect([status, json.code]).toEqual([400, code]);
    expect(json.errors).toHaveLength(Math.min(1_000, more + 1));
    if (more > 0) expect(json.detail).toContain(`and ${more} more`);
  }
  expect(vi.mocked(nearestName).mock.calls.length).toBeLessThan(4_000);
});

test('a body that is too large is 413', async () => {
  const harness = await startAirport({ materialize: false });
  const payload = JSON.stringify({ entities: [{ ...ROW, origin: 'x'.repeat(1_048_576) }] });
  expect(found(await raw(harness, payload), 413)).toEqual(['body_too_large null']);
});

test('malformed, empty and absent JSON is 400', async () => {
  const harness = await startAirport({ materialize: false });
  for (const payload of [
    '',
    '   ',
    '{',
    '{"entities": [}',
    'nonsense',
    '{"entities":[{"origin":"JFK","origin":}]}',
    '\u0000',
  ]) {
    expect(found(await raw(harness, payload)), payload).toEqual(['malformed_json null']);
  }
  for (const payload of ['null', '[]', '7', '"x"', 'true']) {
    expect(found(await raw(harness, payload)), payload).toEqual(['invalid_type ']);
  }
  expect(found(await harness.call({ method: 'POST', url: URL }))).toEqual(['invalid_type ']);
});

test('what is nested a hundred thousand deep is refused like anything else', async () => {
  const harness = await startAirport({ materialize: false });
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(found(await raw(harness, `{"entities":[{"origin":${deep},"scheduled_hour":1}]}`))).toEqual([
    'invalid_key /entities/0/origin',
  ]);
  expect(found(await raw(harness, `{"entities":${deep}}`))).toContain('invalid_type /entities/0');
});

test('another content type is 415', async () => {
  const harness = await startAirport({ materialize: false });
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'multipart/form-data; boundary=x',
  ]) {
    expect(found(await raw(harness, '{"entities":[]}', { 'content-type': type }), 415)).toEqual([
      'unsupported_media_type null',
    ]);
  }
  expect(
    (await raw(harness, JSON.stringify({ entities: [] }), { 'content-type': 'application/json; charset=utf-8' }))
      .status,
  ).toBe(400);
});

test('__proto__ and constructor.prototype are refused, and reach no prototype', async () => {
  const harness = await startAirport({ materialize: false });
  for (const payload of [
    '{"entities":[{"origin":"JFK","scheduled_hour":1,"__proto__":{"polluted":1}}]}',
    '{"__proto__":{"entities":[]},"entities":[{"origin":"JFK","scheduled_hour":1}]}',
    '{"entities":[{"\\u005f_proto__":{"x":1}}]}',
    '{"entities":[{"constructor":{"prototype":{"polluted":1}}}]}',
  ]) {
    expect(found(await raw(harness, payload)), payload).toEqual(['forbidden_property null']);
  }
  expect({}).not.toHaveProperty('polluted');
  expect(found(await harness.vectors('departure_delay', { entities: [{ ...ROW, constructor: 1 }] }))).toEqual([
    'unknown_field /entities/0/constructor',
  ]);
  // A missing key is missing, though every object has a `constructor` and a `toString`.
  expect(found(await harness.vectors('departure_delay', { entities: [{ toString: 1 }] })).length).toBe(3);
});

test('keys that are empty, hold control characters or are too long identify nothing', async () => {
  const { vectors } = await startAirport();
  for (const origin of ['', 'J\u0000K', 'JFK\n', '\u0085', 'x'.repeat(10_240), 'é'.repeat(600), '\ud800']) {
    const answer = await vectors('departure_delay', { entities: [{ origin, scheduled_hour: 1 }] });
    expect(found(answer), JSON.stringify(origin.slice(0, 20))).toEqual(['invalid_key /entities/0/origin']);
    expect(answer.text.length).toBeLessThan(1_000);
  }
  for (const origin of [' ', 'é-ü', '𝄞', 'x'.repeat(1_000), '"', '~1/~0', '__proto__']) {
    const answer = await vectors('departure_delay', { entities: [{ origin, scheduled_hour: 1 }], as_of: NEWEST_MS });
    expect(answer.status, origin).toBe(200);
  }
});

test('an input that an expression turns into a key is held to the same', async () => {
  const definitions = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, clock: watermark, fields: { k: string, ts: timestamp } }
entities: [{ name: one, keys: { k: string } }]
views: [{ name: v, entity: one, source: s, features: [{ name: n, agg: count }] }]
services:
  - { name: svc, inputs: { a: string, note: string }, features: [{ view: v, keys: { k: "concat(a, a)" } }], derived: [{ name: l, expr: "length(note)" }] }
`;
  const { vectors } = await startAirport({ definitions, events: { s: [{ k: 'aa', ts: NEWEST_MS }] } });
  expect(found(await vectors('svc', { entities: [{ a: '', note: '' }] }))).toEqual(['invalid_key /entities/0/a']);
  const answer = await vectors('svc', {
    entities: [
      { a: 'a', note: '\n' },
      { a: 'b'.repeat(1_000), note: '' },
    ],
    as_of: NEWEST_MS + 1,
    include: ['status'],
  });
  expect(answer.json.vectors).toEqual([
    { values: [1, 1], status: ['PRESENT', 'PRESENT'] },
    { values: [null, 0], status: ['NOT_FOUND', 'PRESENT'] },
  ]);
});

test('a key is never coerced: the type is part of who it is', async () => {
  const definitions = `
sources:
  - name: s
    topic: s
    format: json
    key: [i]
    event_time: ts
    clock: watermark
    fields: { i: int, big: int64, flag: bool, day: timestamp, text: string, ts: timestamp }
entities: [{ name: all, keys: { i: int, big: int64, flag: bool, day: timestamp, text: string } }]
views: [{ name: v, entity: all, source: s, features: [{ name: n, agg: count }] }]
services: [{ name: svc, features: [v.*] }]
`;
  const event = { i: 1, big: '9007199254740993', flag: true, day: '2013-01-31T00:00:00Z', text: '1', ts: NEWEST_MS };
  const { vectors } = await startAirport({ definitions, events: { s: [event] } });
  const { ts: _ts, ...key } = event;
  const ask = (row: object) => vectors('svc', { entities: [row], as_of: NEWEST_MS + 1 });
  expect((await ask(key)).json.vectors).toEqual([{ values: [1] }]);
  expect((await ask({ ...key, day: Date.UTC(2013, 0, 31) })).json.vectors).toEqual([{ values: [1] }]);
  expect((await ask({ ...key, big: '9007199254740992' })).json.vectors).toEqual([{ values: [null] }]);
  const wrong: Record<string, unknown> = { i: '1', big: 9007199254740992, flag: 1, day: '2013-01-31', text: 1 };
  for (const [name, value] of Object.entries(wrong)) {
    expect(found(await ask({ ...key, [name]: value })), name).toEqual([`invalid_key /entities/0/${name}`]);
    expect(found(await ask({ ...key, [name]: null })), name).toEqual([`invalid_key /entities/0/${name}`]);
  }
  for (const value of [1.5, true, 2 ** 53, '', []]) {
    expect(found(await ask({ ...key, i: value }))).toEqual(['invalid_key /entities/0/i']);
  }
  for (const value of ['01', '1.0', '9223372036854775808', ' 1', '0x1', 1.5]) {
    expect(found(await ask({ ...key, big: value }))).toEqual(['invalid_key /entities/0/big']);
  }
});
