/** What every `Log` adapter promises. An adapter's test file gives a way to open it, and runs this. */
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/event/event.ts';
import type { ConsumeOptions, Log, LogBatch, LogConsumer, LogHandler } from '../../src/log/log.ts';

export interface OpenLog {
  /** Opens the log of the running test; again after `close`, it is the same one. */
  readonly open: () => Promise<Log>;
  /** Makes records of partition 0 below `beforeOffset` disappear, as retention does. */
  readonly truncate: (log: Log, topic: string, beforeOffset: number) => Promise<void>;
}

const OPTIONS: ConsumeOptions = { topic: 't', group: 'g', batchRecordsMax: 100, batchBytesMax: 1_000_000, idleMs: 5 };

/** Longer than any adapter waits to fetch what has come. */
const FETCHED_MS = 1_500;

const record = (value: string, key: string | null = null) => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  timestampMs: 1_000,
});

interface Recorder extends LogHandler {
  readonly batches: LogBatch[];
  readonly revocations: number[];
  readonly failures: unknown[];
  readonly values: () => string[];
  /** Resolves once the handler has seen what `until` asks for. */
  readonly seen: (until: (recorder: Recorder) => boolean) => Promise<void>;
}

function recorder(start = 0, onBatch: (batch: LogBatch) => Promise<void> = async () => {}): Recorder {
  const waiting: { until: (self: Recorder) => boolean; resolve: () => void }[] = [];
  const check = (): void => {
    for (const each of waiting) if (each.until(self)) each.resolve();
  };
  const self: Recorder = {
    batches: [],
    revocations: [],
    failures: [],
    values: () =>
      self.batches.flatMap((batch) => batch.records.map(({ value }) => Buffer.from(value ?? []).toString())),
    assigned: async (partitions) => new Map(partitions.map((partition) => [partition, start])),
    async revoked(partitions) {
      self.revocations.push(...partitions);
      check();
    },
    async batch(batch) {
      await onBatch(batch);
      self.batches.push(batch);
      check();
    },
    failed(error) {
      self.failures.push(error);
      check();
    },
    seen: (until) =>
      new Promise((resolve) => {
        waiting.push({ until, resolve });
        check();
      }),
  };
  return self;
}

export function describeLogContract(adapter: string, { open, truncate }: OpenLog): void {
  describe(`the Log contract, ${adapter}`, () => {
    const consumers: LogConsumer[] = [];
    const logs: Log[] = [];
    const opened = async (): Promise<Log> => {
      const log = await open();
      logs.push(log);
      await log.ensureTopic('t', 1);
      return log;
    };
    const consume = async (
      log: Log,
      handler: LogHandler,
      options: Partial<ConsumeOptions> = {},
    ): Promise<LogConsumer> => {
      const consumer = await log.consume({ ...OPTIONS, ...options }, handler);
      consumers.push(consumer);
      return consumer;
    };
    afterEach(async () => {
      for (const consumer of consumers.splice(0)) await consumer.close();
      for (const log of logs.splice(0)) await log.close();
    });

    test('records come back with key, value, append time and coordinates, in the order of appending', async () => {
      const log = await opened();
      const places = await log.append('t', [record('a', 'k'), record('b'), { key: null, value: null, timestampMs: 7 }]);
      expect(places).toEqual([0, 1, 2].map((offset) => ({ partition: 0, offset })));
      const read = await log.read('t', 0, 0, 10);
      expect(
        read.map(({ key, value, ...rest }) => ({
          key: key && Buffer.from(key).toString(),
          value: value && Buffer.from(value).toString(),
          ...rest,
        })),
      ).toEqual([
        { key: 'k', value: 'a', partition: 0, offset: 0, timestampMs: 1_000 },
        { key: null, value: 'b', partition: 0, offset: 1, timestampMs: 1_000 },
        { key: null, value: null, partition: 0, offset: 2, timestampMs: 7 },
      ]);
      expect((await log.read('t', 0, 1, 1)).map(({ offset }) => offset)).toEqual([1]);
    });

    test('a missing topic has no ranges, and appending to it is an error that names it', async () => {
      const log = await opened();
      expect(await log.ranges('nothing')).toBeNull();
      await expect(log.append('nothing', [record('a')])).rejects.toMatchObject({
        code: 'unknown_topic',
        message: expect.stringContaining('nothing'),
      });
    });

    test('consuming a missing topic is an error that names it', async () => {
      const log = await opened();
      await expect(log.consume({ ...OPTIONS, topic: 'nothing' }, recorder())).rejects.toMatchObject({
        code: 'unknown_topic',
        message: expect.stringContaining('nothing'),
      });
    });

    test('nothing and no bytes are two things, for keys and for values', async () => {
      const log = await opened();
      const none = new Uint8Array(0);
      await log.append('t', [
        { key: none, value: null, timestampMs: 1 },
        { key: null, value: none, timestampMs: 1 },
      ]);
      const read = await log.read('t', 0, 0, 10);
      expect(read.map(({ key, value }) => [key?.length ?? null, value?.length ?? null])).toEqual([
        [0, null],
        [null, 0],
      ]);
    });

    test('headers come back as they were, and a record may be put into a partition by hand', async () => {
      const log = await opened();
      await log.ensureTopic('many', 3);
      const headers = { traceparent: Buffer.from('00-aa'), empty: new Uint8Array(0), odd: Buffer.from([0, 255]) };
      const places = await log.append('many', [
        { ...record('a', 'k'), partition: 2, headers },
        { ...record('b', 'k'), partition: 1 },
      ]);
      expect(places).toEqual([
        { partition: 2, offset: 0 },
        { partition: 1, offset: 0 },
      ]);
      const [first] = await log.read('many', 2, 0, 1);
      const read = Object.entries(first?.headers ?? {}).map(([name, bytes]) => [name, [...bytes]]);
      expect(Object.fromEntries(read)).toEqual({ traceparent: [...Buffer.from('00-aa')], empty: [], odd: [0, 255] });
      expect((await log.read('many', 1, 0, 1))[0]?.headers ?? {}).toEqual({});
    });

    test('keys go where librdkafka puts them, if asked to', async () => {
      const log = await opened();
      await log.ensureTopic('many', 7);
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
      const places = await log.append(
        'many',
        keys.map((key) => record('x', key)),
        { partitioner: 'crc32' },
      );
      expect(places.map(({ partition }) => partition)).toEqual(keys.map((key) => crc32(key) % 7));
    });

    test('a record without an append time gets one between before and after', async () => {
      const log = await opened();
      const before = Date.now();
      await log.append('t', [{ key: null, value: null, timestampMs: null }]);
      const [read] = await log.read('t', 0, 0, 1);
      expect(read?.timestampMs).toBeGreaterThanOrEqual(before);
      expect(read?.timestampMs).toBeLessThanOrEqual(Date.now());
    });

    test('reading at the end gives nothing; below the first record it is a log_gap error', async () => {
      const log = await opened();
      await log.append('t', [record('a'), record('b'), record('c')]);
      await truncate(log, 't', 2);
      expect(await log.read('t', 0, 3, 10)).toEqual([]);
      expect((await log.read('t', 0, 2, 10)).map(({ offset }) => offset)).toEqual([2]);
      await expect(log.read('t', 0, 1, 10)).rejects.toMatchObject({ code: 'log_gap' });
    });

    test('making a topic that exists changes nothing', async () => {
      const log = await opened();
      await log.append('t', [record('a')]);
      await log.ensureTopic('t', 5);
      expect(await log.ranges('t')).toMatchObject([{ partition: 0, startOffset: 0, endOffset: 1 }]);
    });

    test('what was appended is there after closing and opening again', async () => {
      const log = await opened();
      await log.append('t', [record('a')]);
      await log.close();
      const again = await opened();
      expect((await again.read('t', 0, 0, 10)).length).toBe(1);
      expect(await again.append('t', [record('b')])).toEqual([{ partition: 0, offset: 1 }]);
    });

    test('equal keys go to one partition, and a topic of several uses several', async () => {
      const log = await opened();
      await log.ensureTopic('many', 4);
      const keys = Array.from({ length: 40 }, (_, index) => `key-${index % 20}`);
      const places = await log.append(
        'many',
        keys.map((key) => record('x', key)),
      );
      for (let index = 0; index < 20; index++) expect(places[index]?.partition).toBe(places[index + 20]?.partition);
      expect(new Set(places.map(({ partition }) => partition)).size).toBe(4);
    });

    test('more bytes than a broker takes at once are appended whole, with progress and in transfers', async () => {
      const log = await opened();
      const large = Array.from({ length: 24 }, (_none, index) => record(`${index}`.padEnd(100_000, '.'), `${index}`));
      const places = await log.append('t', large, { progress: { id: 'load', from: 0, done: 24 } });
      const transfer = await log.openTransfer({ id: 'work', group: 'workers', topic: 't', partition: 0 });
      await transfer.append('t', large, 1);
      await transfer.close();
      // A transaction that is committed may take a while to be read.
      const all = async (): Promise<readonly LogRecord[]> => {
        const ranges = (await log.ranges('t')) ?? [];
        return (await Promise.all(ranges.map(({ partition }) => log.read('t', partition, 0, 100)))).flat();
      };
      await expect.poll(async () => (await all()).length, { timeout: 20_000 }).toBe(48);
      const read = await all();
      for (const [index, { partition, offset }] of places.entries()) {
        const found = read.find((each) => each.partition === partition && each.offset === offset);
        expect(Buffer.from(found?.value ?? []).equals(large[index]?.value ?? Buffer.of())).toBe(true);
      }
    });

    test('headers count: small records with large ones are appended whole', async () => {
      const log = await opened();
      const headers = { trace: Buffer.alloc(600, 'x') };
      const records = Array.from({ length: 3_000 }, (_none, index) => ({ ...record(`${index}`), headers }));
      const transfer = await log.openTransfer({ id: 'w', group: 'g', topic: 't', partition: 0 });
      await log.append('t', records);
      await transfer.append('t', records, 1);
      await transfer.close();
      let next = 0;
      let found = 0;
      for (let read = await log.read('t', 0, 0, 1_000); read.length > 0; read = await log.read('t', 0, next, 1_000)) {
        found += read.filter((each) => each.headers?.['trace']?.length === 600).length;
        next = (read.at(-1)?.offset ?? 0) + 1;
      }
      expect(found).toBe(6_000);
    });

    test('progress is stored with the records it belongs to', async () => {
      const log = await opened();
      expect(await log.progressOf('not_there', 'load')).toBe(0);
      expect(await log.progressOf('t', 'load')).toBe(0);
      await log.append('t', [record('a')], { progress: { id: 'load', from: 0, done: 17 } });
      expect([await log.progressOf('t', 'load'), await log.progressOf('t', 'other')]).toEqual([17, 0]);
      await expect(
        log.append('nothing', [record('a')], { progress: { id: 'load', from: 17, done: 18 } }),
      ).rejects.toThrow();
      expect(await log.progressOf('t', 'load')).toBe(17);
      await log.append('t', [], { progress: { id: 'load', from: 17, done: 20 } });
      expect(await log.progressOf('t', 'load')).toBe(20);
    });

    test('of two that do the same work, the second is refused with its records', async () => {
      const log = await opened();
      await log.append('t', [record('a')], { progress: { id: 'load', from: 0, done: 5 } });
      await expect(
        log.append('t', [record('a')], { progress: { id: 'load', from: 0, done: 5 } }),
      ).rejects.toMatchObject({
        code: 'progress_moved',
        retryable: false,
      });
      // A transaction may take a moment to be seen.
      await expect.poll(async () => (await log.read('t', 0, 0, 10)).length).toBe(1);
      expect(await log.progressOf('t', 'load')).toBe(5);
    });

    test('a transfer appends and moves its position, or neither; whoever opens it last is the only one', async () => {
      const log = await opened();
      await log.ensureTopic('to', 2);
      const options = { id: 'work', group: 'workers', topic: 't', partition: 0 };
      const first = await log.openTransfer(options);
      expect(await first.position()).toBeNull();
      await first.append('to', [{ ...record('a'), partition: 1 }], 3);
      expect(await first.position()).toBe(3);
      const second = await log.openTransfer(options);
      await expect.poll(() => second.position()).toBe(3);
      await expect(first.append('to', [{ ...record('b'), partition: 1 }], 4)).rejects.toMatchObject({ code: 'fenced' });
      await second.append('to', [{ ...record('c'), partition: 1 }], 4);
      const values = async (): Promise<string[]> =>
        (await log.read('to', 1, 0, 10)).map(({ value }) => Buffer.from(value ?? []).toString());
      await expect.poll(values).toEqual(['a', 'c']);
      await first.close();
      await second.close();
    });

    test('a consumer sees what is there and what comes, each once and in order, from its position on', async () => {
      const log = await opened();
      await log.append('t', [record('a'), record('b'), record('c')]);
      const handler = recorder(1);
      await consume(log, handler);
      await handler.seen((self) => self.values().length === 2);
      await log.append('t', [record('d')]);
      await handler.seen((self) => self.values().length === 3);
      expect(handler.values()).toEqual(['b', 'c', 'd']);
      for (const [index, batch] of handler.batches.entries()) {
        const before = handler.batches[index - 1];
        if (before !== undefined) expect(batch.fetchPosition).toBe(before.nextPosition);
      }
    });

    test('the end of the log is confirmed by an empty batch', async () => {
      const log = await opened();
      await log.append('t', [record('a')]);
      const handler = recorder();
      await consume(log, handler);
      await handler.seen((self) => self.batches.some((batch) => batch.records.length === 0));
      const empty = handler.batches.find((batch) => batch.records.length === 0);
      expect(empty).toMatchObject({ fetchPosition: 1, nextPosition: 1, endOffset: 1 });
    });

    test('the end of a quiet partition is confirmed again and again, also while another is busy', async () => {
      const log = await opened();
      await log.ensureTopic('many', 2);
      const [place] = await log.append('many', [record('x', 'k')]);
      const busy = place?.partition ?? 0;
      const handler = recorder(0, async ({ partition, records }) => {
        if (handler.batches.length > 2_000) throw new Error('the quiet partition was forgotten');
        // Each record calls forth the next one.
        if (partition === busy && records.length > 0) await log.append('many', [record('x', 'k')]);
      });
      await consume(log, handler, { topic: 'many' });
      const quiet = ({ partition, records }: LogBatch): boolean => partition !== busy && records.length === 0;
      const quietWhileBusy = ({ batches }: Recorder): number => {
        const began = batches.findIndex(({ partition, records }) => partition === busy && records.length > 0);
        return began < 0 ? 0 : batches.slice(began).filter(quiet).length;
      };
      await handler.seen((self) => self.failures.length > 0 || quietWhileBusy(self) >= 3);
      expect(handler.failures).toEqual([]);
    });

    test('however much there is to consume, others in the process get their turn', async () => {
      const log = await opened();
      await log.append('t', [record('x')]);
      // Never at the end, and never waiting for anything: without a turn for others, the timer below would not fire.
      const handler = recorder(0, async () => {
        if (handler.batches.length > 2_000) throw new Error('nobody else gets a turn');
        await log.append('t', [record('x')]);
      });
      const consumer = await consume(log, handler);
      await handler.seen((self) => self.batches.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await consumer.close();
      expect(handler.batches.length).toBeGreaterThan(0);
      expect(handler.failures).toEqual([]);
    });

    test('batches keep to their bounds of records and of bytes, but hold one record at least', async () => {
      const log = await opened();
      await log.append(
        't',
        ['aaaa', 'bb', 'bb', 'cccccccccc', 'd'].map((value) => record(value)),
      );
      const handler = recorder();
      await consume(log, handler, { batchRecordsMax: 2, batchBytesMax: 4 });
      await handler.seen((self) => self.values().length === 5);
      expect(handler.batches.map((batch) => batch.records.length).filter((count) => count > 0)).toEqual([1, 2, 1, 1]);
    });

    test('the handler is never called twice at once, and its time holds up the next fetch', async () => {
      const log = await opened();
      await log.append(
        't',
        Array.from({ length: 6 }, (_, index) => record(`${index}`)),
      );
      let running = 0;
      let most = 0;
      const handler = recorder(0, async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running -= 1;
      });
      await consume(log, handler, { batchRecordsMax: 1 });
      await handler.seen((self) => self.values().length === 6);
      expect(most).toBe(1);
    });

    test('a paused partition delivers nothing until it is resumed', async () => {
      const log = await opened();
      const handler = recorder();
      const consumer = await consume(log, handler);
      await handler.seen((self) => self.batches.length > 0);
      consumer.pause([0]);
      const before = handler.batches.length;
      await log.append('t', [record('a')]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      // One fetch may have been on its way when it was paused, before the append.
      expect(handler.batches.length).toBeLessThanOrEqual(before + 1);
      consumer.resume([0]);
      await handler.seen((self) => self.values().length === 1);
    });

    test('after a seek the next batch is fetched from there', async () => {
      const log = await opened();
      await log.append('t', [record('a'), record('b')]);
      const handler = recorder();
      const consumer = await consume(log, handler);
      await handler.seen((self) => self.values().length === 2);
      consumer.seek(0, 0);
      await handler.seen((self) => self.values().length === 4);
      expect(handler.values()).toEqual(['a', 'b', 'a', 'b']);
    });

    test('a seek from within the handler stands', async () => {
      const log = await opened();
      await log.append('t', [record('a'), record('b'), record('c')]);
      let consumer: LogConsumer | null = null;
      let again = true;
      const handler = recorder(0, async (batch) => {
        if (batch.fetchPosition === 1 && again) consumer?.seek(0, 0);
        if (batch.fetchPosition === 1) again = false;
      });
      consumer = await consume(log, handler, { batchRecordsMax: 1 });
      await handler.seen((self) => self.values().length === 5);
      expect(handler.values()).toEqual(['a', 'b', 'a', 'b', 'c']);
    });

    test('a seek from within the handler stands, though more has been fetched meanwhile', async () => {
      const log = await opened();
      await log.append('t', [record('a'), record('b')]);
      let consumer: LogConsumer | null = null;
      let first = true;
      const handler = recorder(0, async (batch) => {
        if (!first || batch.records.length > 0) return;
        first = false;
        await log.append('t', [record('c')]);
        await delay(FETCHED_MS);
        consumer?.seek(0, 0);
      });
      consumer = await consume(log, handler);
      await handler.seen((self) => self.values().length >= 5);
      expect(handler.values()).toEqual(['a', 'b', 'a', 'b', 'c']);
    });

    test('what a consumer was given and did not keep is given again to the next', async () => {
      const log = await opened();
      await log.append('t', [record('a'), record('b')]);
      const first = recorder();
      const consumer = await consume(log, first);
      await first.seen((self) => self.values().length === 2);
      await consumer.close();
      const second = recorder(1);
      await consume(log, second);
      await second.seen((self) => self.values().length === 1);
      expect(second.values()).toEqual(['b']);
    });

    test('two groups each see every record', async () => {
      const log = await opened();
      const one = recorder();
      const other = recorder();
      await consume(log, one, { group: 'one' });
      await consume(log, other, { group: 'other' });
      await log.append('t', [record('a')]);
      await Promise.all([one, other].map((handler) => handler.seen((self) => self.values().length === 1)));
    });

    test('consumers of one group share the partitions, and one that leaves gives its share back', async () => {
      const log = await opened();
      await log.ensureTopic('many', 4);
      const keys = Array.from({ length: 40 }, (_, index) => record(`${index}`, `key-${index}`));
      const one = recorder();
      const other = recorder();
      const first = await consume(log, one, { topic: 'many' });
      const second = await consume(log, other, { topic: 'many' });
      await Promise.all([one, other].map((handler) => handler.seen((self) => self.batches.length > 0)));
      await one.seen(
        (self) => self.revocations.length === 2 || other.revocations.length === 2 || other.batches.length > 0,
      );
      await log.append('many', keys);
      const all = (): number => new Set([...one.values(), ...other.values()]).size;
      await Promise.race([one.seen(() => all() === 40), other.seen(() => all() === 40)]);
      await second.close();
      await log.append(
        'many',
        keys.map(({ key }) => ({ key, value: Buffer.from('again'), timestampMs: 1 })),
      );
      await one.seen((self) => self.values().filter((value) => value === 'again').length === 40);
      await first.close();
    });

    test('closing awaits the running call, then revokes, and nothing is delivered after', async () => {
      const log = await opened();
      await log.append('t', [record('a')]);
      let release: () => void = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const entered = Promise.withResolvers<void>();
      const handler = recorder(0, async () => {
        entered.resolve();
        await held;
      });
      const consumer = await consume(log, handler);
      await entered.promise;
      const closing = consumer.close();
      expect(handler.revocations).toEqual([]);
      release();
      await closing;
      expect(handler.revocations).toEqual([0]);
      const count = handler.batches.length;
      await log.append('t', [record('b')]);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(handler.batches.length).toBe(count);
    });

    test.for([
      ['below the first record', 1],
      ['beyond the end', 9],
    ] as const)('a position %s is a log_gap error, never a skip', async ([, position]) => {
      const log = await opened();
      await log.append('t', [record('a'), record('b'), record('c')]);
      await truncate(log, 't', 2);
      const handler = recorder(position);
      await consume(log, handler);
      await handler.seen((self) => self.failures.length > 0);
      expect(handler.failures[0]).toMatchObject({ code: 'log_gap' });
      expect(handler.values()).toEqual([]);
    });

    test('a truncated partition says when the first record that is left was appended', async () => {
      const log = await opened();
      await log.append('t', [record('a'), { ...record('b'), timestampMs: 2_000 }]);
      await truncate(log, 't', 1);
      expect(await log.ranges('t')).toEqual([{ partition: 0, startOffset: 1, endOffset: 2, startTimestampMs: 2_000 }]);
    });

    test('a truncated partition says where it begins, and goes on with its offsets', async () => {
      const log = await opened();
      await log.append('t', [record('a'), record('b'), record('c')]);
      await truncate(log, 't', 3);
      expect(await log.ranges('t')).toEqual([{ partition: 0, startOffset: 3, endOffset: 3, startTimestampMs: null }]);
      expect(await log.append('t', [record('d')])).toEqual([{ partition: 0, offset: 3 }]);
    });

    test('a fault of the handler ends the consumer, which says so', async () => {
      const log = await opened();
      await log.append('t', [record('a')]);
      const handler = recorder(0, async () => {
        throw new Error('broken handler');
      });
      await consume(log, handler);
      await handler.seen((self) => self.failures.length > 0);
      expect(handler.failures[0]).toMatchObject({ message: 'broken handler' });
    });
  });
}
