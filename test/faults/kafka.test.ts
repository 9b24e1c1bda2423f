import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { freePorts } from '../services/child.ts';
import { type KafkaProcess, type KafkaService, listenerBehind, startOwnKafka } from '../services/kafka.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { type TcpProxy, startTcpProxy } from '../services/tcp-proxy.ts';
import { eventually } from './ask.ts';
import { waitsFor } from './observe.ts';
import { type Process, type World, createWorld } from './world.ts';

/** An answer must come within this, whatever hangs: the server's own limit is far below. */
const ANSWER_MS = 30_000;

/** The processes reach Kafka through a proxy: one of its listeners says that it is there. The tests reach it directly. */
describeWith(['own-kafka', 'redis'], 'a Kafka that fails', () => {
  let kafka: KafkaService & { readonly process: KafkaProcess };
  let redis: RedisService;
  let proxy: TcpProxy;
  let world: World;
  let server: Process;
  let materializer: Process;
  let payments = 0;
  beforeAll(async () => {
    const [behind] = (await freePorts(1)) as [number];
    proxy = await startTcpProxy({ port: behind });
    [kafka, redis] = await Promise.all([startOwnKafka(listenerBehind(behind, proxy.port)), startRedis()]);
    const brokersOfProcesses = [`127.0.0.1:${proxy.port}`];
    world = await createWorld({ brokers: kafka.brokers, brokersOfProcesses, redisUrl: redis.url });
    [server, materializer] = await Promise.all([world.start('serve'), world.start('materialize')]);
    await world.produce(1_500);
    await world.caughtUp();
  });
  afterAll(async () => {
    await world.close();
    await proxy.close();
    await redis.stop();
    await kafka.stop();
  });

  /** A payment through the API, as a client without patience sends it. */
  async function pay(id = `api-${payments++}`): Promise<Response> {
    const event = { id, card: 'card-1', at: world.nowMs, amount: 1.25, merchant: 'm1' };
    return fetch(`${server.url}/v1/sources/payments/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events: [event] }),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  }

  /** What is answered while the log is away, and that it is taken once the log is back; the client need not know why. */
  async function expectRefused(): Promise<() => Promise<void>> {
    const id = `api-${payments++}`;
    const refused = await pay(id);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.json()).toMatchObject({ code: 'log_unavailable' });
    return async () => {
      await eventually('the same event is taken', async () => ((await pay(id)).status === 200 ? true : null));
    };
  }

  async function expectWaiting(): Promise<void> {
    await eventually('it is said that the log is waited for', async () =>
      (await waitsFor(materializer)) === 'log_unavailable' ? true : null,
    );
  }

  test('a broker that is killed and comes back: ingest says so meanwhile, the process lives on and nothing is lost', async () => {
    expect((await pay()).status).toBe(200);
    await world.produce(500);
    await kafka.process.kill();
    const tryAgain = await expectRefused();
    await expectWaiting();
    await kafka.process.restart();
    await tryAgain();
    await eventually('the topic takes records again', async () => {
      await world.produce(500);
      return true;
    });
    await world.check(server);
    expect(materializer.running()).toBe(true);
  });

  test('a broker that hangs and goes on: ingest is answered within its time, and nothing is lost', async () => {
    await world.produce(500);
    kafka.process.suspend();
    const tryAgain = await expectRefused();
    await expectWaiting();
    kafka.process.resume();
    await tryAgain();
    await world.produce(500);
    await world.check(server);
    expect(materializer.running()).toBe(true);
  });

  test('connections that hang, while the broker is well: what is appended meanwhile is folded when they go on', async () => {
    const before = await world.positions();
    proxy.stall();
    await world.produce(500);
    const tryAgain = await expectRefused();
    await expectWaiting();
    expect(await world.positions()).toBe(before);
    proxy.resume();
    await tryAgain();
    await world.produce(500);
    await world.check(server);
    expect(await world.positions()).toBeGreaterThan(before);
  });

  test('connections that hang and then break are made anew', async () => {
    proxy.stall();
    await world.produce(500);
    await expectWaiting();
    proxy.dropConnections();
    proxy.resume();
    await world.check(server);
    expect((await pay()).status).toBe(200);
    await world.check(server);
  });
});
