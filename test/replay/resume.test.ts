/** The same training set, byte for byte, however the log is partitioned, in whatever steps it is built, and wherever it was stopped. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openEventFiles } from '../../src/cli/event-files.ts';
import { SkewlessError } from '../../src/core/errors.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import type { PositionIndex } from '../../src/replay/known-times.ts';
import type { LogRecord } from '../../src/event/event.ts';
import { createRandom } from '../oracle/random.ts';
import { load } from '../property/engine.ts';
import { createMemoryReader, folderForTest, serviceOf, trainFor, trainTo } from './support.ts';

const DEFINITIONS = `
sources:
  - name: payments
    key: [customer]
    event_time: at
    clock: watermark
    fields: { customer: string, merchant: string, at: timestamp, amount: double }
entities:
  - { name: customer, keys: { customer: string } }
  - { name: merchant, keys: { merchant: string } }
views:
  - name: spending
    entity: customer
    source: payments
    features:
      - { name: spent, agg: sum, of: amount, windows: [1h, 7d] }
      - { name: recent, agg: last_n, n: 5, of: amount }
  - name: takings
    entity: merchant
    source: payments
    features: [{ name: taken, agg: mean, of: amount, windows: [1h, 7d] }, { name: last, agg: last, of: amount }]
services:
  - { name: scoring, features: [spending.*, takings.*] }
`;
const SERVICE = serviceOf(load(DEFINITIONS));

const SERVICE_SOURCE = (SERVICE.appearances[0] as (typeof SERVICE.appearances)[number]).view.source;
const START_MS = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

interface Payment {
  readonly customer: string;
  readonly merchant: string;
  readonly at: number;
  readonly amount: number;
}

/** No two at one time: of such, which is the last is a matter of partitions. */
function paymentsFor(seed: number): readonly Payment[] {
  const random = createRandom(seed);
  const times = [...new Set(Array.from({ length: 3_000 }, () => START_MS + random.integer(0, 10 * DAY_MS)))];
  return random.shuffle(times).map((at) => ({
    customer: `c${random.integer(0, 40)}`,
    merchant: `m${random.integer(0, 5)}`,
    at,
    amount: random.integer(-1_000_000, 1_000_000) / 997,
  }));
}

function recordsOf(payments: readonly Payment[], partitions: number): readonly LogRecord[] {
  const ends = Array.from({ length: partitions }, () => 0);
  return payments.map((payment) => {
    const key = Buffer.from(payment.customer);
    const partition = partitionOf(key, partitions, 'murmur2') ?? 0;
    const offset = ends[partition] as number;
    ends[partition] = offset + 1;
    const value = Buffer.from(JSON.stringify(payment));
    return { partition, offset, timestampMs: START_MS + 20 * DAY_MS, key, value };
  });
}

function labelsFor(seed: number): readonly object[] {
  const random = createRandom(seed);
  return Array.from({ length: 400 }, (_none, index) => ({
    number: index,
    timestamp: new Date(START_MS + random.integer(0, 11 * DAY_MS)).toISOString(),
    customer: `c${random.integer(0, 45)}`,
    merchant: `m${random.integer(0, 6)}`,
  }));
}

const PAYMENTS = paymentsFor(1);
const LABELS = labelsFor(2);
const BOUNDS = { chunkEvents: 700, partRows: 900, sortBytes: 20_000 };
const SMALL_PARTS = { partRows: 100 };

async function bytesFor(records: readonly LogRecord[], batchRecords: number, bounds: object): Promise<Buffer> {
  const readers = new Map([['payments', createMemoryReader(records, { batchRecords })]]);
  const { out } = await trainFor({ service: SERVICE, readers, labels: LABELS, bounds });
  return readFileSync(out);
}

test('1, 4 and 16 partitions, any order of arrival, and any cut into batches, chunks and parts give the same file', async () => {
  const first = await bytesFor(recordsOf(PAYMENTS, 1), 1_000, {});
  expect((await bytesFor(recordsOf(PAYMENTS, 4), 1_000, {})).equals(first)).toBe(true);
  expect((await bytesFor(recordsOf(createRandom(3).shuffle(PAYMENTS), 16), 97, BOUNDS)).equals(first)).toBe(true);
});

test.skipIf(availableParallelism() < 2)('several threads give the same file as one', async () => {
  const records = recordsOf(PAYMENTS, 4);
  const first = await bytesFor(records, 1_000, {});
  async function bytesBy(text: string): Promise<Buffer> {
    const readers = new Map([['payments', createMemoryReader(records)]]);
    const definitionFiles = [{ path: 'definitions.yaml', text }];
    // Parts enough for each thread to have some.
    const { out } = await trainFor({ service: SERVICE, readers, labels: LABELS, definitionFiles, bounds: SMALL_PARTS });
    return readFileSync(out);
  }
  expect((await bytesBy(DEFINITIONS)).equals(first)).toBe(true);
  // It is other threads indeed, and what one of them fails with ends the run.
  const other = bytesBy(DEFINITIONS.replace('n: 5', 'n: 6'));
  await expect(other).rejects.toMatchObject({ message: expect.stringContaining('the same service') as string });
});

/** One line an event, each in the file of its partition. */
function filesOf(payments: readonly Payment[], count: number): readonly string[] {
  const folder = folderForTest();
  const lines = Map.groupBy(recordsOf(payments, count), ({ partition }) => partition);
  return [...lines].map(([partition, records]) => {
    const path = join(folder, `${partition}.jsonl`);
    writeFileSync(path, records.map(({ value }) => `${value?.toString()}\n`).join(''));
    return path;
  });
}

test('1, 4 and 16 files, named in any order, whatever the order of their lines, give the same file as a log', async () => {
  const first = await bytesFor(recordsOf(PAYMENTS, 4), 1_000, {});
  const random = createRandom(4);
  for (const count of [1, 4, 16]) {
    const paths = filesOf(random.shuffle(PAYMENTS), count);
    expect(paths).toHaveLength(count);
    for (const named of [paths, random.shuffle(paths)]) {
      const readers = new Map([['payments', await openEventFiles(SERVICE_SOURCE, named, null)]]);
      const { out } = await trainTo({ service: SERVICE, readers, labels: LABELS, bounds: BOUNDS });
      expect([count, readFileSync(out).equals(first)]).toEqual([count, true]);
    }
  }
});

test('a run that is stopped anywhere goes on when it is run again, and the file is the same', async () => {
  const whole = await bytesFor(recordsOf(PAYMENTS, 4), 100, BOUNDS);
  const folder = folderForTest();
  const reads: number[] = [];
  let stops = 0;
  for (let finished = false; !finished; ) {
    const stop = new AbortController();
    let left = 10;
    const reader = createMemoryReader(recordsOf(PAYMENTS, 4), { batchRecords: 100 });
    let taken = 0;
    const counting = {
      ...reader,
      read: (...[ranges, sink, run]: Parameters<typeof reader.read>) =>
        reader.read(
          ranges,
          async (batch) => {
            taken += batch.records.length;
            await sink(batch);
          },
          run,
        ),
    };
    try {
      await trainFor({
        service: SERVICE,
        readers: new Map([['payments', counting]]),
        labels: LABELS,
        labelsPath: join(folder, 'labels.jsonl'),
        outPath: join(folder, 'train.parquet'),
        bounds: BOUNDS,
        signal: stop.signal,
        onProgress(share) {
          // The rows of the first and the last step are one by one; they count once each time.
          if (share <= 0.05 || share > 0.9 ? false : --left <= 0) stop.abort(new Error('stopped'));
        },
      });
      finished = true;
    } catch (error) {
      expect(String(error)).toContain('stopped');
      expect(readdirSync(folder).filter((name) => /^train\.(parquet|manifest\.json)$/.test(name))).toEqual([]);
      stops += 1;
    }
    reads.push(taken);
  }
  expect(stops).toBeGreaterThan(1);
  // What was done is not done again.
  expect(reads.at(-1)).toBeLessThan(PAYMENTS.length);
  expect(readFileSync(join(folder, 'train.parquet')).equals(whole)).toBe(true);
  expect(readdirSync(dirname(join(folder, 'train.parquet'))).toSorted()).toEqual([
    'labels.jsonl',
    'train.manifest.json',
    'train.parquet',
  ]);
});

/** Everything was known at a time. */
function notesOf(namespace: string, atMs: number): PositionIndex {
  return { identity: namespace, firstMs: () => START_MS, firstNext: () => 0, knownMs: () => atMs };
}

test("a stopped run of what one deployment knew is not gone on with by another one's notes", async () => {
  const folder = folderForTest();
  const known = (positionIndex: PositionIndex, onProgress: (share: number) => void) =>
    trainTo({
      service: SERVICE,
      readers: new Map([['payments', createMemoryReader(recordsOf(PAYMENTS, 4))]]),
      labels: LABELS,
      labelsPath: join(folder, 'labels.jsonl'),
      outPath: join(folder, 'train.parquet'),
      bounds: BOUNDS,
      knowledge: 'arrival',
      positionIndex,
      onProgress,
    });
  const stopped = known(notesOf('one', START_MS), (share) => {
    if (share > 0.6) throw new Error('stopped');
  });
  await expect(stopped).rejects.toThrow('stopped');
  const { manifest } = await known(notesOf('other', START_MS + 20 * DAY_MS), () => {});
  // By its notes, nothing was known at any label's time.
  expect(manifest.late_data?.map(({ missing }) => missing)).not.toContain(0);
});

test('a run that cannot go on, for the log has forgotten what it was to read, says how to begin anew', async () => {
  const reader = createMemoryReader(recordsOf(PAYMENTS, 4));
  const read = () => Promise.reject(new SkewlessError('log_gap', 'partition 0 begins at offset 9'));
  const readers = new Map([['payments', { ...reader, read }]]);
  await expect(trainFor({ service: SERVICE, readers, labels: LABELS })).rejects.toThrow(
    /partition 0 begins at offset 9; .*delete \S+train\.parquet\.work-[0-9a-f]{16} to begin anew/,
  );
});

test('what a finished run read of the log is in the manifest, by partition', async () => {
  const records = recordsOf(PAYMENTS, 4);
  const readers = new Map([['payments', createMemoryReader(records)]]);
  const { manifest } = await trainFor({ service: SERVICE, readers, labels: LABELS });
  const [source] = manifest.sources;
  for (const [partition, some] of Map.groupBy(records, (record) => record.partition)) {
    expect(source?.positions[partition]).toEqual({ from: 0, next: some.length });
  }
  expect(source?.records).toBe(records.length);
  expect(manifest.rows).toBe(LABELS.length);
});
