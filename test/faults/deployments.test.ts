import { expect, test } from 'vitest';
import type { Checkpoint } from '../../src/store/store.ts';
import { eventually } from './ask.ts';
import { describeWith } from '../services/available.ts';
import { MORE_VIEW } from './payments.ts';
import { useWorld } from './use-world.ts';
import type { World } from './world.ts';

/** How long both deployments run side by side under load; `DEPLOYMENTS_SECONDS` makes it longer. */
const SECONDS = Number(process.env['DEPLOYMENTS_SECONDS'] ?? 120);
/** An owner commits each second; one that is late by more than this has been starved. */
const HEARTBEAT_LATE_MS = 8_000;

describeWith(['kafka', 'redis'], 'a rolling change of definitions', () => {
  let world: World;
  useWorld((started) => ({ world } = started));

  const fingerprintOf = (name: string): string => name.split('/')[2] ?? '';
  const groupOf = ({ owner }: Checkpoint): string => owner.slice(owner.lastIndexOf('@') + 1);

  test(`two deployments share views for ${SECONDS} s, one is killed, the other rolled back: none starves, values are those of a clean replay`, {
    timeout: 600_000 + SECONDS * 1_000,
  }, async () => {
    const server = await world.start('serve');
    const before = await world.start('materialize');
    await world.produce(500);
    await world.caughtUp();
    const shared = await world.checkpoints();
    const oldGroups = new Set([...shared.values()].map(groupOf));
    // One for each topic that is read.
    expect(oldGroups.size).toBe(2);

    const after = await world.start('materialize', MORE_VIEW);
    await eventually('the new view is built', async () =>
      (await world.checkpoints()).size > shared.size ? true : null,
    );
    for (const endMs = Date.now() + SECONDS * 1_000; Date.now() < endMs; ) {
      await world.produce(60);
      await new Promise((resolve) => setTimeout(resolve, 500));
      for (const [name, checkpoint] of await world.checkpoints()) {
        const lane = `${name} of ${checkpoint.owner}`;
        expect(Date.now() - checkpoint.heartbeatMs, lane).toBeLessThan(HEARTBEAT_LATE_MS);
        const known = shared.get(name);
        if (known === undefined) continue;
        expect(checkpoint.epoch, lane).toBe(known.epoch);
        expect(checkpoint.owner).toBe(known.owner);
      }
    }
    await world.check(server);

    // The fault: the owner of what is shared is gone without a word.
    await before.kill();
    await world.produce(500);
    await eventually('the new deployment has all of it', async () => {
      const owners = [...(await world.checkpoints()).values()].map(groupOf);
      return owners.every((group) => !oldGroups.has(group)) ? true : null;
    });
    const takenOver = await world.checkpoints();
    for (const [name, { epoch }] of shared) expect(takenOver.get(name)?.epoch, name).toBe(epoch + 1);
    await world.check(server);

    // The rollback: the old definitions again, then the new ones leave in good order.
    const again = await world.start('materialize');
    await world.produce(300);
    await world.caughtUp();
    await after.stop();
    await world.produce(300);
    const isShared = new Set([...shared.keys()].map(fingerprintOf));
    await eventually('the old definitions have their views back', async () => {
      const owners = [...(await world.checkpoints())].filter(([name]) => isShared.has(fingerprintOf(name)));
      return owners.every(([, checkpoint]) => oldGroups.has(groupOf(checkpoint))) ? true : null;
    });
    // The view that nobody keeps any more stays where it was; the others have everything.
    await eventually('the old deployment has caught up', async () => {
      const [one, other] = [await world.checkpoints(), await world.ask(server.url)];
      return other.length > 0 &&
        [...one].every(
          ([name, { caughtUpAtMs }]) => !isShared.has(fingerprintOf(name)) || Date.now() - (caughtUpAtMs ?? 0) < 3_000,
        )
        ? true
        : null;
    });
    await world.checkValues(server);
    for (const each of [again, server]) await each.stop();
  });
});
