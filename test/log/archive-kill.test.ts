/** `kill -9` while archiving: what is there is whole, the next run goes on after it, and nothing is kept twice or lost. */
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listArchive, partitionFolder } from '../../src/log/archive-files.ts';
import { createArchive } from '../../src/log/archive.ts';
import { createArchiveParquet } from '../../src/log/archive-parquet.ts';
import { systemClock } from '../../src/core/clock.ts';
import { runAndKill } from '../contract/kill.ts';
import { randomFrom } from '../contract/random.ts';
import { openArchived, plain, randomRecord } from './archive-support.ts';

const CHILD = join(import.meta.dirname, 'fixtures/archive-child.ts');
const PARTITIONS = [0, 1, 2];
const RECORDS = 30_000;

test('an archive whose runs are killed holds each record once, in whole files', async () => {
  const seed = 20130205;
  const random = randomFrom(seed);
  const { log, folder, archive } = await openArchived(PARTITIONS.length);
  for (const partition of PARTITIONS) {
    await log.append(
      't',
      Array.from({ length: RECORDS }, () => randomRecord(random, partition)),
    );
  }
  const file = join(folder, '../log.sqlite');
  let ends = await endsOf(folder);
  for (let life = 0; life < 5; life++) {
    await runAndKill(CHILD, [file, folder], 1 + random.int(3), random.int(60));
    const now = await endsOf(folder);
    for (const partition of PARTITIONS) {
      const end = now[partition] ?? 0;
      expect(end, `seed ${seed}, life ${life}`).toBeGreaterThanOrEqual(ends[partition] ?? 0);
      const records = await log.read('t', partition, 0, end);
      expect(await archived(folder, partition), `seed ${seed}, life ${life}`).toEqual(records.map(plain));
    }
    ends = now;
  }
  expect([Math.max(...ends) > 0, Math.min(...ends) < RECORDS]).toEqual([true, true]);
  // What a kill in mid-file leaves; what is old enough is of no run that still works.
  const [old, young] = ['.old.tmp', '.young.tmp'].map((name) => join(partitionFolder(folder, 0), name)) as [
    string,
    string,
  ];
  for (const path of [old, young]) writeFileSync(path, 'PAR1');
  utimesSync(old, 0, 0);
  const { partitions } = await archive();
  expect(partitions.map(({ from, next }) => [from, next])).toEqual(ends.map((end) => [end, RECORDS]));
  expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
  for (const partition of PARTITIONS) {
    const records = await log.read('t', partition, 0, RECORDS);
    expect(await archived(folder, partition)).toEqual(records.map(plain));
  }
});

async function endsOf(folder: string): Promise<number[]> {
  const listed = await listArchive(folder);
  return PARTITIONS.map((partition) => listed.get(partition)?.[0]?.next ?? 0);
}

/** All that is in the archive, read from it alone. */
async function archived(folder: string, partition: number): Promise<string[]> {
  const parquet = createArchiveParquet();
  const cursor = createArchive('t', folder, parquet, systemClock).cursor(partition);
  const limits = { beforeOffset: RECORDS, recordsMax: RECORDS, bytesMax: Infinity };
  const found: string[] = [];
  for (let position = 0; position < RECORDS; ) {
    const piece = await cursor.fetch(position, limits);
    if (piece === null) break;
    found.push(...piece.records.map(plain));
    position = piece.nextPosition;
  }
  await parquet.close();
  return found;
}
