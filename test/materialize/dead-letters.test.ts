import { afterEach, expect, test } from 'vitest';
import { createDeadLetters, type DeadLetter, deadLetterTopic } from '../../src/materialize/dead-letters.ts';
import { RECORD_BYTES_MAX } from '../../src/event/parse-record.ts';
import { reject } from '../../src/event/rejection.ts';
import type { Materializer } from '../../src/materialize/materializer.ts';
import {
  applied,
  definitionsOf,
  eventsOf,
  NOW_MS,
  recordOf,
  type Setting,
  settingOf,
  sourceStatus,
  until,
} from './support.ts';

const running: Materializer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((materializer) => materializer.stop()));
});

function lettersOf({ log }: Setting): readonly DeadLetter[] {
  return log
    .records(deadLetterTopic('s'))
    .map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString('utf8')) as DeadLetter);
}

const VIEWS = `
  - { name: keys, entity: e, source: s, features: [{ name: m, agg: count }] }
  - { name: sums, entity: e, source: s, features: [{ name: m, agg: sum, of: x }] }`;

async function drive(setting: Setting, position: number): Promise<Materializer> {
  const materializer = setting.create(`owner-${running.length}`);
  running.push(materializer);
  await materializer.start();
  await applied(materializer, position);
  await applied(materializer, position, 'sums@1');
  return materializer;
}

test('a letter holds coordinates, the views and the reason, and the original bytes', async () => {
  const setting = settingOf(definitionsOf({ views: VIEWS }));
  await setting.log.ensureTopic('s', 1);
  const bad = recordOf({ at: NOW_MS, k: 'a', x: 'much' }, NOW_MS + 5);
  await setting.log.append('s', [...eventsOf(2), { ...bad, key: Uint8Array.of(0xff, 0x00) }]);
  await drive(setting, 3);
  const fingerprints = [...setting.definitions.views.values()].map(({ stateFingerprint }) => stateFingerprint);
  expect(lettersOf(setting)).toEqual([
    {
      source: 's',
      topic: 's',
      partition: 0,
      offset: 2,
      appended_ms: NOW_MS + 5,
      rejections: [
        {
          code: 'wrong_type',
          column: 'x',
          message: 'x: expected double, found a string',
          views: ['v@1', 'sums@1'],
          fingerprints: [fingerprints[0], fingerprints[2]],
        },
      ],
      key_base64: '/wA=',
      value_base64: Buffer.from(bad.value ?? []).toString('base64'),
    },
  ]);
  const [letter] = setting.log.records(deadLetterTopic('s'));
  expect(Buffer.from(letter?.key ?? []).toString('utf8')).toBe('s/0/2');
});

test('a letter is in the trace of its record, and so is that of a record that was moved on its way', async () => {
  const views = `
  - { name: sums, entity: other, source: s, features: [{ name: m, agg: sum, of: x }] }`;
  const setting = settingOf(definitionsOf({ views }));
  await setting.log.ensureTopic('s', 2);
  const trace = {
    traceparent: Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
    tracestate: Buffer.from('vendor=1'),
  };
  const bad = {
    ...recordOf({ at: NOW_MS, k: 'a', g: 'g', x: 'much' }),
    headers: { ...trace, other: Buffer.from('x') },
  };
  const untraced = { ...bad, headers: { traceparent: Buffer.from('00-0-0-01') } };
  await setting.log.append('s', [bad, untraced]);
  const materializer = setting.create();
  running.push(materializer);
  await materializer.start();
  const letters = () => setting.log.records(deadLetterTopic('s'));
  await until('a letter of each view and record', () => letters().length === 4);
  const found = lettersOf(setting).map(({ offset, rejections, traceparent }, index) => ({
    views: [offset, ...rejections.flatMap(({ views: names }) => names)],
    traceparent,
    headers: letters()[index]?.headers,
  }));
  for (const view of ['v@1', 'sums@1']) {
    expect(found).toContainEqual({ views: [0, view], traceparent: trace.traceparent.toString(), headers: trace });
    expect(found).toContainEqual({ views: [1, view], traceparent: undefined, headers: undefined });
  }
});

test('filtered, keyless and late events are no dead letters', async () => {
  const setting = settingOf(definitionsOf({ views: VIEWS }));
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', [recordOf({ at: NOW_MS, x: 1 }), recordOf({ at: -(2 ** 51), k: 'a', x: 1 })]);
  const materializer = await drive(setting, 2);
  expect(lettersOf(setting)).toEqual([]);
  expect(sourceStatus(materializer.status()).deadLetters).toBe(0);
});

test('a record too large to keep leaves its coordinates and its reason, and no letter is more than a broker takes', async () => {
  const setting = settingOf(definitionsOf({ views: VIEWS }));
  await setting.log.ensureTopic('s', 1);
  const sizes = [RECORD_BYTES_MAX + 1, RECORD_BYTES_MAX, 600_000];
  for (const size of sizes)
    await setting.log.append('s', [{ key: null, value: new Uint8Array(size), timestampMs: NOW_MS }]);
  await drive(setting, sizes.length);
  const letters = lettersOf(setting);
  expect(letters).toMatchObject([
    { offset: 0, rejections: [{ code: 'record_too_large' }], key_base64: null, value_base64: null },
    { offset: 1, rejections: [{ code: 'malformed_json' }], key_base64: null, value_base64: null },
    { offset: 2, rejections: [{ code: 'malformed_json' }], value_base64: Buffer.alloc(600_000).toString('base64') },
  ]);
  // A broker's own default, 1 MiB, less what frames a record.
  for (const letter of letters) expect(JSON.stringify(letter).length).toBeLessThan(1_000_000);
});

test('a build from the start of the log after its store was lost writes no letter twice', async () => {
  const setting = settingOf(definitionsOf({ views: VIEWS }));
  await setting.log.ensureTopic('s', 1);
  await setting.log.append('s', [recordOf('nonsense'), ...eventsOf(2), recordOf({ at: NOW_MS, k: 'a', x: true })]);
  await (await drive(setting, 4)).stop();
  setting.store.lanes = new Map();
  await drive(setting, 4);
  expect(lettersOf(setting).map(({ offset }) => offset)).toEqual([0, 3]);
});

const SOURCE = { name: 's', topic: 's' };
const REJECTED = [{ rejection: reject('null_value', null, 'none'), viewIds: ['v@1'], fingerprint: 'f' }];
const letterAt = (partition: number, offset: number) => ({
  partition,
  offset,
  timestampMs: NOW_MS,
  key: null,
  value: null,
});

test('letters that could not be written stay collected, and are written once', async () => {
  const { log } = settingOf(definitionsOf());
  const all = createDeadLetters(log, SOURCE, 'g');
  await all.open();
  const letters = all.partition(0);
  const openTransfer = log.openTransfer.bind(log);
  log.openTransfer = () => Promise.reject(new Error('away'));
  letters.add(letterAt(0, 7), REJECTED);
  await expect(letters.write()).rejects.toThrow('away');
  log.openTransfer = openTransfer;
  letters.add(letterAt(0, 7), REJECTED);
  await letters.write();
  await letters.write();
  expect(log.records(deadLetterTopic('s')).length).toBe(1);
  expect(all.written()).toBe(1);
});

test('letters of partitions that are handled at once are written once each', async () => {
  const { log } = settingOf(definitionsOf());
  const all = createDeadLetters(log, SOURCE, 'g');
  await all.open();
  const partitions = [0, 1, 2, 3].map((partition) => all.partition(partition));
  await Promise.all(
    partitions.map(async (letters, partition) => {
      for (let offset = 0; offset < 10; offset++) {
        letters.add(letterAt(partition, offset), REJECTED);
        await letters.write();
      }
    }),
  );
  const written = lettersOf({ log } as Setting).map(({ partition, offset }) => `${partition}/${offset}`);
  expect(written.length).toBe(40);
  expect(new Set(written).size).toBe(40);
});

test('a former owner writes no letter any more, and what it wrote is not written again', async () => {
  const { log } = settingOf(definitionsOf());
  const [zombie, heir] = [1, 2].map(() => createDeadLetters(log, SOURCE, 'g').partition(0));
  await createDeadLetters(log, SOURCE, 'g').open();
  zombie?.add(letterAt(0, 7), REJECTED);
  await zombie?.write();
  for (const offset of [7, 8]) heir?.add(letterAt(0, offset), REJECTED);
  await heir?.write();
  for (const offset of [8, 9]) zombie?.add(letterAt(0, offset), REJECTED);
  await expect(zombie?.write()).rejects.toMatchObject({ code: 'fenced' });
  expect(lettersOf({ log } as Setting).map(({ offset }) => offset)).toEqual([7, 8]);
});

test('what a former owner wrote for one view is not written again with the letter of another', async () => {
  const { log } = settingOf(definitionsOf());
  const [former, heir] = [1, 2].map(() => createDeadLetters(log, SOURCE, 'g').partition(0));
  await createDeadLetters(log, SOURCE, 'g').open();
  former?.add(letterAt(0, 7), REJECTED);
  await former?.write();
  heir?.add(letterAt(0, 7), [...REJECTED, { ...REJECTED[0], viewIds: ['w@1'], fingerprint: 'g' } as never]);
  await heir?.write();
  const written = lettersOf({ log } as Setting).flatMap(({ rejections }) =>
    rejections.flatMap(({ fingerprints }) => fingerprints),
  );
  expect(written).toEqual(['f', 'g']);
});
