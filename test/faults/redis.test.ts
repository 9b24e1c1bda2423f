import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { type OwnRedis, startOwnRedis } from '../services/redis.ts';
import { type TcpProxy, startTcpProxy } from '../services/tcp-proxy.ts';
import { ROWS, SERVICE } from './payments.ts';
import { type Process, type World, createWorld, eventually } from './world.ts';

const positionsOf = async (world: World): Promise<number> =>
  [...(await world.checkpoints()).values()].reduce(
    (sum, { position }) => sum + Object.values(position).reduce((total, next) => total + next, 0),
    0,
  );

const epochsOf = async (world: World): Promise<number> =>
  [...(await world.checkpoints()).values()].reduce((sum, { epoch }) => sum + epoch, 0);

const buildsOf = async (world: World): Promise<string> =>
  [...(await world.checkpoints())]
    .map(([name, { buildStartedMs }]) => `${name} ${buildStartedMs}`)
    .toSorted()
    .join();

/** Statuses of all cards' values, as they are now. */
async function statusesOf({ url }: Process): Promise<readonly string[]> {
  const response = await fetch(`${url}/v1/feature-services/${SERVICE}/vectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ entities: ROWS, include: ['status'] }),
  });
  if (!response.ok) return [`${response.status}`];
  const { vectors } = (await response.json()) as { vectors: { status: string[] }[] };
  return [...new Set(vectors.flatMap(({ status }) => status))];
}

describeWith(['kafka', 'own-redis'], 'a Redis that fails', () => {
  let kafka: KafkaService;
  let redis: OwnRedis;
  let proxy: TcpProxy;
  let world: World;
  let server: Process;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());
  beforeEach(async () => {
    redis = await startOwnRedis();
    proxy = await startTcpProxy({ port: redis.port });
    world = await createWorld({ brokers: kafka.brokers, redisUrl: `redis://127.0.0.1:${proxy.port}` });
    server = await world.start('serve');
    await world.start('materialize');
    await world.produce(1_500);
    await world.caughtUp();
  });
  afterEach(async () => {
    await world.close();
    await proxy.close();
    await redis.stop();
  });

  test('that comes back empty under load is built again from the log', async () => {
    const before = await buildsOf(world);
    const producing = world.produce(3_000);
    await redis.kill();
    await redis.restart();
    await producing;
    await world.caughtUp();
    expect(await buildsOf(world)).not.toBe(before);
    await world.check(server);
  });

  test('that comes back empty on a quiet topic is built again; meanwhile nothing is said not to be there', async () => {
    const before = await buildsOf(world);
    await redis.kill();
    await redis.restart();
    const seen = new Set<string>();
    await eventually('built again', async () => {
      for (const status of await statusesOf(server)) seen.add(status);
      const now = await buildsOf(world);
      return now !== before && now.length === before.length && !(await statusesOf(server)).includes('REBUILDING')
        ? now
        : null;
    });
    expect(seen).not.toContain('NOT_FOUND');
    expect(seen).toContain('REBUILDING');
    await world.check(server);
  });

  test('that fell back to an older snapshot gets what it lost from the log', async () => {
    await redis.snapshot();
    const older = await positionsOf(world);
    await world.produce(1_500);
    await world.caughtUp();
    const newer = await positionsOf(world);
    const producing = world.produce(1_500);
    proxy.stall();
    await redis.restoreSnapshot();
    // Asked past the proxy, before anybody can mend it.
    const [fallen] = (await redis.command('keys', '*c:*')) as string[];
    expect(fallen).toBeDefined();
    proxy.dropConnections();
    proxy.resume();
    await producing;
    expect(newer).toBeGreaterThan(older);
    await world.check(server);
    expect(await positionsOf(world)).toBeGreaterThan(newer);
  });

  test('that hangs instead of failing is waited for, and reads fail within their time', async () => {
    proxy.stall();
    const startedMs = Date.now();
    await world.produce(1_000);
    const response = await fetch(`${server.url}/v1/feature-services/${SERVICE}/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ entities: ROWS.slice(0, 1) }),
      signal: AbortSignal.timeout(20_000),
    });
    expect(response.status).toBe(503);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 6_000 - (Date.now() - startedMs))));
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    proxy.resume();
    await world.check(server);
  });

  test('whose memory is full is waited for, and goes on when it has more', async () => {
    const epochs = await epochsOf(world);
    await redis.command('config', 'set', 'maxmemory', '1mb');
    await world.produce(1_000);
    const before = await positionsOf(world);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await positionsOf(world)).toBe(before);
    await redis.command('config', 'set', 'maxmemory', '0');
    await world.check(server);
    expect(await positionsOf(world)).toBeGreaterThan(before);
    expect(await epochsOf(world)).toBe(epochs);
  });
});
