/**
 * No line of the log names an entity, whatever goes wrong. Entities here have a name that nothing else has; each test
 * makes sure that its fault struck, and was logged or answered, before it looks.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeDefinitions } from '../cli/definitions.ts';
import { type Running, start, temporaryFolder } from '../cli/run.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { encodePositionToken } from '../../src/serve/position-token.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { describeWith } from '../services/available.ts';
import { startOwnRedis } from '../services/redis.ts';

const ENTITY = 'zzyzx-entity-4711';
const AS_OF = '2024-01-01T00:30:00Z';
const EVENT = { customer: ENTITY, at: '2024-01-01T00:10:00Z', amount: 1 };

const post = (url: string, body: string): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

const ingest = ({ url }: Running, events: readonly object[]): Promise<Response> =>
  post(`${url}/v1/sources/orders/events`, JSON.stringify({ events }));

async function positionOf(response: Response): Promise<string> {
  return ((await response.json()) as { position: string }).position;
}

function vectors({ url }: Running, more: object = {}): Promise<Response> {
  const body = { entities: [{ customer: ENTITY }], as_of: AS_OF, include: ['status', 'receipt', 'explain'], ...more };
  return post(`${url}/v1/feature-services/scoring/vectors`, JSON.stringify(body));
}

/** All that a user may get wrong with an entity's name in it. */
async function misuse(server: Running): Promise<void> {
  const service = `${server.url}/v1/feature-services/scoring/vectors`;
  const statuses = [
    await fetch(`${service}?customer=${ENTITY}&nothing=${ENTITY}`),
    await fetch(`${service}?customer=${ENTITY}&as_of=${ENTITY}`),
    await fetch(`${server.url}/v1/feature-services/${ENTITY}/vectors?customer=${ENTITY}`),
    await fetch(`${server.url}/${ENTITY}?customer=${ENTITY}`),
    await fetch(`${server.url}/%E0${ENTITY}`),
    await post(service, `{"entities":[{"customer":"${ENTITY}"`),
    await post(service, JSON.stringify({ entities: [{ customer: [ENTITY] }], [ENTITY]: ENTITY })),
    await vectors(server, { after: ENTITY }),
    await ingest(server, [{ ...EVENT, at: ENTITY }, { ...EVENT, amount: ENTITY }, { [ENTITY]: ENTITY }]),
  ].map(({ status }) => status);
  expect(statuses).toEqual([400, 400, 404, 404, 400, 400, 400, 400, 200]);
}

test('neither what is asked, nor what is wrong with it, nor what is damaged or given up names an entity', async () => {
  const directory = temporaryFolder();
  const where = ['--log', 'sqlite:log.sqlite', '--store', 'sqlite:store.sqlite'];
  const server = await start(
    // Read anew for each request, so that damage shows.
    ['--definitions', writeDefinitions(directory), '--log-level', 'trace', '--staleness', '0', ...where],
    directory,
  );
  const position = await positionOf(await ingest(server, [EVENT]));
  expect((await vectors(server, { after: position, budget_ms: 30_000 })).status).toBe(200);
  await misuse(server);
  await appendUnchecked(join(directory, 'log.sqlite'), { ...EVENT, at: ENTITY });
  await expect.poll(() => metric(server, /^skewless_dead_letters_total\{source="orders"\} (\d+)$/m)).toBe(1);
  const never = encodePositionToken(new Map([['orders', { 0: 1_000_000 }]]));
  expect(await statusesOf(await vectors(server, { after: never, budget_ms: 20 }))).toEqual(['TIMED_OUT', 'TIMED_OUT']);
  damageStates(join(directory, 'store.sqlite'));
  expect(await statusesOf(await vectors(server))).toEqual(['ERROR', 'ERROR']);
  const { stderr } = await server.stop();
  expect(stderr).toContain('corrupt state');
  expect(stderr).not.toContain(ENTITY);
});

describeWith(['own-redis'], 'a Redis that refuses, then is gone', () => {
  test('is told of without the command that it did not do', async () => {
    const redis = await startOwnRedis();
    const directory = temporaryFolder();
    const common = ['--definitions', writeDefinitions(directory), '--log-level', 'trace', '--log', 'sqlite:log.sqlite'];
    const server = await start([...common, '--store', `redis://127.0.0.1:${redis.port}`], directory);
    const position = await positionOf(await ingest(server, [EVENT]));
    expect((await vectors(server, { after: position, budget_ms: 30_000 })).status).toBe(200);
    await redis.stop();
    await ingest(server, [EVENT]);
    // Once what is cached is older than the bound.
    await expect.poll(async () => (await vectors(server)).status, { timeout: 10_000 }).toBe(503);
    await expect.poll(() => metric(server, /^skewless_source_waiting\{.*\} (\d)$/m)).toBe(1);
    const { stderr } = await server.stop();
    expect(stderr).toContain('a shard cannot be read');
    expect(stderr).not.toContain(ENTITY);
  });
});

test('of an error the log has what it says, to the end of its causes, and none of its properties', () => {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(line) });
  const command = Object.assign(new Error('READONLY'), { command: { name: 'set', args: [ENTITY] }, code: 'E1' });
  logger.error({ err: new Error('the store failed', { cause: command }) }, 'a request failed');
  logger.error({ err: ENTITY.length }, 'not an error');
  const [first = '', second = ''] = lines;
  const { err } = JSON.parse(first) as { err: { message: string; cause: object } };
  expect([err.message, err.cause]).toEqual([
    'the store failed',
    { type: 'Error', code: 'E1', message: 'READONLY', stack: expect.any(String) as string },
  ]);
  expect(JSON.parse(second)).toMatchObject({ err: { type: 'number', message: String(ENTITY.length) } });
  expect(lines.join('')).not.toContain(ENTITY);
});

/** As a producer does that checks nothing: no view can take the record. */
async function appendUnchecked(file: string, event: object): Promise<void> {
  const log = await openSqliteLog({ file, clock: systemClock });
  await log.append('orders', [
    { key: Buffer.from(ENTITY), value: Buffer.from(JSON.stringify(event)), timestampMs: null },
  ]);
  await log.close();
}

function damageStates(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('UPDATE heads SET bytes = zeroblob(length(bytes)); UPDATE states SET tail = zeroblob(length(tail))');
  database.close();
}

async function statusesOf(response: Response): Promise<readonly string[] | undefined> {
  const { vectors: rows } = (await response.json()) as { vectors: readonly { status: readonly string[] }[] };
  return rows[0]?.status;
}

async function metric({ url }: Running, pattern: RegExp): Promise<number | null> {
  const found = pattern.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
  return found === undefined ? null : Number(found);
}
