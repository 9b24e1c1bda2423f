/**
 * What a key may not know of is not there: a server with secrets answers it byte for byte as one that has none. Two
 * servers, one with the secrets and one without, are asked the same.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePositionToken } from '../../../src/serve/position-token.ts';
import type { Answer, Harness } from '../harness.ts';
import { DEFINITIONS, EVENTS, NEWEST_MS, ROW } from '../vectors/fixture.ts';
import { type TestKey, WITH_SECRETS, keyWith, startGuarded } from './fixture.ts';

const SECRET_NAMES = ['departure_pay', 'departure_bonus', 'earnings', 'calm', 'salaries'];

interface Request {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly payload?: object;
}

const PERSON = { person: ['a'] };

/** Whatever can be asked by name. */
function requestsFor(name: string): readonly Request[] {
  const at = encodeURIComponent(name);
  return [
    { method: 'GET', url: `/v1/feature-services/${at}` },
    { method: 'GET', url: `/v1/feature-views/${at}` },
    { method: 'GET', url: `/v1/sources/${at}` },
    { method: 'GET', url: `/v1/feature-services/${at}/vectors?person=a` },
    { method: 'POST', url: `/v1/feature-services/${at}/vectors`, payload: { entities: [{ person: 'a' }] } },
    { method: 'POST', url: `/v1/sources/${at}/events`, payload: { events: [{ person: 'a' }] } },
    { method: 'POST', url: '/get-online-features', payload: { feature_service: name, entities: PERSON } },
    { method: 'POST', url: '/get-online-features', payload: { features: [`${name}:earned_30d`], entities: PERSON } },
    { method: 'POST', url: '/push', payload: { push_source_name: name, df: PERSON } },
    { method: 'POST', url: '/write-to-online-store', payload: { feature_view_name: name, df: PERSON } },
  ];
}

interface Pair {
  readonly withSecrets: Harness;
  readonly without: Harness;
}

async function startBoth(keys: readonly TestKey[]): Promise<Pair> {
  const nowMs = NEWEST_MS;
  const withSecrets = await startGuarded(keys, { definitions: WITH_SECRETS, nowMs });
  const without = await startGuarded(keys, { definitions: DEFINITIONS, events: EVENTS, nowMs });
  // Time stands still, so that two answers can be the same.
  for (const { clock, materializer } of [withSecrets, without]) {
    await materializer.stop();
    clock.nowMs = () => nowMs;
  }
  return { withSecrets, without };
}

async function ask({ call }: Harness, request: Request, key: TestKey): Promise<Omit<Answer, 'json'>> {
  const { status, headers, text } = await call({ ...request, headers: { ...key.headers, 'x-request-id': 'same' } });
  const { date: _date, ...rest } = headers;
  // Freshness tells when a shard was last written; the two servers are not written in the same millisecond.
  return {
    status,
    headers: { ...rest, 'content-length': 0 },
    text: text.replaceAll(/"(heartbeat|caught_up_at)":"[^"]*"/g, ''),
  };
}

test('404: a key without read:x asks for service x, there or not', async () => {
  const key = keyWith(['read:departure_delay', 'ingest:weather']);
  const { withSecrets, without } = await startBoth([key]);
  for (const name of [
    ...SECRET_NAMES,
    'departure_pay@1',
    'departure_pay@2',
    'earnings@1',
    'departure_paid',
    'salarie',
  ]) {
    for (const request of requestsFor(name)) {
      const answer = await ask(withSecrets, request, key);
      // Feast says 422 of a push source that is not there.
      expect(answer.status, request.url).toBe(request.url === '/push' ? 422 : 404);
      expect(answer, request.url).toEqual(await ask(without, request, key));
    }
  }
});

test('lists, entries and suggestions hold only what the key may see', async () => {
  const key = keyWith(['read:departure_delay']);
  const { withSecrets, without } = await startBoth([key]);
  for (const url of [
    '/v1/feature-services',
    '/v1/feature-views',
    '/v1/sources',
    '/v1/feature-views?limit=1',
    '/v1/feature-services/departure_delay',
    '/v1/feature-views/delays',
    '/v1/sources/departures',
    '/v1/sources/weather',
  ]) {
    const answer = await ask(withSecrets, { method: 'GET', url }, key);
    expect(answer.status).toBe(200);
    expect(answer, url).toEqual(await ask(without, { method: 'GET', url }, key));
    for (const name of SECRET_NAMES) expect(answer.text).not.toContain(name);
  }
});

test('a position token of a source that the key may not see is one of a source that is not there', async () => {
  const key = keyWith(['read:departure_delay']);
  const { withSecrets, without } = await startBoth([key]);
  const after = encodePositionToken(new Map([['salaries', { 0: 1 }]]));
  const payload = { entities: [ROW], as_of: NEWEST_MS, after };
  const request: Request = { method: 'POST', url: '/v1/feature-services/departure_delay/vectors', payload };
  const answer = await ask(withSecrets, request, key);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('not defined here')]);
  expect(answer).toEqual(await ask(without, request, key));
});

test('whatever the name and the scopes that do not reach the secrets: the same bytes', async () => {
  const keys = [
    keyWith(['read:departure_delay']),
    keyWith(['ingest:departures']),
    keyWith(['read:departure_paid', 'ingest:salary']),
    keyWith(['read:departure_delay', 'ingest:weather']),
  ];
  const { withSecrets, without } = await startBoth(keys);
  const names = fc.oneof(
    fc.constantFrom(...SECRET_NAMES, 'departure_delay', 'departures', 'delays', 'departure_paid', 'salary'),
    fc
      .tuple(fc.constantFrom(...SECRET_NAMES), fc.constantFrom('@1', '@2', 's', '_', '@', '%'))
      .map((both) => both.join('')),
    fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/^[./]+$/.test(text)),
  );
  const cases = fc.record({ name: names, key: fc.constantFrom(...keys), which: fc.nat(9) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ name, key, which }) => {
      const request = requestsFor(name)[which] as Request;
      // Only what is really there may be written to, and then positions differ by what was written before.
      fc.pre(!(request.url === '/v1/sources/departures/events' || request.url === '/v1/sources/weather/events'));
      expect(await ask(withSecrets, request, key)).toEqual(await ask(without, request, key));
    }),
    { numRuns: 300 },
  );
}, 60_000);
