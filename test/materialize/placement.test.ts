import { afterEach, expect, test } from 'vitest';
import { partitionOf } from '../../src/log/partitioner.ts';
import type { Materializer } from '../../src/materialize/materializer.ts';
import { applied, definitionsOf, load, NOW_MS, recordOf, type Setting, settingOf, until } from './support.ts';

const running: Materializer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((materializer) => materializer.stop()));
});

const PARTITIONS = 4;
const KEYS = Array.from({ length: 40 }, (_, index) => `k${index}`);

const rightPartition = (key: string, by: 'murmur2' | 'crc32'): number =>
  partitionOf(Buffer.from(key), PARTITIONS, by) ?? 0;

async function setUp(misplaced: readonly string[], by: 'murmur2' | 'crc32' = 'murmur2'): Promise<Setting> {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', PARTITIONS);
  await setting.log.append(
    's',
    KEYS.map((key) => {
      const right = rightPartition(key, by);
      const partition = misplaced.includes(key) ? (right + 1) % PARTITIONS : right;
      return { ...recordOf({ at: NOW_MS, k: key, x: 1 }), key: Buffer.from(key), partition };
    }),
  );
  return setting;
}

async function drive(setting: Setting): Promise<Materializer> {
  const materializer = setting.create();
  running.push(materializer);
  await materializer.start();
  return materializer;
}

const lanesOf = (materializer: Materializer) =>
  materializer.status().sources[0]?.views.find(({ views }) => views.includes('v@1'))?.partitions ?? [];

test('records where readers look are folded in every partition', async () => {
  const setting = await setUp([]);
  const materializer = await drive(setting);
  await until('all live', () => lanesOf(materializer).filter(({ state }) => state === 'live').length === PARTITIONS);
  expect(lanesOf(materializer).reduce((sum, { position }) => sum + (position ?? 0), 0)).toBe(KEYS.length);
  expect(materializer.status().sources[0]?.deadLetters).toBe(0);
});

test('a few misplaced records are dead letters that say the mend, and the others are folded', async () => {
  const setting = await setUp(['k3', 'k7']);
  const materializer = await drive(setting);
  await until('all live', () => lanesOf(materializer).filter(({ state }) => state === 'live').length === PARTITIONS);
  const letters = setting.log.records('s.dlq').map(({ value }) => Buffer.from(value ?? []).toString());
  expect(letters.length).toBe(2);
  for (const letter of letters) {
    expect(letter).toContain('"code":"misplaced"');
    expect(letter).toMatch(/declare partitioner: (unknown|crc32)/);
  }
});

test('a misplaced deletion is a dead letter like any record, and deletes nothing elsewhere', async () => {
  const setting = settingOf(
    load(`
sources: [{ name: s, mode: upsert, key: [k], event_time: at, fields: { at: timestamp, k: string, x: "double?" } }]
entities: [{ name: e, keys: { k: string } }]
views: [{ name: v, entity: e, source: s, features: [{ name: x, agg: last, of: x }] }]
`),
  );
  await setting.log.ensureTopic('s', PARTITIONS);
  const right = rightPartition('k1', 'murmur2');
  const row = { ...recordOf({ at: NOW_MS, k: 'k1', x: 1 }), key: Buffer.from('k1'), partition: right };
  const deletion = { key: Buffer.from('k1'), value: null, timestampMs: NOW_MS + 1 };
  await setting.log.append('s', [row, { ...deletion, partition: (right + 1) % PARTITIONS }]);
  const materializer = await drive(setting);
  await until('all live', () => lanesOf(materializer).filter(({ state }) => state === 'live').length === PARTITIONS);
  const letters = setting.log.records('s.dlq').map(({ value }) => Buffer.from(value ?? []).toString());
  expect(letters.length).toBe(1);
  expect(letters[0]).toContain('"code":"misplaced"');
});

test('a producer with another partitioner stops the shards, which say which one it has', async () => {
  const setting = await setUp([], 'crc32');
  const materializer = await drive(setting);
  await until('some failed', () => lanesOf(materializer).some(({ state }) => state === 'failed'));
  const failed = lanesOf(materializer).find(({ state }) => state === 'failed');
  expect(failed?.reason).toMatchObject({
    code: 'misplaced_records',
    message: expect.stringContaining('declare partitioner: crc32'),
  });
});

test('with one partition there is nowhere else to be', async () => {
  const setting = settingOf(definitionsOf());
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', [recordOf({ at: NOW_MS, k: 'a', x: 1 })]);
  await applied(await drive(setting), 1);
  expect(setting.states().size).toBe(1);
});

test('misplaced records that come one by one stop the shard, too', async () => {
  const setting = await setUp([]);
  const materializer = await drive(setting);
  const failed = (): boolean => lanesOf(materializer).some(({ state }) => state === 'failed');
  for (let count = 0; count < 20 && !failed(); count++) {
    const partition = (rightPartition('k1', 'murmur2') + 1) % PARTITIONS;
    const record = { ...recordOf({ at: NOW_MS, k: 'k1', x: 1 }), key: Buffer.from('k1'), partition };
    const before = lanesOf(materializer).map(({ position }) => position);
    await setting.log.append('s', [record]);
    await until(
      'it is looked at',
      () => failed() || lanesOf(materializer).some(({ position }, at) => position !== before[at]),
    );
  }
  expect(failed()).toBe(true);
});
