import { spawnSync } from 'node:child_process';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { freePorts } from '../services/child.ts';
import { type KafkaProxy, startKafkaProxy } from '../services/kafka-proxy.ts';
import { type KafkaService, listenerBehind, startOwnKafka } from '../services/kafka.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { recordsOf } from './accounting.ts';
import { eventually } from './ask.ts';
import { lanesOf } from './observe.ts';
import { type Process, type World, createWorld } from './world.ts';

/** In the transactional ids of movers, and of nobody else. */
const MOVERS = '.movers/';
const KILLS = 3;

describeWith(['own-kafka', 'redis', 'kcat'], 'movers of a repartitioned source', () => {
  let kafka: KafkaService;
  let redis: RedisService;
  let proxy: KafkaProxy;
  let world: World;
  let server: Process;
  let mover: Process;
  let internalTopic: string;
  beforeAll(async () => {
    const [behind] = (await freePorts(1)) as [number];
    proxy = await startKafkaProxy({ port: behind });
    [kafka, redis] = await Promise.all([startOwnKafka(listenerBehind(behind, proxy.port)), startRedis()]);
    const brokersOfProcesses = [`127.0.0.1:${proxy.port}`];
    world = await createWorld({ brokers: kafka.brokers, brokersOfProcesses, redisUrl: redis.url });
    [server, mover] = await Promise.all([world.start('serve'), world.start('materialize')]);
    await world.produce(1_000);
    await world.caughtUp();
    internalTopic = await nameOfInternalTopic();
  });
  afterAll(async () => {
    await world.close();
    await proxy.close();
    await redis.stop();
    await kafka.stop();
  });

  async function nameOfInternalTopic(): Promise<string> {
    const admin = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    const topics = (await admin.listTopics()).filter((topic) => topic.endsWith('.repartition'));
    await admin.disconnect();
    expect(topics).toHaveLength(1);
    return topics[0] as string;
  }

  /** Records that a reader of what is not committed sees, and nobody else: of transactions that are open, or were undone. */
  async function uncommitted(): Promise<number> {
    const args = [
      '-b',
      kafka.brokers.join(),
      '-C',
      '-e',
      '-q',
      '-o',
      'beginning',
      '-f',
      '%p/%o\n',
      '-t',
      internalTopic,
    ];
    const read = spawnSync('kcat', [...args, '-X', 'isolation.level=read_uncommitted'], { encoding: 'utf8' });
    expect(read.status, read.stderr).toBe(0);
    const all = read.stdout.split('\n').filter((line) => line !== '').length;
    return all - (await recordsOf(world.log, internalTopic)).flat().length;
  }

  /** Until a transaction has its records written, and is not committed; answers how many hang so. */
  async function inMidTransaction(before: number): Promise<number> {
    const held = proxy.holdEnd(MOVERS);
    await world.produce(300);
    await held;
    const open = (await uncommitted()) - before;
    expect(open).toBeGreaterThan(0);
    return open;
  }

  test(`one that is killed in the middle of a transaction, ${KILLS} times: what it wrote is undone, and moved by the next`, {
    timeout: 300_000,
  }, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const before = await uncommitted();
      await inMidTransaction(before);
      await mover.kill();
      proxy.drop();
      mover = await world.start('materialize');
      await world.produce(100);
      await world.caughtUp();
      // The fault: nothing is open any more, and what was written is there, and delivered to nobody.
      expect(await uncommitted()).toBeGreaterThan(before);
    }
    await world.check(server);
  });

  test('one that pauses in the middle of a transaction until another has its partitions: what it says then is refused', {
    timeout: 300_000,
  }, async () => {
    const before = await uncommitted();
    await inMidTransaction(before);
    mover.signal('SIGSTOP');
    const heir = await world.start('materialize');
    await eventually('the heir has all lanes', async () =>
      (await lanesOf(heir)).length === (await world.checkpoints()).size ? true : null,
    );
    await world.caughtUp();
    const undone = (await uncommitted()) - before;
    // What it was about to commit reaches the broker now, before it knows anything.
    proxy.release();
    mover.signal('SIGCONT');
    await world.produce(500);
    await world.check(server);
    expect(undone).toBeGreaterThan(0);
    expect(await uncommitted()).toBeGreaterThanOrEqual(before + undone);
    expect(mover.running()).toBe(true);
    for (const each of [mover, heir, server]) await each.stop();
  });
});
