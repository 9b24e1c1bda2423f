/** The Arrow stream says what JSON says, value by value, in the types of the features. */
import { DataType, type Table, tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Harness } from '../harness.ts';
import { NEWEST_MS, ROW, startAirport } from './fixture.ts';

const ARROW = 'application/vnd.apache.arrow.stream';
const DEFINITIONS = `
sources:
  - name: s
    topic: s
    format: json
    key: [k]
    event_time: ts
    clock: watermark
    fields: { k: string, ts: timestamp, d: "double?", i: "int?", l: "int64?", t: "timestamp?", b: "bool?", s: "string?", a: "string[]?", v: "double[2]?" }
entities: [{ name: one, keys: { k: string } }]
views:
  - name: latest
    entity: one
    source: s
    features:
      - { name: d, agg: last, of: d }
      - { name: i, agg: last, of: i }
      - { name: l, agg: last, of: l }
      - { name: t, agg: last, of: t }
      - { name: b, agg: last, of: b }
      - { name: s, agg: last, of: s }
      - { name: a, agg: last, of: a }
      - { name: v, agg: last, of: v }
      - { name: since, agg: time_since_last }
      - { name: recent, agg: last_n, n: 3, of: { l: l, t: t, d: d, s: s } }
      - { name: longs, agg: last_n, n: 3, of: l }
services: [{ name: svc, features: [latest.*], derived: [{ name: twice, expr: "d * 2" }, { name: big, expr: "l > 5" }] }]
`;

async function arrowOf({ app }: Harness, service: string, payload: object, accept = ARROW): Promise<Table> {
  const url = `/v1/feature-services/${service}/vectors`;
  const answer = await app.inject({ method: 'POST', url, payload, headers: { accept } });
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, ARROW]);
  return tableFromIPC(answer.rawPayload);
}

/** As JSON has it, but for integers: those are text, whether they were numbers or not. */
function plain(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return null;
  if (DataType.isTimestamp(type)) return new Date(Number(value)).toISOString();
  if (DataType.isInt(type)) return `${value as bigint}`;
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const [item] = type.children;
    return [...(value as Iterable<unknown>)].map((each) => plain(each, item?.type as DataType));
  }
  if (DataType.isStruct(type)) {
    const struct = value as Readonly<Record<string, unknown>>;
    return Object.fromEntries(type.children.map(({ name, type: of }) => [name, plain(struct[name], of)]));
  }
  return value;
}

/** The same of what JSON said. */
function integersAsText(value: unknown, type: DataType): unknown {
  if (value === null) return null;
  if (DataType.isInt(type)) return `${value as bigint}`;
  if (Array.isArray(value)) return value.map((each) => integersAsText(each, type.children[0]?.type as DataType));
  if (DataType.isStruct(type)) {
    const struct = value as Readonly<Record<string, unknown>>;
    return Object.fromEntries(type.children.map(({ name, type: of }) => [name, integersAsText(struct[name], of)]));
  }
  return value;
}

function column(table: Table, name: string): { readonly values: unknown[]; readonly type: DataType } {
  const vector = table.getChild(name);
  if (vector === null) throw new Error(`no column ${name}`);
  const { type } = vector;
  return { type, values: Array.from({ length: table.numRows }, (_, row) => plain(vector.get(row), type)) };
}

/** Against `layout: rows`. */
// oxlint-disable-next-line typescript/no-explicit-any -- an answer's JSON
function expectSame(table: Table, json: any): void {
  const { service, version, fingerprint, as_of: asOf } = json;
  expect(Object.fromEntries(table.schema.metadata)).toEqual({
    service,
    version: String(version),
    fingerprint,
    ...(asOf === null ? {} : { as_of: asOf }),
  });
  expect(table.numRows).toBe(json.vectors.length);
  const parsed = (name: string) =>
    column(table, name).values.map((text) => (text === null ? undefined : JSON.parse(text as string)));
  expect(parsed('__error')).toEqual(json.vectors.map((row: { error?: object }) => row.error));
  expect(parsed('__issues')).toEqual(json.vectors.map((row: { issues?: object }) => row.issues));
  expect(column(table, '__as_of').values).toEqual(
    json.vectors.map((row: { error?: object; as_of?: string }) => (row.error ? null : (row.as_of ?? asOf))),
  );
  for (const [index, name] of (json.features as string[]).entries()) {
    const { type, values } = column(table, name);
    const pick = (field: string) =>
      json.vectors.map((row: Readonly<Record<string, unknown[]>>) => row[field]?.[index] ?? null);
    expect(values, name).toEqual(pick('values').map((value: unknown) => integersAsText(value, type)));
    expect(column(table, `${name}__status`).values).toEqual(pick('status'));
    expect(column(table, `${name}__event_time`).values).toEqual(pick('event_time'));
  }
}

const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const event = fc.record({
  k: fc.constantFrom('a', 'b', 'c'),
  d: nullable(double),
  i: nullable(fc.maxSafeInteger()),
  l: nullable(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String)),
  t: nullable(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 })),
  b: nullable(fc.boolean()),
  s: nullable(fc.string({ unit: 'grapheme', maxLength: 20 })),
  a: nullable(fc.array(fc.string({ maxLength: 5 }), { maxLength: 4 })),
  v: nullable(fc.tuple(double, double)),
});

test('any values of any type, present, null, unknown and withheld, are those of the JSON answer', async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`arrow: seed ${seed}`);
  const logs = fc.sample(fc.array(event, { minLength: 1, maxLength: 8 }), { seed, numRuns: 8 });
  for (const log of logs) {
    const events = log.map((fields, index) => ({ ...fields, ts: NEWEST_MS + index }));
    const harness = await startAirport({ definitions: DEFINITIONS, events: { s: events } });
    const entities = [{ k: 'a' }, { k: 'nobody' }, { k: 'b' }, { k: 5 }, { k: 'c' }];
    for (const asOf of [NEWEST_MS + 1, NEWEST_MS + 20, undefined, 0]) {
      const request = {
        entities,
        include: ['status', 'event_time'],
        ...(asOf === undefined ? {} : { as_of: asOf }),
      };
      const { json } = await harness.vectors('svc', request);
      expectSame(await arrowOf(harness, 'svc', request), json);
    }
  }
});

test('types of columns are those of the features', async () => {
  const harness = await startAirport({ definitions: DEFINITIONS, events: { s: [{ k: 'a', ts: NEWEST_MS }] } });
  const request = { entities: [{ k: 'a' }], as_of: NEWEST_MS + 1, layout: 'rows', include: ['receipt', 'explain'] };
  const { schema } = await arrowOf(harness, 'svc', request);
  expect(
    Object.fromEntries(schema.fields.map(({ name, type, nullable: may }) => [name, `${type}${may ? '?' : ''}`])),
  ).toEqual({
    d: 'Float64?',
    i: 'Int64?',
    l: 'Int64?',
    t: 'Timestamp<MILLISECOND, UTC>?',
    b: 'Bool?',
    s: 'Utf8?',
    a: 'List<Utf8>?',
    v: 'FixedSizeList[2]<Float64>?',
    since: 'Int64?',
    recent: 'List<Struct<{l:Int64, t:Timestamp<MILLISECOND, UTC>, d:Float64, s:Utf8}>>?',
    longs: 'List<Int64>?',
    twice: 'Float64?',
    big: 'Bool?',
    __issues: 'Utf8?',
    __as_of: 'Timestamp<MILLISECOND, UTC>?',
    __error: 'Utf8?',
    __receipt: 'Utf8?',
    __explain: 'Utf8?',
  });
});

test.for([
  [undefined, 'json'],
  ['*/*', 'json'],
  ['application/*', 'json'],
  ['application/json; charset=utf-8', 'json'],
  [`${ARROW}, application/json;q=0.9`, 'arrow'],
  [`${ARROW};q=0.1, application/json`, 'json'],
  [`text/html, ${ARROW};q=0.5, */*;q=0.1`, 'arrow'],
  [`application/json;q=0, ${ARROW}`, 'arrow'],
  ['application/json;q=0, */*', 'arrow'],
  ['text/html', null],
  [`${ARROW};q=0`, null],
  ['', null],
] as const)('accept: %s is answered with %s', async ([accept, format]) => {
  const { call } = await startAirport({ materialize: false });
  const answer = await call({
    method: 'POST',
    url: '/v1/feature-services/departure_delay/vectors',
    payload: { entities: [ROW], as_of: NEWEST_MS },
    headers: accept === undefined ? {} : { accept },
  });
  const type = String(answer.headers['content-type']);
  if (format === null) expect([answer.status, answer.json.code]).toEqual([406, 'not_acceptable']);
  else expect([answer.status, type.includes('arrow') ? 'arrow' : 'json']).toEqual([200, format]);
});

test('what is wrong with a request is a problem in JSON, whatever is accepted; a GET has the stream too', async () => {
  const harness = await startAirport();
  const headers = { accept: ARROW };
  const url = '/v1/feature-services/departure_delay/vectors';
  const wrong = await harness.call({ method: 'POST', url, payload: { entities: [] }, headers });
  expect([wrong.status, wrong.json.code]).toEqual([400, 'too_few_rows']);
  const got = await harness.app.inject({
    method: 'GET',
    url: `${url}?origin=JFK&scheduled_hour=17&as_of=${NEWEST_MS}`,
    headers,
  });
  expect(tableFromIPC(got.rawPayload).numRows).toBe(1);
});
