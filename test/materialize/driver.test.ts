import { afterEach, expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { SkewlessError } from '../../src/core/errors.ts';
import type { ViewDefinition } from '../../src/definition/definition.ts';
import type { Materializer } from '../../src/materialize/materializer.ts';
import { decodeState } from '../../src/state/codec.ts';
import { compilePlan } from '../../src/state/plan.ts';
import type { StoredState } from '../../src/state/state.ts';
import { outage } from '../simulation/memory-store.ts';
import {
  applied,
  definitionsOf,
  eventsOf,
  laneOf,
  NOW_MS,
  recordOf,
  type Setting,
  settingOf,
  sourceStatus,
  until,
  viewStatus,
} from './support.ts';

const running: Materializer[] = [];

async function started(setting: Setting, ...options: Parameters<Setting['create']>): Promise<Materializer> {
  const materializer = setting.create(...options);
  running.push(materializer);
  await materializer.start();
  return materializer;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((materializer) => materializer.stop()));
});

test('a view is built from the first record, and is live at the end of the log it found', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', eventsOf(10));
  const materializer = await started(setting);
  await applied(materializer, 10);
  expect(setting.checkpoint()).toMatchObject({
    position: { 0: 10 },
    epoch: 1,
    buildTarget: { 0: 10 },
    completeFromMs: null,
    caughtUpAtMs: NOW_MS,
    heartbeatMs: NOW_MS,
    watermarkMs: NOW_MS + 9,
  });
  expect(laneOf(materializer)).toMatchObject({ state: 'live', position: 10 });
  await setting.log.append('s', eventsOf(5));
  await applied(materializer, 15);
  expect(setting.checkpoint()?.buildTarget).toEqual({ 0: 10 });
});

test('an empty log has a checkpoint too, so that readers know nothing is missing', async () => {
  const setting = settingOf(definitionsOf());
  const materializer = await started(setting);
  await until('a checkpoint', () => setting.checkpoint() !== null);
  expect(setting.checkpoint()).toMatchObject({ position: { 0: 0 }, caughtUpAtMs: NOW_MS, watermarkMs: null });
  await until('the lane to be live', () => laneOf(materializer)?.state === 'live');
});

test('a heartbeat is committed every second without events, and says when the end was last confirmed', async () => {
  const setting = settingOf(definitionsOf());
  const materializer = await started(setting);
  // The store has the first checkpoint a little before the driver knows when that was.
  await until('the lane to be live', () => laneOf(materializer)?.state === 'live');
  setting.clock.timeMs += 999;
  await new Promise((resolve) => {
    setTimeout(resolve, 30);
  });
  expect(setting.checkpoint()?.heartbeatMs).toBe(NOW_MS);
  setting.clock.timeMs += 1;
  await until('a heartbeat', () => setting.checkpoint()?.heartbeatMs === NOW_MS + 1_000);
  // As of the fetch that found the end, which may have been under way when the clock moved.
  await until('the end to be confirmed', () => (laneOf(materializer)?.caughtUpAtMs ?? 0) >= NOW_MS + 999);
});

test('the watermark follows every event of the source, filtered ones included, less max_disorder, and never falls', async () => {
  const views = `  - { name: rare, entity: e, source: s, where: "x > 100", features: [{ name: n, agg: count }] }`;
  const setting = settingOf(definitionsOf({ source: ', max_disorder: 2s, clock: watermark', views }));
  await setting.log.ensureTopic('s', 1);
  const materializer = await started(setting);
  await setting.log.append('s', [
    recordOf({ at: NOW_MS, k: 'a', x: 1 }),
    recordOf({ at: NOW_MS - 50_000, k: 'a', x: 1 }),
    recordOf({ at: NOW_MS + 300_001, k: 'a', x: 1 }),
  ]);
  await applied(materializer, 3, 'rare@1');
  expect(setting.checkpoint('rare')?.watermarkMs).toBe(NOW_MS - 2_000);
  expect(sourceStatus(materializer.status()).partitions).toEqual([
    {
      partition: 0,
      position: 3,
      endOffset: 3,
      lag: 0,
      watermarkMs: NOW_MS - 2_000,
      caughtUpAtMs: NOW_MS,
      receivedAtMs: NOW_MS,
    },
  ]);
});

test('what became of each record is counted per view', async () => {
  const views = `
  - { name: some, entity: other, keys: { g: g }, source: s, where: "x > 0", head_max: 2, history: 0s,
      features: [{ name: n, agg: count, windows: [1m] }] }`;
  const setting = settingOf(definitionsOf({ views }));
  const materializer = await started(setting);
  const event = (fields: object) => recordOf({ at: NOW_MS, k: 'a', x: 1, g: 'g', ...fields });
  await setting.log.append('s', [
    ...[1, 2, 3, 4].map((second) => event({ at: NOW_MS - 3_600_000 + second * 1_000 })),
    event({ at: NOW_MS - 3_600_000 }),
    event({ at: NOW_MS - 7_200_000 }),
    event({ x: 0 }),
    event({ g: null }),
    event({ at: NOW_MS + 300_001 }),
    event({ x: 'much' }),
    recordOf('nonsense'),
  ]);
  await applied(materializer, 11, 'some@1');
  expect(viewStatus(materializer, 'some@1')?.counters).toEqual({
    folded: 5,
    late: 1,
    tooLate: 1,
    duplicates: 0,
    erased: 0,
    forcedSeals: 0,
    filtered: 1,
    nullKey: 1,
    rejected: { too_far_ahead: 1, wrong_type: 1, malformed_json: 1 },
  });
  expect(sourceStatus(materializer.status()).deadLetters).toBe(3);
});

test('a record lost before the build began may have been as late as max_ahead after the first one left', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', eventsOf(10));
  setting.log.truncate('s', 0, 4);
  const materializer = await started(setting);
  await applied(materializer, 10);
  expect(setting.checkpoint()?.completeFromMs).toBe(NOW_MS + 300_001);
  expect(viewStatus(materializer)?.counters.folded).toBe(6);
});

test('history: complete overrules a log that does not begin at its beginning', async () => {
  const setting = settingOf(definitionsOf({ source: ', history: complete' }));
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', eventsOf(10));
  setting.log.truncate('s', 0, 4);
  await applied(await started(setting), 10);
  expect(setting.checkpoint()?.completeFromMs).toBeNull();
});

test('a log that no longer reaches the checkpoint is an error and never a skip', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', eventsOf(10));
  const first = await started(setting);
  await applied(first, 10);
  await first.stop();
  await setting.log.append('s', eventsOf(10));
  setting.log.truncate('s', 0, 15);
  const second = await started(setting, 'two');
  await until('a failure', () => laneOf(second)?.state === 'failed');
  expect(laneOf(second)?.reason).toMatchObject({ code: 'log_gap' });
  expect(laneOf(second)?.reason?.message).toContain('offset 10');
  expect(setting.checkpoint()?.position).toEqual({ 0: 10 });
});

test('a log shorter than the checkpoint is not the log that was read, and is an error too', async () => {
  const setting = settingOf(definitionsOf());
  const first = await started(setting);
  await until('a checkpoint', () => setting.checkpoint() !== null);
  await first.stop();
  setting.put('v', { position: { 0: 7 } });
  const second = await started(setting, 'two');
  await until('a failure', () => laneOf(second)?.state === 'failed');
  expect(laneOf(second)?.reason?.code).toBe('log_gap');
});

test('a clean stop commits what was read and gives shards up; the next owner resumes with a greater epoch', async () => {
  const setting = settingOf(definitionsOf());
  const first = await started(setting);
  await setting.log.append('s', eventsOf(10));
  await applied(first, 10);
  await first.stop();
  expect(first.status()).toMatchObject({ mode: 'stopped', sources: [{ state: { mode: 'stopped' } }] });
  expect(setting.checkpoint()).toMatchObject({ owner: '', epoch: 1, position: { 0: 10 } });
  await setting.log.append('s', eventsOf(2));
  const second = await started(setting, 'two');
  await applied(second, 12);
  expect(setting.checkpoint()).toMatchObject({ epoch: 2, position: { 0: 12 } });
  expect(setting.checkpoint()?.owner).toMatch(/^two@/);
  expect(viewStatus(second)?.counters.folded).toBe(2);
});

test('a lane that another group keeps alive is left alone, and claimed when its heartbeat is too old', async () => {
  const setting = settingOf(definitionsOf());
  const first = await started(setting);
  await setting.log.append('s', eventsOf(3));
  await applied(first, 3);
  await first.stop();
  setting.put('v', { owner: 'stranger@elsewhere', epoch: 5, heartbeatMs: NOW_MS });
  const second = await started(setting, 'two');
  await until('standby', () => laneOf(second)?.state === 'standby');
  expect(laneOf(second)?.reason?.message).toContain('stranger@elsewhere');
  await setting.log.append('s', eventsOf(3));
  setting.clock.timeMs += 10_000;
  await new Promise((resolve) => {
    setTimeout(resolve, 30);
  });
  expect(setting.checkpoint()?.position).toEqual({ 0: 3 });
  setting.clock.timeMs += 1;
  await applied(second, 6);
  expect(setting.checkpoint()).toMatchObject({ epoch: 6 });
  expect(viewStatus(second)?.counters.folded).toBe(3);
});

test('an owner with a smaller epoch is fenced and stands by, while lanes that nobody took go on', async () => {
  const views = `  - { name: w, entity: e, source: s, features: [{ name: m, agg: max, of: x }] }`;
  const setting = settingOf(definitionsOf({ views }));
  const first = await started(setting);
  await setting.log.append('s', eventsOf(3));
  await applied(first, 3);
  setting.put('v', { owner: 'stranger@elsewhere', epoch: 9 });
  await setting.log.append('s', eventsOf(3));
  await applied(first, 6, 'w@1');
  expect(laneOf(first)?.state).toBe('standby');
  expect(setting.checkpoint('v')).toMatchObject({ position: { 0: 3 }, epoch: 9 });
});

test('while the store is away nothing is read further, the status says why, and work resumes where it was', async () => {
  const setting = settingOf(definitionsOf());
  const materializer = await started(setting);
  await until('a checkpoint', () => setting.checkpoint() !== null);
  let away = true;
  let attempts = 0;
  setting.store.faults = {
    beforeCommit() {
      attempts++;
      if (away) throw outage();
    },
  };
  await setting.log.append('s', eventsOf(10));
  await until('several attempts', () => attempts > 3);
  expect(sourceStatus(materializer.status()).waitingFor).toMatchObject({ code: 'store_unavailable', sinceMs: NOW_MS });
  expect(laneOf(materializer)?.position).toBe(0);
  away = false;
  await applied(materializer, 10);
  expect(sourceStatus(materializer.status()).waitingFor).toBeNull();
  expect(viewStatus(materializer)?.counters.folded).toBe(10);
});

test('stop resolves while the store is away, and what was not stored is folded by the next owner', async () => {
  const setting = settingOf(definitionsOf());
  const first = await started(setting);
  await until('a checkpoint', () => setting.checkpoint() !== null);
  let attempts = 0;
  setting.store.faults = {
    beforeCommit() {
      attempts++;
      throw outage();
    },
  };
  await setting.log.append('s', eventsOf(10));
  await until('an attempt', () => attempts > 0);
  await first.stop();
  expect(first.status().mode).toBe('stopped');
  setting.store.faults = {};
  setting.clock.timeMs += 20_000;
  const second = await started(setting, 'two');
  await applied(second, 10);
  expect(viewStatus(second)?.counters.folded).toBe(10);
});

test('stop resolves although a call to the store never answers', async () => {
  const setting = settingOf(definitionsOf());
  const materializer = await started(setting, 'one', { stopMs: 50 });
  await until('a checkpoint', () => setting.checkpoint() !== null);
  setting.store.commit = () => new Promise(() => {});
  await setting.log.append('s', eventsOf(1));
  await materializer.stop();
  expect(materializer.status().mode).toBe('stopped');
});

test('a fault of the store that waiting does not mend fails the shard and says so; it is not retried', async () => {
  const setting = settingOf(definitionsOf());
  const materializer = await started(setting);
  await until('a checkpoint', () => setting.checkpoint() !== null);
  setting.store.faults = {
    beforeCommit() {
      throw new SkewlessError('store_refused', 'out of its mind');
    },
  };
  await setting.log.append('s', eventsOf(1));
  await until('a failure', () => laneOf(materializer)?.state === 'failed');
  expect(laneOf(materializer)?.reason).toEqual({ code: 'store_refused', message: 'out of its mind' });
});

test('a corrupt state is not folded over: its lane alone is built again, and holds what a clean pass gives', async () => {
  const views = `  - { name: w, entity: other, keys: { g: g }, source: s, features: [{ name: m, agg: max, of: x }] }`;
  const setting = settingOf(definitionsOf({ views }));
  const first = await started(setting);
  await setting.log.append('s', eventsOf(3, { g: 'g' }));
  await applied(first, 3);
  await applied(first, 3, 'w@1');
  await first.stop();
  const [name, lane] = [...setting.store.lanes].find(([lane]) => lane.includes('/k/')) ?? ['', undefined];
  const states = new Map(lane?.states);
  const stored = states.get('["k0"]');
  const flipped = Uint8Array.from(stored?.head ?? []);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  states.set('["k0"]', { version: stored?.version ?? 0, tiles: stored?.tiles ?? null, head: flipped });
  if (lane !== undefined) setting.store.lanes = new Map(setting.store.lanes).set(name, { ...lane, states });
  const second = await started(setting, 'two');
  await setting.log.append('s', eventsOf(3, { g: 'g' }));
  await applied(second, 6, 'w@1');
  await applied(second, 6);
  expect(laneOf(second)?.state).toBe('live');
  expect(setting.checkpoint('v')?.buildStartedMs).toBeGreaterThan(lane?.checkpoint.buildStartedMs ?? 0);
  const clean = settingOf(definitionsOf({ views }));
  await clean.log.ensureTopic('s', 1);
  await clean.log.append('s', [...eventsOf(3, { g: 'g' }), ...eventsOf(3, { g: 'g' })]);
  await applied(await started(clean), 6);
  expect(setting.states('v')).toEqual(clean.states('v'));
});

test('corrupt states of two views of one shard are both built again, though each is found while the other is', async () => {
  const views = `  - { name: w, entity: e, source: s, features: [{ name: m, agg: max, of: x }] }`;
  const setting = settingOf(definitionsOf({ views }));
  const first = await started(setting);
  await setting.log.append('s', eventsOf(3));
  await applied(first, 3);
  await applied(first, 3, 'w@1');
  await first.stop();
  const cut = (state: StoredState): StoredState => ({ ...state, head: state.head.slice(0, -1) });
  const damaged = [...setting.store.lanes].map(([name, lane]) => {
    const states = new Map([...lane.states].map(([entity, state]) => [entity, cut(state)]));
    return [name, { ...lane, states }] as const;
  });
  setting.store.lanes = new Map(damaged);
  const second = await started(setting, 'two', { rebuildsMax: 1 });
  await setting.log.append('s', eventsOf(3));
  await applied(second, 6);
  await applied(second, 6, 'w@1');
  expect([laneOf(second)?.rebuilds, laneOf(second, 'w@1')?.rebuilds]).toEqual([1, 1]);
  const clean = settingOf(definitionsOf({ views }));
  await clean.log.ensureTopic('s', 1);
  await clean.log.append('s', [...eventsOf(3), ...eventsOf(3)]);
  const other = await started(clean);
  await applied(other, 6);
  await applied(other, 6, 'w@1');
  for (const view of ['v', 'w']) expect(setting.states(view)).toEqual(clean.states(view));
});

test('states that come back corrupt after each build fail their lane in the end', async () => {
  const setting = settingOf(definitionsOf());
  const read = setting.store.read.bind(setting.store);
  const corrupt = (state: StoredState): StoredState => ({ ...state, head: state.head.slice(0, -1) });
  setting.store.read = async (...args) =>
    (await read(...args)).map((each) => ({ ...each, states: each.states.map((state) => state && corrupt(state)) }));
  // Nothing is kept in memory, so each chunk reads what the one before has written.
  const materializer = await started(setting, 'one', { stateBytesMax: 1, rebuildsMax: 2 });
  await setting.log.append('s', eventsOf(3));
  await applied(materializer, 3);
  for (let built = 1; built <= 2; built++) {
    await setting.log.append('s', eventsOf(3));
    await applied(materializer, 3 + 3 * built);
  }
  await setting.log.append('s', eventsOf(3));
  await until('the lane has failed', () => laneOf(materializer)?.state === 'failed');
  expect(laneOf(materializer)?.reason).toMatchObject({
    code: 'corrupt_state',
    message: expect.stringContaining('again after 2 builds'),
  });
});

test('a store that answers moved for ever fails the shard instead of spinning', async () => {
  const setting = settingOf(definitionsOf());
  const materializer = await started(setting, 'one', { movedInARowMax: 3 });
  await until('a checkpoint', () => setting.checkpoint() !== null);
  let refused = 0;
  setting.store.commit = ({ sections }) => {
    refused++;
    return Promise.resolve({ kind: 'moved', fingerprint: sections[0]?.fingerprint ?? '', position: { 0: 0 } });
  };
  await setting.log.append('s', eventsOf(1));
  await until('a failure', () => laneOf(materializer)?.state === 'failed');
  expect(laneOf(materializer)?.reason?.code).toBe('store_diverged');
  expect(refused).toBe(4);
});

test('a store that takes every commit and loses every answer is no store that refuses them', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', eventsOf(10));
  setting.store.faults = {
    afterCommit(_commit, { kind }) {
      if (kind === 'ok') throw outage();
    },
  };
  const materializer = await started(setting, 'one', { movedInARowMax: 3, flushRecordsMax: 1, retryFirstMs: 1 });
  await until('all to be stored', () => setting.checkpoint()?.position[0] === 10);
  expect(laneOf(materializer)?.state).not.toBe('failed');
});

test('an owner does not append to a state that another one made in fewer flushes, however alike all else is', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 1);
  const first = await started(setting, 'first');
  await until('a checkpoint', () => setting.checkpoint() !== null);
  await first.stop();
  const before = setting.store.lanes;
  const sleeper = await started(setting, 'sleeper');
  for (const count of [1, 2]) {
    await setting.log.append('s', eventsOf(1));
    await applied(sleeper, count);
  }
  const inTwo = setting.checkpoint();
  // The store has lost what the sleeper wrote, and with it the epoch that it drew: the next owner draws the same.
  setting.store.lanes = before;
  const other = await started(setting, 'other');
  await applied(other, 2);
  await other.stop();
  expect(setting.checkpoint()).toMatchObject({ position: inTwo?.position, epoch: inTwo?.epoch });
  await setting.log.append('s', eventsOf(1));
  await until('the third event to be stored', () => setting.checkpoint()?.position[0] === 3);
  const [stored] = setting.states().values();
  const view = [...setting.definitions.views.values()][0] as ViewDefinition;
  expect(decodeState(compilePlan(view, AGGREGATIONS), stored as StoredState).head.length).toBe(3);
});

test('commits stay near the bound of the store, and a change beyond it is committed alone', async () => {
  const setting = settingOf(definitionsOf(), 2_000);
  const sizes: number[] = [];
  setting.store.faults = {
    beforeCommit({ sections }) {
      const changes = sections.flatMap((section) => section.changes);
      sizes.push(changes.reduce((sum, { change }) => sum + change.head.bytes.length + (change.tiles?.length ?? 0), 0));
    },
  };
  const materializer = await started(setting);
  await setting.log.append('s', eventsOf(2_000));
  await applied(materializer, 2_000);
  expect(Math.max(...sizes)).toBeLessThan(6_000);
  expect(sizes.filter((size) => size > 500).length).toBeGreaterThan(10);
});

test('commits change no more states than the store takes at once, however small they are', async () => {
  const setting = settingOf(definitionsOf());
  const counts: number[] = [];
  setting.store.faults = {
    beforeCommit: ({ sections }) => void counts.push(sections.reduce((sum, { changes }) => sum + changes.length, 0)),
  };
  const materializer = await started(setting);
  await setting.log.append(
    's',
    Array.from({ length: 200 }, (_none, index) => recordOf({ at: NOW_MS + index, k: `k${index}`, x: 1 })),
  );
  await applied(materializer, 200);
  expect(Math.max(...counts)).toBe(setting.store.commitChangesMax);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(200);
});

test('views that differ only in reading share one state', async () => {
  const views = `
  - { name: v, version: 2, entity: e, source: s, max_age: 1h,
      features: [{ name: total, agg: sum, of: x, windows: [1h] }, { name: events, agg: count }] }`;
  const setting = settingOf(definitionsOf({ views }));
  const materializer = await started(setting);
  await setting.log.append('s', eventsOf(2));
  await applied(materializer, 2);
  expect(sourceStatus(materializer.status()).views.map(({ views }) => views)).toEqual([['v@1', 'v@2']]);
  expect(setting.store.lanes.size).toBe(1);
});
