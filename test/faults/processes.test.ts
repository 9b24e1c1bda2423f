import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Random, randomFrom } from '../contract/random.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { type Process, type World, createWorld, eventually } from './world.ts';

const KILLS = 20;
/** Each is a join and, from the third on, a leave. */
const JOINS = 16;

describeWith(['kafka', 'redis'], 'processes that die', () => {
  let kafka: KafkaService;
  let redis: RedisService;
  let world: World;
  beforeAll(async () => {
    [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
    world = await createWorld({ brokers: kafka.brokers, redisUrl: redis.url });
  });
  afterAll(async () => {
    await world.close();
    await redis.stop();
    await kafka.stop();
  });

  /** Of all shards together. */
  const epochs = async (): Promise<number> =>
    [...(await world.checkpoints()).values()].reduce((sum, { epoch }) => sum + epoch, 0);

  /** At a random moment; another takes its place. */
  async function killOne(both: Process[], random: Random): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 100 + random.int(400)));
    const victim = random.int(both.length);
    await both[victim]?.kill();
    both[victim] = await world.start('materialize');
  }

  test(`one of two materializers killed ${KILLS} times during load: nothing is lost, nothing counts twice`, async () => {
    const random = randomFrom(1);
    const server = await world.start('serve');
    const both = [await world.start('materialize'), await world.start('materialize')];
    for (let kill = 0; kill < KILLS; kill++) {
      await Promise.all([world.produce(300), killOne(both, random)]);
    }
    await world.check(server);
    expect(await epochs()).toBeGreaterThan((await world.checkpoints()).size);
    for (const each of [...both, server]) await each.stop();
  });

  test('a process that pauses for longer than its session and goes on has no effect', async () => {
    const server = await world.start('serve');
    const zombie = await world.start('materialize');
    await world.produce(500);
    await world.caughtUp();
    const before = await epochs();
    zombie.signal('SIGSTOP');
    const heir = await world.start('materialize');
    await world.produce(2_000);
    await eventually('the heir has taken over', async () => ((await epochs()) > before ? true : null));
    zombie.signal('SIGCONT');
    await world.produce(1_000);
    await world.check(server);
    for (const each of [zombie, heir, server]) await each.stop();
  });

  test(`consumers that come and go, ${JOINS} times: no record is lost or counts twice`, async () => {
    const random = randomFrom(2);
    const server = await world.start('serve');
    let members: Process[] = [await world.start('materialize')];
    const before = await epochs();
    for (let join = 0; join < JOINS; join++) {
      const joining = world.start('materialize');
      await world.produce(200);
      members.push(await joining);
      if (members.length > 2) await members.splice(random.int(members.length), 1)[0]?.stop();
    }
    await world.check(server);
    expect(await epochs()).toBeGreaterThan(before);
    for (const each of [...members, server]) await each.stop();
    members = [];
  });
});
