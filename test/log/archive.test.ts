import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { SkewlessError } from '../../src/core/errors.ts';
import type { LogRecord } from '../../src/event/event.ts';
import { createArchive } from '../../src/log/archive.ts';
import { fileName, listArchive, partitionFolder } from '../../src/log/archive-files.ts';
import { createArchiveParquet } from '../../src/log/archive-parquet.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { randomFrom } from '../contract/random.ts';
import { type Archived, joinTo, openArchived, plain, randomRecord } from './archive-support.ts';
import { temporaryDirectory } from './support.ts';

const filesOf = ({ folder }: Archived, partition = 0): string[] =>
  readdirSync(partitionFolder(folder, partition)).map((name) => join(partitionFolder(folder, partition), name));

async function append({ log }: Archived, count: number, seed: number, partition = 0): Promise<void> {
  const random = randomFrom(seed);
  await log.append(
    't',
    Array.from({ length: count }, () => randomRecord(random, partition)),
  );
}

test.for([1, 2, 3, 4, 5, 6])(
  'records come back as they were, whatever was archived and forgotten when (seed %i)',
  async (seed) => {
    const random = randomFrom(seed);
    const partitions = 3;
    const setting = await openArchived(partitions);
    const { log, archive } = setting;
    const model: string[][] = Array.from({ length: partitions }, () => []);
    const kept: number[] = Array.from({ length: partitions }, () => 0);
    for (let step = 0; step < 12; step++) {
      const records = Array.from({ length: random.int(60) }, () => randomRecord(random, random.int(partitions)));
      for (const [index, { partition, offset }] of (await log.append('t', records)).entries()) {
        model[partition]?.push(plain({ ...records[index], partition, offset } as LogRecord));
      }
      if (random.chance(0.5)) {
        const result = await archive({ fileRecordsMax: 1 + random.int(30), partitionsAtOnce: 1 + random.int(3) });
        expect(result.problems).toEqual([]);
        for (const { partition, next } of result.partitions) kept[partition] = next;
      }
      // What is archived may go, now or later.
      for (let partition = 0; partition < partitions; partition++) {
        if (random.chance(0.4)) await log.truncate('t', partition, random.int((kept[partition] ?? 0) + 1));
      }
      const { joined, warnings } = random.chance(0.3) ? setting.again() : setting;
      const ranges = (await joined.ranges('t')) ?? [];
      expect(ranges.map(({ startOffset, endOffset }) => [startOffset, endOffset])).toEqual(
        model.map(({ length }) => [0, length]),
      );
      for (const [partition, all] of model.entries()) {
        const from = random.int(all.length + 1);
        const read = await joined.read('t', partition, from, 1 + random.int(80));
        expect(read.map(plain)).toEqual(all.slice(from, from + Math.max(1, read.length)));
        const whole = await joined.read('t', partition, 0, all.length + 1);
        expect(whole.map(plain)).toEqual(all);
      }
      expect(warnings).toEqual([]);
    }
  },
);

test('offsets without records are passed, up to the bounds that are asked for', async () => {
  const folder = temporaryDirectory();
  const parquet = createArchiveParquet();
  const recordAt = (offset: number): LogRecord => ({
    partition: 0,
    offset,
    timestampMs: offset,
    key: null,
    value: Buffer.alloc(10),
  });
  const directory = partitionFolder(folder, 0);
  const write = async (from: number, next: number, offsets: readonly number[]): Promise<void> => {
    const file = { partition: 0, from, next, path: join(directory, fileName({ from, next })) };
    await parquet.write('t', file, offsets.map(recordAt), join(directory, '.tmp'));
  };
  mkdirSync(directory, { recursive: true });
  await write(5, 20, [7, 8, 12]);
  await write(20, 22, []);
  await write(22, 30, [29]);
  const cursor = createArchive('t', folder, parquet, systemClock).cursor(0);
  const fetch = async (from: number, beforeOffset: number, recordsMax = 100, bytesMax = 1_000): Promise<unknown> => {
    const piece = await cursor.fetch(from, { beforeOffset, recordsMax, bytesMax });
    return piece && [piece.records.map(({ offset }) => offset), piece.nextPosition];
  };
  expect(await fetch(4, 30)).toBeNull();
  expect(await fetch(5, 30)).toEqual([[7, 8, 12], 20]);
  expect(await fetch(5, 8)).toEqual([[7], 8]);
  expect(await fetch(9, 11)).toEqual([[], 11]);
  expect(await fetch(5, 30, 2)).toEqual([[7, 8], 9]);
  expect(await fetch(5, 30, 3)).toEqual([[7, 8, 12], 20]);
  expect(await fetch(5, 30, 100, 25)).toEqual([[7, 8], 9]);
  expect(await fetch(5, 30, 100, 1)).toEqual([[7], 8]);
  expect(await fetch(13, 30)).toEqual([[], 20]);
  expect(await fetch(20, 30)).toEqual([[], 22]);
  expect(await fetch(22, 30)).toEqual([[29], 30]);
  expect(await fetch(30, 40)).toBeNull();
  await parquet.close();
});

test('a changed byte is noticed and the file named, or changes nothing', async () => {
  const seed = 20130204;
  const random = randomFrom(seed);
  const setting = await openArchived(1);
  await append(setting, 200, seed);
  const all = (await setting.log.read('t', 0, 0, 200)).map(plain);
  await setting.archive();
  await setting.log.truncate('t', 0, 200);
  const [path] = filesOf(setting) as [string];
  const whole = readFileSync(path);
  let noticed = 0;
  for (let round = 0; round < 150; round++) {
    const damaged = Buffer.from(whole);
    const at = random.int(damaged.length);
    damaged[at] = (damaged[at] as number) ^ (1 << random.int(8));
    writeFileSync(path, random.chance(0.1) ? whole.subarray(0, at) : damaged);
    const read = await setting
      .again()
      .joined.read('t', 0, random.int(100), 200)
      .catch((error: unknown) => error);
    if (read instanceof SkewlessError) {
      noticed++;
      expect([read.code, read.message], `seed ${seed}, byte ${at}`).toEqual([
        expect.stringMatching(/^archive_(damaged|mismatch|too_new)$/),
        expect.stringContaining(path),
      ]);
    } else
      expect((read as LogRecord[]).map(plain), `seed ${seed}, byte ${at}`).toEqual(all.slice(-(read as []).length));
  }
  expect(noticed).toBeGreaterThan(50);
});

test('a footer that speaks of other numbers of rows hides no record', async () => {
  const setting = await openArchived(1);
  // Three row groups: twice 4,096, and 808.
  await append(setting, 9_000, 1);
  const all = (await setting.log.read('t', 0, 0, 9_000)).map(plain);
  await setting.archive();
  await setting.log.truncate('t', 0, 9_000);
  const [path] = filesOf(setting) as [string];
  const whole = readFileSync(path);
  const footer = whole.length - 8 - whole.readUInt32LE(whole.length - 8);
  let noticed = 0;
  // As Thrift writes the two numbers; with a bit less or more they are others.
  for (const written of [Buffer.from([0x80, 0x40]), Buffer.from([0xd0, 0x0c])]) {
    for (let at = whole.indexOf(written, footer); at >= 0; at = whole.indexOf(written, at + 1)) {
      for (const bit of [0x01, 0x04, 0x40]) {
        const damaged = Buffer.from(whole);
        damaged[at + 1] = (damaged[at + 1] as number) ^ bit;
        writeFileSync(path, damaged);
        const recordsMax = bit === 0x40 ? 100 : 9_000;
        const read = await setting
          .again()
          .joined.read('t', 0, 0, recordsMax)
          .catch((error: unknown) => error);
        if (read instanceof SkewlessError) noticed += read.code === 'archive_damaged' ? 1 : 0;
        else expect((read as LogRecord[]).map(plain)).toEqual(all.slice(0, recordsMax));
      }
    }
  }
  expect(noticed).toBeGreaterThan(2);
});

test('a file under the name of another is not read for it', async () => {
  const setting = await openArchived(1);
  await append(setting, 20, 1);
  await setting.archive({ fileRecordsMax: 10 });
  await setting.log.truncate('t', 0, 20);
  const [first, second] = filesOf(setting).toSorted() as [string, string];
  const bytes = readFileSync(second);
  writeFileSync(second, readFileSync(first));
  writeFileSync(first, bytes);
  await expect(setting.joined.read('t', 0, 0, 5)).rejects.toMatchObject({ code: 'archive_damaged' });
});

test('a file whose name says more than it holds is damaged, or what is missing would be taken for never there', async () => {
  const setting = await openArchived(1);
  await append(setting, 20, 1);
  await setting.archive();
  const [path] = filesOf(setting) as [string];
  renameSync(path, join(partitionFolder(setting.folder, 0), fileName({ from: 0, next: 30 })));
  await append(setting, 20, 2);
  await setting.log.truncate('t', 0, 30);
  await expect(setting.joined.read('t', 0, 10, 20)).rejects.toMatchObject({ code: 'archive_damaged' });
});

test('files that overlap are one stretch, whichever reach further; a hole ends it', async () => {
  const folder = temporaryDirectory();
  mkdirSync(partitionFolder(folder, 3));
  const ranges = [
    [0, 100],
    [0, 40],
    [30, 60],
    [90, 120],
    [100, 110],
    [121, 130],
    [130, 140],
  ] as const;
  for (const [from, next] of ranges) writeFileSync(join(partitionFolder(folder, 3), fileName({ from, next })), '');
  writeFileSync(join(partitionFolder(folder, 3), '.half.tmp'), '');
  const stretches = (await listArchive(folder)).get(3) ?? [];
  expect(stretches.map(({ from, next, files }) => [from, next, files.length])).toEqual([
    [0, 120, 2],
    [121, 140, 2],
  ]);
});

test('what the log lost before it was archived is an archive_gap that names the offsets; other partitions go on', async () => {
  const setting = await openArchived(2);
  await append(setting, 10, 1, 0);
  await append(setting, 10, 2, 1);
  await setting.archive();
  await append(setting, 10, 3, 0);
  await append(setting, 10, 4, 1);
  await setting.log.truncate('t', 0, 15);
  const { problems, partitions } = await setting.archive();
  expect(problems).toMatchObject([
    { partition: 0, code: 'archive_gap', message: expect.stringContaining('offsets 10 to 14 are lost') },
  ]);
  expect(partitions).toMatchObject([{ partition: 1, from: 10, next: 20, records: 10 }]);
  expect(await setting.joined.ranges('t')).toMatchObject([
    { partition: 0, startOffset: 15 },
    { partition: 1, startOffset: 0 },
  ]);
  expect(setting.warnings).toEqual([expect.stringContaining('offsets 10 to 14 are lost')]);
  await setting.joined.ranges('t');
  expect(setting.warnings).toHaveLength(1);
  // The mend that the message says: history begins after the hole, in the same folder.
  rmSync(partitionFolder(setting.folder, 0), { recursive: true });
  expect((await setting.archive()).problems).toEqual([]);
  await setting.log.truncate('t', 0, 20);
  expect((await setting.again().joined.ranges('t'))?.[0]?.startOffset).toBe(15);
});

test('a hole between files is filled while the log holds what was in it, and is a gap afterwards', async () => {
  const setting = await openArchived(1);
  await append(setting, 30, 1);
  const all = (await setting.log.read('t', 0, 0, 30)).map(plain);
  await setting.archive({ fileRecordsMax: 10 });
  const second = filesOf(setting).toSorted()[1] as string;
  const aside = `${second}.aside`;
  renameSync(second, aside);
  await setting.log.truncate('t', 0, 5);
  expect((await setting.archive()).problems).toEqual([]);
  await setting.log.truncate('t', 0, 30);
  expect((await setting.joined.read('t', 0, 0, 30)).map(plain)).toEqual(all);
  for (const path of filesOf(setting)) if (!/0{19}0-|2\d-/.test(path) && path !== aside) rmSync(path);
  const later = setting.again();
  expect((await later.archive()).problems).toMatchObject([{ code: 'archive_gap' }]);
  renameSync(aside, second);
  expect((await later.archive()).problems).toEqual([]);
});

test('an archive of another log, or of another topic, is an archive_mismatch, for runs and for builds', async () => {
  const setting = await openArchived(1);
  await append(setting, 20, 1);
  await setting.archive();
  const file = join(temporaryDirectory(), 'other.sqlite');
  const log = await openSqliteLog({ file, clock: systemClock });
  await log.ensureTopic('t', 1);
  await log.ensureTopic('u', 1);
  const other = joinTo(log, setting.folder);
  const mismatch = { code: 'archive_mismatch', message: expect.stringContaining(setting.folder) };
  // Shorter than its archive.
  expect((await other.archive()).problems).toMatchObject([mismatch]);
  await append(other, 10, 2);
  expect((await other.archive()).problems).toMatchObject([mismatch]);
  await append(other, 20, 3);
  expect((await other.archive()).problems).toMatchObject([mismatch]);
  await log.truncate('t', 0, 5);
  await expect(other.joined.ranges('t')).rejects.toMatchObject(mismatch);
  // The same records, in another topic.
  const random = randomFrom(1);
  await log.append(
    'u',
    Array.from({ length: 20 }, () => randomRecord(random, 0)),
  );
  expect((await joinTo(log, setting.folder, 'u').archive()).problems).toMatchObject([{ code: 'archive_mismatch' }]);
});

test('two runs at once leave an archive that holds each record once', async () => {
  const setting = await openArchived(2);
  await append(setting, 300, 1, 0);
  await append(setting, 200, 2, 1);
  const all = await Promise.all([0, 1].map((partition) => setting.log.read('t', partition, 0, 1_000)));
  const runs = await Promise.all([17, 40, 40].map((fileRecordsMax) => setting.archive({ fileRecordsMax })));
  expect(runs.flatMap(({ problems }) => problems)).toEqual([]);
  await setting.log.truncate('t', 0, 300);
  await setting.log.truncate('t', 1, 200);
  for (const [partition, records] of all.entries()) {
    expect((await setting.joined.read('t', partition, 0, 1_000)).map(plain)).toEqual(records.map(plain));
  }
});

test('a run that is stopped keeps what it has read, and the next one goes on there', async () => {
  const setting = await openArchived(1);
  await append(setting, 1_000, 1);
  const stop = new AbortController();
  const running = setting.archive({ fileRecordsMax: 7 }, stop.signal);
  await expect.poll(() => filesOf(setting).length).toBeGreaterThan(2);
  stop.abort();
  const stopped = (await running).partitions[0]?.next ?? 0;
  expect(stopped).toBeLessThan(1_000);
  const { partitions } = await setting.archive();
  expect(partitions).toMatchObject([{ from: stopped, next: 1_000 }]);
  expect((await setting.archive()).partitions).toMatchObject([{ from: 1_000, next: 1_000, files: 0 }]);
});

test('a folder that cannot be read is no empty one, and may be readable later', async () => {
  const setting = await openArchived(1);
  await append(setting, 10, 1);
  await setting.log.truncate('t', 0, 5);
  writeFileSync(setting.folder, 'a file in its place');
  await expect(setting.joined.ranges('t')).rejects.toMatchObject({ code: 'archive_unreadable', retryable: true });
});
