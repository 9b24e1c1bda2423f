import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { type OwnRedis, startOwnRedis } from '../services/redis.ts';
import { type TcpProxy, startTcpProxy } from '../services/tcp-proxy.ts';
import { recordsOf } from './accounting.ts';
import { eventually, statusesOf } from './ask.ts';
import { refusals, sumOfSamples, waitsFor } from './observe.ts';
import { ROWS, SERVICE } from './payments.ts';
import { type Process, type World, createWorld } from './world.ts';

const buildsOf = async (world: World): Promise<string> =>
  [...(await world.checkpoints())]
    .map(([name, { buildStartedMs }]) => `${name} ${buildStartedMs}`)
    .toSorted()
    .join();

const recordsIn = async ({ log, topic }: World): Promise<number> => (await recordsOf(log, topic)).flat().length;

/** Records that came to a view which takes or rejects each, those counted that came again. */
async function seenBy(process: Process): Promise<number> {
  const view = 'card_life@1';
  const all = await sumOfSamples(process, 'skewless_records_total', { view });
  const late = await sumOfSamples(process, 'skewless_records_total', { view, outcome: 'late' });
  return all - late + (await sumOfSamples(process, 'skewless_records_rejected_total', { view }));
}

describeWith(['kafka', 'own-redis'], 'a Redis that fails', () => {
  let kafka: KafkaService;
  let redis: OwnRedis;
  let proxy: TcpProxy;
  let world: World;
  let server: Process;
  let materializer: Process;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());
  beforeEach(async () => {
    redis = await startOwnRedis();
    proxy = await startTcpProxy({ port: redis.port });
    world = await createWorld({ brokers: kafka.brokers, redisUrl: `redis://127.0.0.1:${proxy.port}` });
    [server, materializer] = await Promise.all([world.start('serve'), world.start('materialize')]);
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
    const seen = new Set<string>();
    await redis.kill();
    // It would be built again between two questions.
    materializer.signal('SIGSTOP');
    await redis.restart();
    await eventually('the fault is seen', async () => {
      for (const status of await statusesOf(server)) seen.add(status);
      return seen.has('REBUILDING') ? true : null;
    });
    materializer.signal('SIGCONT');
    await eventually('built again', async () => {
      for (const status of await statusesOf(server)) seen.add(status);
      const now = await buildsOf(world);
      return now !== before && now.length === before.length && !(await statusesOf(server)).includes('REBUILDING')
        ? now
        : null;
    });
    expect(seen).not.toContain('NOT_FOUND');
    await world.check(server);
  });

  test('that fell back to an older snapshot gets what it lost from the log', async () => {
    await redis.snapshot();
    const older = await world.positions();
    await world.produce(1_500);
    await world.caughtUp();
    const newer = await world.positions();
    expect(await seenBy(materializer)).toBe(await recordsIn(world));
    const refused = await refusals(materializer);
    const producing = world.produce(1_500);
    proxy.stall();
    await redis.restoreSnapshot();
    // The fault, asked past the proxy, before anybody can mend it: the suffix is gone.
    expect(newer).toBeGreaterThan(older);
    expect(await world.positions(redis.url)).toBe(older);
    proxy.dropConnections();
    proxy.resume();
    await producing;
    await world.check(server);
    expect(await world.positions()).toBeGreaterThan(newer);
    // It was noticed, and records were delivered again.
    expect(await refusals(materializer)).toBeGreaterThan(refused);
    expect(await seenBy(materializer)).toBeGreaterThan(await recordsIn(world));
  });

  test('that hangs instead of failing is waited for, and reads fail within their time', async () => {
    const before = await world.positions();
    proxy.stall();
    await world.produce(1_000);
    const response = await fetch(`${server.url}/v1/feature-services/${SERVICE}/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ entities: ROWS.slice(0, 1) }),
      signal: AbortSignal.timeout(20_000),
    });
    expect(response.status).toBe(503);
    await eventually('the store is waited for', async () =>
      (await waitsFor(materializer)) === 'store_unavailable' ? true : null,
    );
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect(await world.positions(redis.url)).toBe(before);
    proxy.resume();
    await world.check(server);
  });

  test('whose memory is full is waited for, and goes on when it has more', async () => {
    const epochs = await world.epochs();
    await redis.command('config', 'set', 'maxmemory', '1mb');
    await world.produce(1_000);
    await eventually('the full store is waited for', async () =>
      (await waitsFor(materializer)) === 'store_full' ? true : null,
    );
    const before = await world.positions();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await world.positions()).toBe(before);
    await redis.command('config', 'set', 'maxmemory', '0');
    await world.check(server);
    expect(await world.positions()).toBeGreaterThan(before);
    expect(await world.epochs()).toBe(epochs);
  });
});
