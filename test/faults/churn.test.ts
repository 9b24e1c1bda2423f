import { expect, test } from 'vitest';
import { randomFrom } from '../contract/random.ts';
import { describeWith } from '../services/available.ts';
import { useWorld } from './use-world.ts';
import type { Process, World } from './world.ts';

/** One each second, a minute long: joins and leaves take turns. A slow machine takes longer, and does not less. */
const CHANGES = 60;
const CHANGE_MS = 1_000;
/** Processes that have begun and not yet joined: to start takes a second of CPU or more, so starts overlap. */
const STARTING_MAX = 3;
/** Of the processes that came, so many must have owned something, or the group was never shared out. */
const OWNERS_MIN = 5;

describeWith(['kafka', 'redis'], 'a group without rest', () => {
  let world: World;
  useWorld((started) => ({ world } = started));

  test('consumers that join and leave every second for a minute: no record is lost or counts twice', {
    timeout: 600_000,
  }, async () => {
    const random = randomFrom(2);
    const server = await world.start('serve');
    const members: Process[] = [await world.start('materialize')];
    const starting = new Set<Promise<unknown>>();
    const leaving: Promise<void>[] = [];
    const owners = new Set<string>();
    const before = await world.epochs();

    function join(): void {
      const joined = world.start('materialize').then((member) => members.push(member));
      starting.add(joined);
      void joined.finally(() => starting.delete(joined));
    }

    async function leave(): Promise<void> {
      // One stays, so that there is always somebody to share with.
      while (members.length < 2) await Promise.race(starting);
      const [member] = members.splice(random.int(members.length), 1);
      leaving.push((member as Process).stop());
    }

    for (let change = 0; change < CHANGES; change++) {
      const second = new Promise((resolve) => setTimeout(resolve, CHANGE_MS));
      while (starting.size >= STARTING_MAX) await Promise.race(starting);
      if (change % 2 === 0) join();
      else await leave();
      await world.produce(80);
      for (const { owner } of (await world.checkpoints()).values()) owners.add(owner.split('@')[0] ?? '');
      await second;
    }
    await Promise.all([...starting, ...leaving]);
    owners.delete('');
    // The fault: shards went from hand to hand.
    expect(owners.size).toBeGreaterThanOrEqual(OWNERS_MIN);
    expect(await world.epochs()).toBeGreaterThan(before + owners.size);
    await world.check(server);
    for (const each of [...members, server]) await each.stop();
  });
});
