/** Faults that no operation has to do with: every one of them is a problem too. */
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ROW, startAirport } from './vectors/fixture.ts';

const PROBLEM = 'application/problem+json; charset=utf-8';

test('an unknown path is 404, a wrong method 405 with what is allowed', async () => {
  const { call } = await startAirport({ materialize: false });
  const shape = async (method: 'GET' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH' | 'POST' | 'QUERY', url: string) => {
    const { status, headers, json } = await call({ method, url });
    expect(headers['content-type']).toBe(PROBLEM);
    return [status, json.code, headers['allow']];
  };
  expect(await shape('GET', '/nope')).toEqual([404, 'not_found', undefined]);
  expect(await shape('GET', '/v1')).toEqual([404, 'not_found', undefined]);
  expect(await shape('POST', '/v1/feature-views')).toEqual([405, 'method_not_allowed', 'GET, HEAD']);
  expect(await shape('PUT', '/v1/feature-services/x/vectors')).toEqual([405, 'method_not_allowed', 'GET, HEAD, POST']);
  expect(await shape('OPTIONS', '/v1/sources/x/events')).toEqual([405, 'method_not_allowed', 'POST']);
  expect(await shape('DELETE', '/livez')).toEqual([405, 'method_not_allowed', 'GET, HEAD']);
  expect(await shape('QUERY', '/livez')).toEqual([405, 'method_not_allowed', 'GET, HEAD']);
  expect(await shape('GET', '/v1/feature-views/%zz')).toEqual([400, 'malformed_url', undefined]);
  expect(await shape('GET', `/v1/feature-views/${'x'.repeat(1_000)}`)).toEqual([404, 'not_found', undefined]);
});

test('HEAD answers what GET answers, without the body', async () => {
  const { call } = await startAirport({ materialize: false });
  const head = await call({ method: 'HEAD', url: '/livez' });
  expect([head.status, head.text]).toEqual([200, '']);
  expect((await call({ method: 'HEAD', url: '/v1/feature-views/nothing' })).status).toBe(404);
});

test('a request id is taken over when it is a plain one, else made, and is in every problem', async () => {
  const { call } = await startAirport({ materialize: false });
  const given = await call({ method: 'GET', url: '/nope', headers: { 'x-request-id': 'abc-123' } });
  expect([given.headers['x-request-id'], given.json.request_id]).toEqual(['abc-123', 'abc-123']);
  const odd = await call({ method: 'GET', url: '/nope', headers: { 'x-request-id': 'a b"\t' } });
  expect(odd.json.request_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(odd.headers['x-request-id']).toBe(odd.json.request_id);
});

test('a fault of ours is a 500 that says nothing of the inside, and a log line that does', async () => {
  const { vectors, logged, clock } = await startAirport({ materialize: false });
  clock.nowMs = () => {
    throw new TypeError('a secret');
  };
  const answer = await vectors('departure_delay', { entities: [ROW], as_of: 0 });
  expect(answer.status).toBe(500);
  expect(answer.json).toMatchObject({ code: 'internal', detail: 'something failed inside the server' });
  expect(answer.text).not.toMatch(/TypeError|secret|node_modules|\.ts/);
  expect(logged).toContainEqual(
    expect.objectContaining({
      msg: 'a request failed',
      request_id: answer.json.request_id,
      err: expect.anything() as unknown,
    }),
  );
});

test('what is not HTTP, or has endless headers, is answered with a problem and hung up on', async () => {
  const { app } = await startAirport({ materialize: false });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const exchange = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let received = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => {
        received += chunk.toString('utf8');
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(received));
    });
  const nonsense = await exchange('nonsense\r\n\r\n');
  expect(nonsense).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(JSON.parse(nonsense.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 400, code: 'malformed_request' });
  const endless = await exchange(`GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
  expect(endless).toMatch(/^HTTP\/1\.1 431 /);
  expect(endless).toContain('content-type: application/problem+json');
});
