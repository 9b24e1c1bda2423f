import { expect, test } from 'vitest';
import { type Random, randomFrom } from '../contract/random.ts';
import { describeWith } from '../services/available.ts';
import { eventually } from './ask.ts';
import { refusals } from './observe.ts';
import { useWorld } from './use-world.ts';
import type { Process, World } from './world.ts';

const KILLS = 20;
/** Of the load around a kill, in so many portions. */
const PORTIONS = 6;
const PORTION_RECORDS = 50;
const PORTION_MS = 250;

describeWith(['kafka', 'redis'], 'processes that die', () => {
  let world: World;
  useWorld((started) => ({ world } = started));

  async function load(): Promise<void> {
    for (let portion = 0; portion < PORTIONS; portion++) {
      await world.produce(PORTION_RECORDS);
      await new Promise((resolve) => setTimeout(resolve, PORTION_MS));
    }
  }

  /** Checkpoints that the process wrote last, and their epochs. */
  async function ownedBy({ pid }: Process): Promise<ReadonlyMap<string, number>> {
    const owned = [...(await world.checkpoints())].filter(([, { owner }]) => owner.split('/')[1] === String(pid));
    return new Map(owned.map(([name, { epoch }]) => [name, epoch]));
  }

  /** Kills one that owns shards, at a random moment of the load; another takes its place. Answers what it owned. */
  async function killOne(both: Process[], random: Random): Promise<ReadonlyMap<string, number>> {
    await new Promise((resolve) => setTimeout(resolve, random.int(PORTIONS * PORTION_MS)));
    const index = random.int(both.length);
    const victim = both[index] as Process;
    await victim.kill();
    const owned = await ownedBy(victim);
    both[index] = await world.start('materialize');
    return owned;
  }

  /** The shards are others' now, in later epochs. */
  async function areTakenOver(owned: ReadonlyMap<string, number>): Promise<true> {
    const now = await world.checkpoints();
    const left = [...owned].filter(([name, epoch]) => (now.get(name)?.epoch ?? 0) <= epoch);
    if (left.length === 0) return true;
    throw new Error(`still as they were: ${left.map(([name]) => name).join(', ')}`);
  }

  const haveWork = async (all: readonly Process[]): Promise<true | null> =>
    (await Promise.all(all.map(ownedBy))).every(({ size }) => size > 0) ? true : null;

  test(`one of two materializers killed ${KILLS} times during load: nothing is lost, nothing counts twice`, {
    timeout: 900_000,
  }, async () => {
    const random = randomFrom(1);
    const server = await world.start('serve');
    const both = await Promise.all([world.start('materialize'), world.start('materialize')]);
    for (let kill = 0; kill < KILLS; kill++) {
      await eventually('both own something', () => haveWork(both));
      const [owned] = await Promise.all([killOne(both, random), load()]);
      expect(owned.size, `the victim of kill ${kill} owned nothing`).toBeGreaterThan(0);
      // The fault.
      await eventually('what it owned is taken over', () => areTakenOver(owned));
    }
    await world.check(server);
    for (const each of [...both, server]) await each.stop();
  });

  test('a process that pauses for longer than its session and goes on has no effect', async () => {
    const server = await world.start('serve');
    const zombie = await world.start('materialize');
    await world.produce(500);
    await world.caughtUp();
    const owned = await ownedBy(zombie);
    expect(owned.size).toBe((await world.checkpoints()).size);
    expect(await refusals(zombie)).toBe(0);
    zombie.signal('SIGSTOP');
    const heir = await world.start('materialize');
    await world.produce(2_000);
    await eventually('the heir has taken over', () => areTakenOver(owned));
    zombie.signal('SIGCONT');
    await world.produce(1_000);
    // The fault: it went on as if it still owned them, and the store refused that.
    await eventually('the zombie is refused', async () => ((await refusals(zombie)) > 0 ? true : null));
    await world.check(server);
    expect(zombie.running()).toBe(true);
    for (const each of [zombie, heir, server]) await each.stop();
  });
});
