/** Who writes a lane, and what lanes that are far apart, or belong to several deployments, make of one log. */
import { afterEach, expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import type { MaterializeBounds } from '../../src/materialize/bounds.ts';
import { createMaterializer, type Materializer } from '../../src/materialize/materializer.ts';
import {
  applied,
  definitionsOf,
  eventsOf,
  laneOf,
  NOW_MS,
  type Setting,
  settingOf,
  until,
  viewStatus,
} from './support.ts';

const running: Materializer[] = [];

/** `definitions`: of another deployment over the same log and store. */
async function started(
  setting: Setting,
  owner = 'one',
  bounds: Partial<MaterializeBounds> = {},
  definitions: Definitions = setting.definitions,
): Promise<Materializer> {
  const { log, store, clock } = setting;
  const materializer = createMaterializer({
    definitions,
    aggregations: AGGREGATIONS,
    log,
    store,
    clock,
    namespace: 'test',
    owner,
    bounds: { retryFirstMs: 1, retryLastMs: 5, ...bounds },
  });
  running.push(materializer);
  await materializer.start();
  return materializer;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((materializer) => materializer.stop()));
});

/** A few more views of the same shard, so that several deployments share `v`. */
const viewOf = (name: string, agg: string): string =>
  `  - { name: ${name}, entity: e, source: s, features: [{ name: ${name}_x, agg: ${agg}, of: x }] }`;

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

test('a view that is built does not hold back one that is live: they take turns at the log', async () => {
  const setting = settingOf(definitionsOf({ views: viewOf('w', 'max') }));
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', eventsOf(2_000));
  const first = await started(setting, 'one', {}, definitionsOf());
  await applied(first, 2_000);
  await first.stop();
  await setting.log.append('s', eventsOf(5));
  let builtBefore = -1;
  setting.store.faults = {
    afterCommit() {
      setting.clock.timeMs += 5;
      if (builtBefore < 0 && setting.checkpoint('v')?.position[0] === 2_005) {
        builtBefore = setting.checkpoint('w')?.position[0] ?? 0;
      }
    },
  };
  const bounds = { nearOffsets: 50, turnMs: 20, batchRecordsMax: 25, flushRecordsMax: 25 };
  const second = await started(setting, 'two', bounds);
  await applied(second, 2_005, 'v@1');
  await applied(second, 2_005, 'w@1');
  expect(builtBefore).toBeGreaterThanOrEqual(0);
  expect(builtBefore).toBeLessThan(1_000);
  expect(viewStatus(second, 'v@1')?.counters.folded).toBe(5);
  expect(viewStatus(second, 'w@1')?.counters.folded).toBe(2_005);
});

test('a lane given up in good order is claimed within a look, not when its heartbeat is old', async () => {
  const setting = settingOf(definitionsOf());
  const first = await started(setting);
  await setting.log.append('s', eventsOf(3));
  await applied(first, 3);
  await first.stop();
  setting.put('v', { owner: 'stranger@elsewhere', heartbeatMs: NOW_MS });
  const second = await started(setting, 'two');
  await until('standby', () => laneOf(second)?.state === 'standby');
  setting.put('v', { owner: '' });
  await setting.log.append('s', eventsOf(2));
  setting.clock.timeMs += 2_000;
  await applied(second, 5);
});

test('a store that went back to another owner, before our epoch, is replayed at once and not waited for', async () => {
  const setting = settingOf(definitionsOf());
  const first = await started(setting);
  await setting.log.append('s', eventsOf(3));
  await applied(first, 3);
  await first.stop();
  setting.put('v', { owner: 'stranger@elsewhere' });
  const snapshot = setting.store.lanes;
  setting.clock.timeMs += 20_000;
  const second = await started(setting, 'two');
  await setting.log.append('s', eventsOf(3));
  await applied(second, 6);
  const { epoch } = setting.checkpoint() ?? { epoch: 0 };
  setting.store.lanes = snapshot;
  setting.put('v', { heartbeatMs: setting.clock.timeMs });
  // Nothing is appended: the next heartbeat finds out.
  setting.clock.timeMs += 1_000;
  await until('the suffix is back', () => setting.checkpoint()?.position[0] === 6);
  expect(setting.checkpoint()?.owner).toMatch(/^two@/);
  expect(setting.checkpoint()?.epoch).toBeGreaterThanOrEqual(epoch);
});

test('a store that was emptied under a quiet topic is filled again by the next heartbeat, in the same epoch or a later', async () => {
  const setting = settingOf(definitionsOf({ views: viewOf('w', 'max') }));
  const materializer = await started(setting);
  await setting.log.append('s', eventsOf(6));
  await applied(materializer, 6);
  const states = setting.states();
  setting.store.lanes = new Map();
  setting.clock.timeMs += 1_000;
  await until('both views are back', () => ['v', 'w'].every((view) => setting.checkpoint(view)?.position[0] === 6));
  expect(setting.states()).toEqual(states);
  expect(setting.checkpoint()?.epoch).toBeGreaterThanOrEqual(1);
});

test('two deployments share a view: one owns it, neither starves, and each goes on with its own', async () => {
  const setting = settingOf(definitionsOf({ views: `${viewOf('w', 'max')}\n${viewOf('z', 'min')}` }));
  const one = await started(setting, 'one', {}, definitionsOf({ views: viewOf('w', 'max') }));
  await setting.log.append('s', eventsOf(30));
  await applied(one, 30);
  const two = await started(setting, 'two', {}, definitionsOf({ views: viewOf('z', 'min') }));
  await applied(two, 30, 'z@1');
  const epochs = new Set<number>();
  let position = 30;
  for (let step = 0; step < 60; step++) {
    await setting.log.append('s', eventsOf(2));
    position += 2;
    setting.clock.timeMs += 500;
    await applied(one, position);
    await applied(one, position, 'w@1');
    await applied(two, position, 'z@1');
    epochs.add(setting.checkpoint()?.epoch ?? 0);
    expect(laneOf(two)?.state).toBe('standby');
  }
  expect([...epochs]).toEqual([1]);
  // What each process folded, it folded once: nobody reads again for a lane that it does not own.
  expect(viewStatus(two, 'z@1')?.counters.folded).toBe(position);
  await one.stop();
  setting.clock.timeMs += 2_000;
  await until('two to own it', () => setting.checkpoint()?.owner.startsWith('two@') === true);
  const back = await started(setting, 'back', {}, definitionsOf({ views: viewOf('w', 'max') }));
  await setting.log.append('s', eventsOf(2));
  await applied(back, position + 2, 'w@1');
  await applied(two, position + 2);
  expect(laneOf(back)?.state).toBe('standby');
  expect(setting.checkpoint()?.epoch).toBe(2);
});

test('a deployment whose fellow died takes over after the heartbeat is too old, and a batch has confirmed it is alive', async () => {
  const setting = settingOf(definitionsOf());
  const first = await started(setting);
  await setting.log.append('s', eventsOf(3));
  await applied(first, 3);
  await first.stop();
  setting.put('v', { owner: 'stranger@elsewhere', epoch: 5 });
  const second = await started(setting, 'two');
  await until('standby', () => laneOf(second)?.state === 'standby');
  const { read } = setting.store;
  let looks = 0;
  setting.store.read = (shard, sections) => {
    looks++;
    return read(shard, sections);
  };
  setting.clock.timeMs += 10_001;
  await setting.log.append('s', eventsOf(1));
  await applied(second, 4);
  expect(looks).toBeGreaterThanOrEqual(2);
  expect(setting.checkpoint()?.epoch).toBe(6);
});

test('a topic that grows under a running deployment stops it: entities are in other partitions now', async () => {
  const setting = settingOf(definitionsOf());
  const materializer = await started(setting);
  await setting.log.append('s', eventsOf(3));
  await applied(materializer, 3);
  const ranges = setting.log.ranges.bind(setting.log);
  setting.log.ranges = async (topic) => {
    const found = await ranges(topic);
    return found && [...found, { partition: 1, startOffset: 0, endOffset: 0, startTimestampMs: null }];
  };
  setting.clock.timeMs += 10_000;
  await until('a failure', () => laneOf(materializer)?.state === 'failed');
  expect(laneOf(materializer)?.reason).toMatchObject({
    code: 'partition_count_changed',
    message: expect.stringMatching(/topic s had 1 partitions.* has 2,.*--namespace/),
  });
  await setting.log.append('s', eventsOf(3));
  await pause(30);
  expect(setting.checkpoint()?.position).toEqual({ 0: 3 });
});

test('a partition that is new to a topic is not built beside those that are not', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 2);
  const first = await started(setting);
  await until('both partitions are built', () => setting.store.lanes.size === 2);
  await first.stop();
  // As if the topic had had one partition then.
  setting.put('v', { partitions: 1 });
  setting.store.lanes = new Map([...setting.store.lanes].filter(([, { shard }]) => shard.partition === 0));
  const second = await started(setting, 'two');
  const lanes = () => viewStatus(second)?.partitions ?? [];
  await until('both to fail', () => lanes().length === 2 && lanes().every(({ state }) => state === 'failed'));
  expect(lanes().map(({ reason }) => reason?.code)).toEqual(['partition_count_changed', 'partition_count_changed']);
  expect(setting.store.lanes.size).toBe(1);
});

test('a lane that never reaches the build target it was given, because nothing more is visible, is live at the end', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', eventsOf(3));
  const ranges = setting.log.ranges.bind(setting.log);
  // Two markers of transactions follow the last record.
  setting.log.ranges = async (topic) => (await ranges(topic))?.map((range) => ({ ...range, endOffset: 5 })) ?? null;
  const materializer = await started(setting);
  await until('the lane to be live', () => laneOf(materializer)?.state === 'live');
  expect(setting.checkpoint()).toMatchObject({ position: { 0: 3 }, buildTarget: { 0: 3 } });
});
