import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CorruptBytesError } from '../../src/core/bytes.ts';
import type { LogRecord } from '../../src/event/event.ts';
import { RECORD_BYTES_MAX } from '../../src/event/parse-record.ts';
import type { AppendRecord } from '../../src/log/log.ts';
import { type Bundle, bundlesForAll, bundlesOf, parseBundle, type Progress } from '../../src/materialize/transit.ts';

const PROGRESS: Progress = { partition: 3, nextOffset: 900, reachedEndAtMs: 77, lostUntilMs: null };

/** As the internal topic gives it back. */
const readBack = ({ key, value, headers = {}, partition = -1 }: AppendRecord, offset = 0): LogRecord => ({
  partition,
  offset,
  timestampMs: 1,
  key,
  value,
  headers,
});

const parsed = (appended: readonly AppendRecord[]): readonly Bundle[] =>
  appended.map((each) => parseBundle(readBack(each)) as Bundle);

const plain = ({ key, value, headers, ...rest }: LogRecord) => ({
  ...rest,
  key: key && [...key],
  value: value && [...value],
  headers: Object.entries(headers ?? {}).map(([name, bytes]) => [name, [...bytes]]),
});

const bytes = fc.uint8Array({ maxLength: 20 });
const record: fc.Arbitrary<Omit<LogRecord, 'offset'>> = fc.record(
  {
    partition: fc.constant(3),
    timestampMs: fc.integer({ min: -1e12, max: 4e12 }),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.dictionary(
      fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== '__proto__'),
      bytes,
    ),
  },
  { requiredKeys: ['partition', 'timestampMs', 'key', 'value'] },
);

test('records come back as they were, in order, whatever they hold', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 30 }), fc.nat(2 ** 40), (drawn, from) => {
      const records = drawn.map((each, index) => ({ ...each, offset: from + index * 3 }));
      const bundles = parsed(bundlesOf(records, PROGRESS, 1));
      expect(bundles.flatMap((bundle) => bundle.records.map(plain))).toEqual(records.map(plain));
      expect(bundles.at(-1)?.progress).toEqual(PROGRESS);
    }),
  );
});

const many = (count: number, size: number): readonly LogRecord[] =>
  Array.from({ length: count }, (_none, offset) => ({
    partition: 3,
    offset,
    timestampMs: 5,
    key: null,
    value: Buffer.alloc(size, offset),
  }));

test.for([
  ['records', 2_500, 1, [1_000, 1_000, 500]],
  ['bytes', 10, 100_000, [3, 3, 3, 1]],
  ['records, to the last one', 2_000, 1, [1_000, 1_000]],
] as const)('a bundle is bounded in %s, and tells of each but the last what it moved', ([, count, size, sizes]) => {
  const bundles = parsed(bundlesOf(many(count, size), PROGRESS, 1));
  expect(bundles.map(({ records }) => records.length)).toEqual(sizes);
  expect(bundles.slice(0, -1).map(({ progress }) => progress)).toEqual(
    bundles.slice(0, -1).map(({ records }) => ({
      ...PROGRESS,
      nextOffset: (records.at(-1)?.offset ?? 0) + 1,
      reachedEndAtMs: null,
    })),
  );
  expect(bundles.at(-1)?.progress).toEqual(PROGRESS);
});

test('every internal partition is told of the progress, those that get nothing, too', () => {
  const bundles = bundlesForAll(many(3, 1), PROGRESS, 4, ({ offset }) => (offset === 1 ? 2 : 0));
  expect(bundles.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
  expect(parsed(bundles).map(({ records }) => records.map(({ offset }) => offset))).toEqual([[0, 2], [], [1], []]);
  for (const { progress } of parsed(bundles)) expect(progress).toEqual(PROGRESS);
});

test('a record too large to be read is cut to what is too large still', () => {
  const [bundle] = parsed(bundlesOf(many(1, RECORD_BYTES_MAX + 5_000), PROGRESS, 0));
  expect(bundle?.records[0]?.value?.length).toBe(RECORD_BYTES_MAX + 1);
});

test('what somebody else wrote into the topic is no bundle; what is broken is an error', () => {
  expect(parseBundle(readBack({ key: null, value: Buffer.from('x'), timestampMs: null }))).toBeNull();
  const [whole] = bundlesOf(many(2, 40), PROGRESS, 0) as [AppendRecord];
  const value = whole.value as Uint8Array;
  expect(() => parseBundle(readBack({ ...whole, value: value.subarray(0, 60) }))).toThrow(CorruptBytesError);
  expect(() => parseBundle(readBack({ ...whole, value: Buffer.from([2, ...value.subarray(1)]) }))).toThrow('format 2');
});
