/** Consumers of a topic whose head is archived: seeks to and fro, retention meanwhile, members that come and go. */
import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { partitionFolder } from '../../src/log/archive-files.ts';
import type { ConsumeOptions, LogBatch, LogConsumer, LogHandler } from '../../src/log/log.ts';
import { randomFrom } from '../contract/random.ts';
import { type Archived, openArchived } from './archive-support.ts';

const OPTIONS: ConsumeOptions = { topic: 't', group: 'g', batchRecordsMax: 10, batchBytesMax: 1_000, idleMs: 5 };

async function append({ log }: Archived, count: number, partition = 0): Promise<void> {
  await log.append(
    't',
    Array.from({ length: count }, (_none, index) => ({
      key: null,
      value: Buffer.from(`${index}`),
      timestampMs: 1,
      partition,
    })),
  );
}

interface Reader extends LogHandler {
  readonly offsets: number[];
  readonly failures: unknown[];
}

function reader(start: number, onBatch: (batch: LogBatch) => Promise<void> | void = () => undefined): Reader {
  const self: Reader = {
    offsets: [],
    failures: [],
    assigned: async (partitions) => new Map(partitions.map((partition) => [partition, start])),
    revoked: async () => undefined,
    async batch(batch) {
      self.offsets.push(...batch.records.map(({ offset }) => offset));
      await onBatch(batch);
    },
    failed: (error) => void self.failures.push(error),
  };
  return self;
}

const upTo = (count: number, from = 0): number[] =>
  Array.from({ length: count - from }, (_none, index) => from + index);

test('where the log forgets while the archive is read, reading goes on in the archive', async () => {
  const setting = await openArchived(1);
  await append(setting, 100);
  await setting.archive({ fileRecordsMax: 20 });
  await setting.log.truncate('t', 0, 50);
  const handler = reader(0, async ({ nextPosition }) => {
    // The join was at 50 when this began.
    if (nextPosition === 40) await setting.log.truncate('t', 0, 95);
  });
  const consumer = await setting.joined.consume(OPTIONS, handler);
  await expect.poll(() => handler.offsets.length, { timeout: 10_000 }).toBe(100);
  await append(setting, 20);
  await expect.poll(() => handler.offsets.length, { timeout: 10_000 }).toBe(120);
  expect([handler.offsets, handler.failures]).toEqual([upTo(120), []]);
  await consumer.close();
});

test('a consumer whose position the log forgot may begin again, if it is archived; if it is not, that is a gap', async () => {
  const setting = await openArchived(1);
  await append(setting, 100);
  const handler = reader(0);
  const consumer = await setting.joined.consume(OPTIONS, handler);
  await expect.poll(() => handler.offsets.length).toBe(100);
  consumer.pause([0]);
  await append(setting, 100);
  await setting.archive();
  await setting.log.truncate('t', 0, 150);
  consumer.resume([0]);
  await expect.poll(() => handler.failures).toMatchObject([{ code: 'log_moved', retryable: true }]);
  await consumer.close();
  const next = reader(100);
  const second = await setting.joined.consume(OPTIONS, next);
  await expect.poll(() => next.offsets.length).toBe(100);
  expect(next.offsets).toEqual(upTo(200, 100));
  second.pause([0]);
  await append(setting, 100);
  await setting.log.truncate('t', 0, 250);
  second.resume([0]);
  await expect.poll(() => next.failures).toMatchObject([{ code: 'log_gap', retryable: false }]);
  await second.close();
});

test('a damaged archive ends the consumer, before anything of it is delivered', async () => {
  const setting = await openArchived(1);
  await append(setting, 100);
  await setting.archive();
  await setting.log.truncate('t', 0, 100);
  const [file] = readdirSync(partitionFolder(setting.folder, 0));
  truncateSync(join(partitionFolder(setting.folder, 0), String(file)), 500);
  const handler = reader(0);
  const consumer = await setting.joined.consume(OPTIONS, handler);
  await expect.poll(() => handler.failures).toMatchObject([{ code: 'archive_damaged' }]);
  expect(handler.offsets).toEqual([]);
  await consumer.close();
});

test('records of a partition are delivered while another one is archived and long', async () => {
  const setting = await openArchived(2);
  await append(setting, 2_000, 0);
  await setting.archive();
  await setting.log.truncate('t', 0, 2_000);
  await append(setting, 50, 1);
  const seen: number[] = [];
  const handler = reader(0, ({ partition, records }) => {
    if (records.length > 0) seen.push(partition);
  });
  const consumer = await setting.joined.consume({ ...OPTIONS, batchRecordsMax: 2 }, handler);
  await expect.poll(() => handler.offsets.length, { timeout: 20_000 }).toBe(2_050);
  expect(seen.lastIndexOf(1)).toBeLessThan(seen.lastIndexOf(0));
  await consumer.close();
});

/**
 * A handler that trusts nothing: it knows where each partition must be, and follows seeks of its own and from outside.
 * Members of the group come and go, the log is archived and forgets.
 */
test.for([1, 2, 3, 4, 5])('seeks, pauses, retention and rebalances lose and repeat nothing (seed %i)', async (seed) => {
  const random = randomFrom(seed);
  const setting = await openArchived(3);
  const problems: string[] = [];
  /** Where each partition is: what a store would hold. */
  const positions = [0, 0, 0];
  const busy = new Map<number, string>();
  let settling = false;
  let seeks = 0;
  let fromArchive = 0;
  let kept = [0, 0, 0];
  const starts = [0, 0, 0];

  interface Member {
    handler: LogHandler;
    consumer: LogConsumer | null;
    failed: boolean;
    /** Partitions of which it was given something since it has them: then a seek counts. */
    readonly given: Set<number>;
  }

  function member(name: string): Member {
    const owned = new Set<number>();
    let changing = 0;
    const self: Member = { handler: null as unknown as LogHandler, consumer: null, failed: false, given: new Set() };
    const alone = async (partitions: readonly number[], change: (partition: number) => void): Promise<void> => {
      if (mine(name) > 0 || changing > 0) problems.push(`${name} is changed while it is called`);
      changing++;
      await delay(random.int(2));
      for (const partition of partitions) change(partition);
      changing--;
    };
    const mine = (who: string): number => [...busy.values()].filter((each) => each === who).length;
    self.handler = {
      async assigned(partitions) {
        await alone(partitions, (partition) => owned.add(partition));
        return new Map(partitions.map((partition) => [partition, positions[partition] ?? 0]));
      },
      revoked: (partitions) =>
        alone(partitions, (partition) => {
          owned.delete(partition);
          self.given.delete(partition);
        }),
      async batch({ partition, fetchPosition, records, nextPosition, endOffset, reachedEnd }) {
        if (!owned.has(partition)) problems.push(`${name} is given ${partition}, which it does not have`);
        if (busy.has(partition)) problems.push(`${partition} is delivered twice at once`);
        if (changing > 0) problems.push(`${name} is called while partitions change hands`);
        busy.set(partition, name);
        self.given.add(partition);
        const position = positions[partition] ?? 0;
        if (fetchPosition !== position) problems.push(`${partition} is at ${position}, and ${fetchPosition} came`);
        const expected = upTo(nextPosition, fetchPosition);
        if (JSON.stringify(records.map(({ offset }) => offset)) !== JSON.stringify(expected))
          problems.push('records are missing');
        if (nextPosition > endOffset || (reachedEnd && nextPosition !== endOffset))
          problems.push('the end is not there');
        if (fetchPosition < (starts[partition] ?? 0)) fromArchive++;
        positions[partition] = nextPosition;
        await delay(random.int(3));
        if (!settling && random.chance(0.05) && self.consumer !== null) {
          positions[partition] = random.int(endOffset + 1);
          self.consumer.seek(partition, positions[partition] ?? 0);
          seeks++;
          // Whoever delivers next waits for this call all the same.
          await delay(random.int(5));
        }
        busy.delete(partition);
      },
      failed(error) {
        self.failed = true;
        // Retention may overtake a reader: then the archive has it.
        if ((error as { code?: string }).code !== 'log_moved') problems.push(String(error));
      },
    };
    return self;
  }

  const open = async (name: string): Promise<Member> => {
    const opened = member(name);
    opened.consumer = await setting.joined.consume({ ...OPTIONS, batchRecordsMax: 1 + random.int(9) }, opened.handler);
    return opened;
  };
  let members = [await open('a')];
  let count = 0;
  for (let step = 0; step < 40; step++) {
    for (let partition = 0; partition < 3; partition++) await append(setting, random.int(12), partition);
    if (random.chance(0.3))
      kept = (await setting.archive({ fileRecordsMax: 1 + random.int(20) })).partitions.map(({ next }) => next);
    if (random.chance(0.3)) {
      const partition = random.int(3);
      starts[partition] = Math.max(starts[partition] ?? 0, random.int((kept[partition] ?? 0) + 1));
      await setting.log.truncate('t', partition, starts[partition] ?? 0);
    }
    if (random.chance(0.1)) members.push(await open(`m${count++}`));
    if (random.chance(0.1)) await members.shift()?.consumer?.close();
    const one = members[0];
    for (const { consumer, given } of members) {
      for (const partition of random.chance(0.3) ? given : []) {
        positions[partition] = random.int((positions[partition] ?? 0) + 1);
        consumer?.seek(partition, positions[partition] ?? 0);
      }
    }
    if (random.chance(0.2)) {
      one?.consumer?.pause([0, 1]);
      await delay(random.int(4));
      one?.consumer?.resume([0, 1]);
    }
    for (const each of members) if (each.failed) await each.consumer?.close();
    members = members.filter(({ failed }) => !failed);
    if (members.length === 0) members.push(await open(`m${count++}`));
    await delay(random.int(10));
  }
  settling = true;
  const ends = ((await setting.log.ranges('t')) ?? []).map(({ endOffset }) => endOffset);
  await expect
    .poll(
      async () => {
        for (const each of members) if (each.failed) await each.consumer?.close();
        members = members.filter(({ failed }) => !failed);
        if (members.length === 0) members.push(await open(`m${count++}`));
        return problems.length > 0 || positions.every((position, index) => position === ends[index]);
      },
      { timeout: 30_000, message: `seed ${seed}` },
    )
    .toBe(true);
  for (const { consumer } of members) await consumer?.close();
  expect(problems, `seed ${seed}`).toEqual([]);
  expect(seeks).toBeGreaterThan(0);
  expect(fromArchive).toBeGreaterThan(0);
});
