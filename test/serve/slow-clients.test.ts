/** Clients that take their time, over real sockets: none of them may keep a connection, or others out, for longer than its bound. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import fastify from 'fastify';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { OPEN } from '../../src/serve/access/route-access.ts';
import { createAdminApp } from '../../src/serve/admin-app.ts';
import { SERVER_LIMITS, type ServerLimits, installServerLimits, serverOptions } from '../../src/serve/server-limits.ts';
import type { Store } from '../../src/store/store.ts';
import { type Harness, type HarnessOptions, compileDefinitions } from './harness.ts';
import { DEFINITIONS, NEWEST_MS, ROW, startAirport } from './vectors/fixture.ts';

const QUICK = { headersMs: 100, requestMs: 200, checkMs: 20 };
const PATH = '/v1/feature-services/departure_delay/vectors';
const HEAD = `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;

async function listening(
  limits: Partial<ServerLimits>,
  options: Partial<HarnessOptions> = {},
): Promise<Harness & { readonly port: number }> {
  const harness = await startAirport({ ...options, dependencies: { limits } });
  await harness.app.listen({ host: '127.0.0.1', port: 0 });
  return { ...harness, port: (harness.app.server.address() as AddressInfo).port };
}

const KEPT_MAX = 100_000;

interface Client {
  readonly socket: Socket;
  received(): string;
  /** What was received by the time the server hung up. */
  readonly closed: Promise<string>;
}

async function client(port: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (bytes) => (received = (received + bytes.toString()).slice(0, KEPT_MAX)));
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
  await once(socket, 'connect');
  return { socket, received: () => received, closed };
}

function whole(request: object): string {
  const body = JSON.stringify(request);
  return `${HEAD}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const REQUEST = { entities: [ROW], as_of: NEWEST_MS, features: ['wind_24h'] };

test.for([
  ['says nothing at all', '', ''],
  ['sends a header now and then', HEAD, 'x-more: 1\r\n'],
  ['sends a byte of the body now and then', `${HEAD}content-length: 1000\r\n\r\n{`, ' '],
])('a client that %s is told 408 and hung up on', async ([, first, more]) => {
  const { port } = await listening(QUICK);
  const { socket, closed } = await client(port);
  socket.write(first as string);
  const dripping = setInterval(() => socket.writable && socket.write(more as string), 30);
  onTestFinished(() => clearInterval(dripping));
  const received = await closed;
  expect(received).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(JSON.parse(received.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 408, code: 'request_timeout' });
});

test('those who send their bodies slowly keep nobody out', async () => {
  const { port, vectors } = await listening({}, { inflightMax: 2 });
  for (let slow = 0; slow < 5; slow++) {
    const { socket } = await client(port);
    socket.write(`${HEAD}content-length: 1000\r\n\r\n{`);
  }
  await delay(50);
  expect((await vectors('departure_delay', REQUEST)).status).toBe(200);
});

test('a client that hangs up gives its place back, whether its request was read, answered, or neither', async () => {
  const gate = Promise.withResolvers<void>();
  let reading = 0;
  const wrapStore = (store: Store): Store => ({
    ...store,
    async read(shard, sections) {
      reading++;
      await gate.promise;
      return store.read(shard, sections);
    },
  });
  const { port, vectors } = await listening({}, { inflightMax: 3, wrapStore });
  const impatient = await Promise.all([client(port), client(port), client(port)]);
  for (const { socket } of impatient) socket.write(whole(REQUEST));
  await expect.poll(() => reading).toBe(3);
  expect((await vectors('departure_delay', REQUEST)).json.code).toBe('overloaded');
  impatient[0]?.socket.destroy();
  impatient[1]?.socket.resetAndDestroy();
  impatient[2]?.socket.end();
  await Promise.all(impatient.map(({ closed }) => closed));
  gate.resolve();
  await expect.poll(async () => (await vectors('departure_delay', REQUEST)).status).toBe(200);
  const answers = await Promise.all([1, 2, 3].map(() => vectors('departure_delay', REQUEST)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
});

async function refused(
  { get }: { get(url: string): Promise<{ readonly text: string }> },
  reason: string,
): Promise<number> {
  const { text } = await get('/metrics');
  return Number(new RegExp(`skewless_requests_refused_total\\{reason="${reason}".*\\} (\\d+)`).exec(text)?.[1] ?? 0);
}

/** More than the system takes off a server's hands for a client that does not read. */
const LARGE = 'x'.repeat(32 * 1_048_576);

async function serveLarge(answerMs: number): Promise<{ readonly port: number; hungUp(): number }> {
  const limits = { ...SERVER_LIMITS, checkMs: 20, answerMs };
  const app = fastify(serverOptions(limits));
  onTestFinished(() => app.close());
  let hungUp = 0;
  installServerLimits(app, limits, (reason) => (hungUp += Number(reason === 'slow_reader')));
  app.get('/large', () => LARGE);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: (app.server.address() as AddressInfo).port, hungUp: () => hungUp };
}

const GET_LARGE = 'GET /large HTTP/1.1\r\nhost: x\r\n\r\n';

test('a client that does not take its answer is hung up on, and those who do, one answer after another, are not', async () => {
  const { port, hungUp } = await serveLarge(1_500);
  const [never, steady] = await Promise.all([client(port), client(port)]);
  never.socket.pause();
  never.socket.write(GET_LARGE);
  // In one go: there is always something left to take.
  for (let answer = 1; answer <= 20; answer++) steady.socket.write(GET_LARGE);
  await expect.poll(hungUp, { timeout: 20_000 }).toBe(1);
  // A paused socket hears of nothing: that it was closed shows once what had arrived is read.
  never.socket.resume();
  await never.closed;
  expect(never.socket.bytesRead).toBeLessThan(LARGE.length);
  await expect.poll(() => steady.socket.bytesRead, { timeout: 90_000 }).toBeGreaterThan(20 * LARGE.length);
  expect([hungUp(), steady.socket.closed]).toEqual([1, false]);
});

test('taking a little now and then does not keep an answer open', async () => {
  const { port, hungUp } = await serveLarge(300);
  const { socket } = await client(port);
  socket.removeAllListeners('data');
  socket.pause();
  socket.write(GET_LARGE);
  const sipping = setInterval(() => void socket.read(1_000), 20);
  onTestFinished(() => clearInterval(sipping));
  await expect.poll(hungUp, { timeout: 20_000 }).toBe(1);
});

test('more connections than allowed are hung up on, counted, and leave those that are open alone', async () => {
  const harness = await listening({ connectionsMax: 2 });
  const { port } = harness;
  const inside = [await client(port), await client(port)];
  const outside = await client(port);
  expect(await outside.closed).toBe('');
  for (const { socket } of inside) socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
  for (const { received } of inside) await expect.poll(received).toMatch(/^HTTP\/1\.1 200/);
  expect(await refused(harness, 'connections')).toBe(1);
});

test('the administration port has the bounds on connections and slow readers, too', async () => {
  const adminApp = await createAdminApp(pino({ level: 'silent' }), {
    definitions: compileDefinitions(DEFINITIONS),
    clock: systemClock,
    keys: null,
    rate: null,
  });
  adminApp.get('/large', { config: { access: OPEN } }, () => LARGE);
  await startAirport({ adminApp, dependencies: { limits: { connectionsMax: 1, answerMs: 300, checkMs: 20 } } });
  await adminApp.listen({ host: '127.0.0.1', port: 0 });
  const { port } = adminApp.server.address() as AddressInfo;
  const get = async (url: string) => ({ text: (await adminApp.inject(url)).body });
  const inside = await client(port);
  const outside = await client(port);
  expect(await outside.closed).toBe('');
  expect(await refused({ get }, 'connections')).toBe(1);
  inside.socket.pause();
  inside.socket.write(GET_LARGE);
  await expect.poll(() => refused({ get }, 'slow_reader'), { timeout: 20_000 }).toBe(1);
});

test('a body or headers beyond their bound are refused, with the bound', async () => {
  const { port, post } = await listening({ bodyBytesMax: 2_000, headerBytesMax: 1_000 });
  const body = await post(PATH, { entities: [{ ...ROW, more: 'x'.repeat(2_000) }] });
  expect([body.status, body.json.code]).toEqual([413, 'body_too_large']);
  const { socket, closed } = await client(port);
  socket.write(`GET /livez HTTP/1.1\r\nhost: x\r\nx-more: ${'y'.repeat(1_000)}\r\n\r\n`);
  expect(await closed).toMatch(/^HTTP\/1\.1 431 /);
});
