import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { type RedisCluster, startRedisCluster } from '../services/redis-cluster.ts';
import { refusals } from './observe.ts';
import { type Process, type World, createWorld } from './world.ts';

describeWith(['kafka', 'own-redis'], 'a Redis Cluster that fails', () => {
  let kafka: KafkaService;
  let cluster: RedisCluster;
  let world: World;
  let server: Process;
  let materializer: Process;
  /** One that a shard's states and checkpoint share the slot of. */
  let key: string;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());
  beforeEach(async () => {
    cluster = await startRedisCluster();
    world = await createWorld({ brokers: kafka.brokers, redisUrl: cluster.url });
    [server, materializer] = await Promise.all([world.start('serve'), world.start('materialize')]);
    await world.produce(1_500);
    await world.caughtUp();
    [key] = (await cluster.onPrimaries('keys', '*c:*')).flat() as [string];
  });
  afterEach(async () => {
    await world.close();
    await cluster.stop();
  });

  test('goes on with the replica of a primary that is killed under load', async () => {
    const before = await cluster.primaryOf(key);
    const producing = world.produce(4_000);
    expect(await cluster.failOver(key)).toBe(before);
    await producing;
    expect(await cluster.primaryOf(key)).not.toBe(before);
    await world.check(server);
  });

  test('whose promoted replica missed the latest commits gets them from the log, though the topic is quiet', async () => {
    const before = await cluster.primaryOf(key);
    const replica = await cluster.replicaOf(before);
    replica.suspend();
    // What is on its way to a suspended process is still read when it wakes: the connection must go, too.
    await before.command('client', 'kill', 'type', 'replica');
    await world.produce(1_500);
    await world.caughtUp();
    const newer = await world.positions();
    const refused = await refusals(materializer);
    materializer.signal('SIGSTOP');
    await before.kill();
    replica.resume();
    await cluster.waitForPromotion();
    expect(await cluster.primaryOf(key)).toBe(replica);
    expect(await world.positions()).toBeLessThan(newer);
    materializer.signal('SIGCONT');
    await world.check(server);
    expect(await world.positions()).toBe(newer);
    // It had believed to be further on.
    expect(await refusals(materializer)).toBeGreaterThan(refused);
  });

  test('takes no writes from a primary that hung until its replica was promoted', async () => {
    const before = await cluster.primaryOf(key);
    const producing = world.produce(4_000);
    before.suspend();
    await cluster.waitForPromotion();
    expect(await cluster.primaryOf(key)).not.toBe(before);
    before.resume();
    await producing;
    await world.check(server);
  });
});
