import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { createKeyRing } from '../../../src/serve/access/key-ring.ts';
import { createAdminApp } from '../../../src/serve/admin-app.ts';
import { DEFINITIONS } from '../vectors/fixture.ts';
import { compileDefinitions } from '../harness.ts';
import { type TestKey, keyWith, startGuarded, told } from './fixture.ts';

const MOVED = ['/metrics', '/docs', '/docs/json', '/docs/static/swagger-ui.css', '/openapi.json'];

/** `keysOfAdmin`: whether its port asks for keys, too. */
async function startWithAdmin(keys: readonly TestKey[], keysOfAdmin: boolean) {
  const ring = { ring: createKeyRing(keys.map(({ key }) => key)) };
  const adminApp = await createAdminApp(pino({ level: 'silent' }), {
    definitions: compileDefinitions(DEFINITIONS),
    clock: systemClock,
    keys: keysOfAdmin ? ring : null,
    rate: null,
  });
  const harness = await startGuarded(keys, { adminApp });
  await adminApp.ready();
  return { ...harness, adminApp };
}

test('metrics and documentation are on the port of their own, and nowhere else', async () => {
  const admin = keyWith(['admin']);
  const { adminApp, call } = await startWithAdmin([admin], false);
  for (const url of MOVED) {
    expect((await adminApp.inject(url)).statusCode, url).toBe(200);
    expect(told(await call({ url, headers: admin.headers })), url).toEqual([404, 'not_found']);
    expect((await call({ url })).status, url).toBe(401);
  }
  for (const url of ['/v1/feature-services', '/livez', '/nope']) {
    const refused = await adminApp.inject(url);
    expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([404, 'not_found']);
    expect(refused.headers['x-request-id']).toBeDefined();
  }
});

test('the document there is that of the API, and requests cannot be tried from it', async () => {
  const { adminApp, app } = await startWithAdmin([], false);
  const document = (await adminApp.inject('/openapi.json')).json<{ paths: object }>();
  expect(document).toEqual(JSON.parse(JSON.stringify(app.swagger())));
  expect(Object.keys(document.paths)).toContain('/v1/feature-services/{service}/vectors');
  expect((await adminApp.inject('/docs/json')).json()).toEqual(document);
  expect((await adminApp.inject('/docs/static/swagger-initializer.js')).body).toMatch(/"supportedSubmitMethods":\[\]/);
});

test('requests of the main port are counted in the metrics there', async () => {
  const reader = keyWith(['read:*']);
  const { adminApp, call } = await startWithAdmin([reader], false);
  await call({ url: '/v1/feature-views', headers: reader.headers });
  const { body } = await adminApp.inject('/metrics');
  expect(body).toMatch(
    /http_server_request_duration_seconds_count\{http_request_method="GET",http_route="\/v1\/feature-views",http_response_status_code="200"[^}]*\} 1/,
  );
});

test('beyond loopback it asks for keys as the main port does', async () => {
  const [reader, admin] = [keyWith(['read:*']), keyWith(['admin'])];
  const { adminApp } = await startWithAdmin([reader, admin], true);
  const status = async (url: string, key?: TestKey) =>
    (await adminApp.inject({ url, headers: { ...key?.headers } })).statusCode;
  expect([await status('/metrics'), await status('/metrics', reader), await status('/metrics', admin)]).toEqual([
    401, 403, 200,
  ]);
  expect([await status('/docs'), await status('/docs', reader)]).toEqual([401, 200]);
});

test('it closes with the app, and not before the last request is answered', async () => {
  const gate = Promise.withResolvers<void>();
  const { adminApp, app, store } = await startWithAdmin([], false);
  await app.listen({ host: '127.0.0.1', port: 0 });
  await adminApp.listen({ host: '127.0.0.1', port: 0 });
  const urlOf = (server: typeof app, path: string) =>
    `http://127.0.0.1:${(server.server.address() as AddressInfo).port}${path}`;
  const [readyz, metrics] = [urlOf(app, '/readyz'), urlOf(adminApp, '/metrics')];
  let asked = false;
  store.ping = async () => {
    asked = true;
    await gate.promise;
  };
  const inside = fetch(readyz);
  await expect.poll(() => asked).toBe(true);
  const closed = app.close();
  await expect.poll(() => app.server.listening).toBe(false);
  expect((await fetch(metrics)).status).toBe(200);
  gate.resolve();
  expect((await inside).status).toBe(200);
  await closed;
  await expect(fetch(metrics)).rejects.toThrow();
});
