/** Owners, tags, what is given up and who reads, in the catalog and in answers. */
import { expect, test } from 'vitest';
import { DEFINITIONS, ROW, startAirport } from '../vectors/fixture.ts';
import { keyWith, startGuarded } from '../access/fixture.ts';

const GOVERNED = DEFINITIONS.replace('topic: departures', 'topic: departures\n    tags: [public]')
  .replace(
    'name: delay_mean,',
    'name: delay_mean, owner: planners, tags: [core], deprecated: { on: 2027-01-01, use: since },',
  )
  .replace('  - name: winds\n', '  - name: winds\n    owner: met\n    tags: [weather]\n');
const DEPRECATED_SERVICE = DEFINITIONS.replace(
  '  - name: departure_delay\n',
  '  - { name: delay, features: [delays.*] }\n  - name: departure_delay\n    deprecated: { on: 2027-01-01, sunset: 2027-07-01, use: delay, reason: Too wide. }\n',
);
const headersOf = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) => ({
  deprecation: headers['deprecation'],
  sunset: headers['sunset'],
  link: headers['link'],
  what: headers['skewless-deprecated'],
});

test('owners, tags and what is given up are in the catalog and in the lineage', async () => {
  const { get } = await startAirport({ definitions: GOVERNED, materialize: false });
  expect((await get('/v1/sources/departures')).json.tags).toEqual(['public']);
  const { json: view } = await get('/v1/feature-views/delays');
  expect(view.features.find(({ name }: { name: string }) => name === 'delay_mean_1h')).toMatchObject({
    owner: 'planners',
    tags: ['core'],
    deprecated: { on: '2027-01-01', sunset: null, use: 'since', reason: '' },
  });
  const { json: winds } = await get('/v1/feature-views/winds');
  expect(winds).toMatchObject({ tags: ['weather'], deprecated: null, features: [{ owner: 'met' }] });
  const { json: service } = await get('/v1/feature-services/departure_delay');
  const given = service.features.filter(({ deprecated }: { deprecated: unknown }) => deprecated !== null);
  expect(given.map(({ name }: { name: string }) => name)).toEqual(['delay_mean_1h', 'delay_mean_24h']);
  const { json: lineage } = await get('/v1/lineage?node=feature:delays@1.delay_mean_1h&depth=1');
  const node = lineage.nodes.find(({ kind }: { kind: string }) => kind === 'feature');
  expect(node).toMatchObject({ owner: 'planners', tags: ['core'], deprecated: '2027-01-01' });
});

test('answers of a service that is given up say when, until when, and what to read instead', async () => {
  const { vectors, get } = await startAirport({ definitions: DEPRECATED_SERVICE });
  const answer = await vectors('departure_delay', { entities: [ROW] });
  expect(headersOf(answer)).toEqual({
    deprecation: `@${Date.UTC(2027, 0, 1) / 1e3}`,
    sunset: 'Thu, 01 Jul 2027 00:00:00 GMT',
    link: '</v1/feature-services/delay>; rel="successor-version"',
    what: 'departure_delay@1',
  });
  const one = await get('/v1/feature-services/departure_delay/vectors?origin=JFK&scheduled_hour=1');
  expect(headersOf(one)).toEqual(headersOf(answer));
  const other = await vectors('delay', { entities: [{ origin: 'JFK' }] });
  expect(Object.values(headersOf(other)).filter((value) => value !== undefined)).toEqual([]);
});

test('answers of a service that reads what is given up name it', async () => {
  const { vectors } = await startAirport({ definitions: GOVERNED });
  expect(headersOf(await vectors('departure_delay', { entities: [ROW] }))).toEqual({
    deprecation: `@${Date.UTC(2027, 0, 1) / 1e3}`,
    sunset: undefined,
    link: undefined,
    what: 'delay_mean_1h, delay_mean_24h',
  });
});

test('a service tells who has read it: a key itself, admin everybody', async () => {
  const [one, other] = [keyWith(['read:*'], { name: 'one' }), keyWith(['read:*'], { name: 'other' })];
  const admin = keyWith(['admin']);
  const { call } = await startGuarded([one, other, admin]);
  for (const { headers } of [one, one, other]) {
    const url = '/v1/feature-services/departure_delay/vectors?origin=JFK&scheduled_hour=1';
    await call({ method: 'GET', url, headers });
  }
  const readers = async ({ headers }: typeof one): Promise<string[]> => {
    const { json } = await call({ method: 'GET', url: '/v1/feature-services/departure_delay', headers });
    return json.readers.map(({ reader, requests }: { reader: string; requests: number }) => `${reader} ${requests}`);
  };
  expect(await readers(one)).toEqual(['one 2']);
  expect(await readers(admin)).toEqual(['one 2', 'other 1']);
});
