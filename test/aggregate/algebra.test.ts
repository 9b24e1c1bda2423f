/**
 * The laws every aggregation keeps, over every type it takes: events added in any order, in any grouping, through any
 * merges and with states stored and read in between, give the same bytes and the same value; and bytes that nobody
 * wrote are refused or read as a state, never anything else.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Aggregation, type Algebra, OVER_LIMIT } from '../../src/aggregate/aggregation.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../../src/core/bytes.ts';
import { formatType, type Value } from '../../src/core/value.ts';
import type { AggregationParams } from '../../src/definition/definition.ts';
import { INPUTS, type InputCase, type PlacedEvent, placedEvents } from './generators.ts';

const PARAMS: Readonly<Record<string, readonly AggregationParams[]>> = {
  last_n: [{ n: 1 }, { n: 3 }, { n: 1_000 }],
  top_k: [
    { k: 3, keys_max: 1_000 },
    { k: 2, keys_max: 4 },
  ],
  histogram: [{ edges: [0] }, { edges: [-1e16, -0.5, 0, 1, 1e288] }],
  quantile: [{ q: 0 }, { q: 0.5 }, { q: 1 }],
};

interface Case {
  readonly label: string;
  readonly aggregation: Aggregation;
  readonly algebra: Algebra<unknown>;
  readonly params: AggregationParams;
  readonly input: InputCase | null;
}

function* allCases(): Generator<Case> {
  for (const aggregation of AGGREGATIONS.values()) {
    for (const params of PARAMS[aggregation.name] ?? [{}]) {
      for (const input of [null, ...INPUTS]) {
        const field = input === null ? null : { type: input.type, nullable: true };
        if (field === null ? aggregation.of === 'required' : 'problem' in aggregation.resultType(field, params))
          continue;
        const label = `${aggregation.name} ${JSON.stringify(params)} of ${field === null ? 'events' : formatType(field.type)}`;
        const algebra = aggregation.algebra(input?.type ?? null, params);
        yield { label, aggregation, algebra, params, input };
      }
    }
  }
}

const CASES = [...allCases()];

function valuesFor({ aggregation, input }: Case): fc.Arbitrary<Value> {
  return input === null ? fc.constant(true) : input.values(aggregation.magnitude);
}

function bytesOf({ algebra }: Case, state: unknown): string {
  const writer = new ByteWriter();
  algebra.encode(state, writer);
  return Buffer.from(writer.copy()).toString('hex');
}

function stored({ algebra }: Case, state: unknown): unknown {
  const writer = new ByteWriter();
  algebra.encode(state, writer);
  const reader = new ByteReader(writer.copy());
  const read = algebra.decode(reader);
  expect(reader.remaining).toBe(0);
  return read;
}

function addAll({ algebra }: Case, events: readonly PlacedEvent[]): unknown {
  const state = algebra.create();
  for (const { value, tsMs, partition, offset } of events) algebra.add(state, value, tsMs, partition, offset);
  return state;
}

/** Deals events to groups and merges the groups in an order, some of them stored and read first: `choices` decides all. */
function addScattered(testCase: Case, events: readonly PlacedEvent[], choices: readonly number[]): unknown {
  const { algebra } = testCase;
  const choice = (index: number): number => choices[index % choices.length] as number;
  let groups: unknown[] = Array.from({ length: 1 + (choice(0) % 5) }, () => algebra.create());
  for (const [index, { value, tsMs, partition, offset }] of events.entries()) {
    algebra.add(groups[choice(index + 1) % groups.length], value, tsMs, partition, offset);
  }
  for (let step = 0; groups.length > 1; step++) {
    const at = choice(step) % groups.length;
    const from = groups[at];
    groups = groups.filter((_, index) => index !== at);
    const into = choice(step + 1) % groups.length;
    if (choice(step + 2) % 3 === 0) groups[into] = stored(testCase, groups[into]);
    algebra.merge(groups[into], choice(step + 3) % 3 === 0 ? stored(testCase, from) : from);
  }
  return groups[0];
}

function shuffled<T>(items: readonly T[], choices: readonly number[]): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = (choices[index % choices.length] as number) % (index + 1);
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}

const choicesArbitrary = fc.array(fc.nat(), { minLength: 1, maxLength: 60 });

/** Values and symbols as text that tells −0 from +0 and bigints from numbers. */
function show(value: unknown): string {
  if (value === OVER_LIMIT) return 'OVER_LIMIT';
  return JSON.stringify(value, (_name, item: unknown) => {
    if (Object.is(item, -0)) return '−0';
    return typeof item === 'bigint' ? `${item}n` : item;
  });
}

for (const testCase of CASES) {
  const { aggregation, params, label } = testCase;

  test(`${label}: any order, grouping and storing gives the same bytes and value`, () => {
    fc.assert(
      fc.property(placedEvents(valuesFor(testCase)), choicesArbitrary, (events, choices) => {
        const plain = addAll(testCase, events);
        const scattered = addScattered(testCase, shuffled(events, choices), choices);
        expect(bytesOf(testCase, scattered)).toBe(bytesOf(testCase, plain));
        expect(show(aggregation.evaluate(scattered, params))).toBe(show(aggregation.evaluate(plain, params)));
      }),
      { numRuns: 150 },
    );
  });

  test(`${label}: evaluate, encode and merge leave what they read unchanged, and nothing is shared`, () => {
    fc.assert(
      fc.property(placedEvents(valuesFor(testCase)), placedEvents(valuesFor(testCase)), (events, others) => {
        const state = addAll(testCase, events);
        const before = bytesOf(testCase, state);
        const value = show(aggregation.evaluate(state, params));
        const into = addAll(testCase, others);
        testCase.algebra.merge(into, state);
        const merged = bytesOf(testCase, into);
        // What happens to one afterwards does not reach the other.
        testCase.algebra.merge(state, addAll(testCase, others));
        for (const { value: added, tsMs, partition } of [...events, ...others]) {
          testCase.algebra.add(state, added, tsMs, partition, 1_000);
        }
        expect(bytesOf(testCase, into)).toBe(merged);
        const again = stored(testCase, addAll(testCase, events));
        testCase.algebra.merge(again, into);
        expect(bytesOf(testCase, into)).toBe(merged);
        const fresh = addAll(testCase, events);
        for (let round = 0; round < 3; round++) {
          expect(show(aggregation.evaluate(fresh, params))).toBe(value);
          expect(bytesOf(testCase, fresh)).toBe(before);
        }
      }),
      { numRuns: 60 },
    );
  });

  test(`${label}: no encoded state is longer than bytesMax says, text and open arrays apart`, () => {
    fc.assert(
      fc.property(placedEvents(valuesFor(testCase)), (events) => {
        const kinds = testCase.input?.type.kind;
        if (kinds === 'string' || kinds === 'array' || kinds === 'struct') return;
        const length = bytesOf(testCase, addAll(testCase, events)).length / 2;
        expect(length).toBeLessThanOrEqual(aggregation.bytesMax(testCase.input?.type ?? null, params));
      }),
      { numRuns: 30 },
    );
  });

  test(`${label}: cut and altered bytes are refused as corrupt or read as a state`, () => {
    fc.assert(
      fc.property(
        placedEvents(valuesFor(testCase)),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat()),
        (events, flips, cut) => {
          const written = Buffer.from(bytesOf(testCase, addAll(testCase, events)), 'hex');
          for (const [at, mask] of flips)
            written[at % written.length] = (written[at % written.length] as number) ^ mask;
          const bytes = cut === null ? written : written.subarray(0, cut % written.length);
          readAnything(testCase, bytes);
        },
      ),
      { numRuns: 150 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => readAnything(testCase, bytes)),
      { numRuns: 150 },
    );
  });

  test(`${label}: every proper prefix of a state is refused`, () => {
    fc.assert(
      fc.property(placedEvents(valuesFor(testCase)), (events) => {
        const written = Buffer.from(bytesOf(testCase, addAll(testCase, events)), 'hex');
        for (let length = 0; length < written.length; length++) {
          const prefix = new ByteReader(written.subarray(0, length));
          expect(() => testCase.algebra.decode(prefix)).toThrow(CorruptBytesError);
        }
      }),
      { numRuns: 5 },
    );
  });
}

/** Decoding throws CorruptBytesError or gives a state that can be used. */
function readAnything(testCase: Case, bytes: Uint8Array): void {
  let state: unknown;
  try {
    state = testCase.algebra.decode(new ByteReader(bytes));
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(CorruptBytesError);
    return;
  }
  testCase.aggregation.evaluate(state, testCase.params);
  bytesOf(testCase, state);
  testCase.algebra.merge(testCase.algebra.create(), state);
}

test('a state with more entries or keys than its parameters allow is refused', () => {
  for (const [name, roomy, strict] of [
    ['last_n', { n: 5 }, { n: 4 }],
    ['top_k', { k: 1, keys_max: 5 }, { k: 1, keys_max: 4 }],
  ] as const) {
    const aggregation = AGGREGATIONS.get(name) as Aggregation;
    const algebra = aggregation.algebra({ kind: 'int' }, roomy);
    const state = algebra.create();
    for (let key = 0; key < 5; key++) algebra.add(state, key, key, 0, key);
    const writer = new ByteWriter();
    algebra.encode(state, writer);
    const reader = new ByteReader(writer.copy());
    expect(() => aggregation.algebra({ kind: 'int' }, strict).decode(reader)).toThrow(CorruptBytesError);
  }
});

test('every aggregation is tried over several types', () => {
  const tried = new Set(CASES.map(({ aggregation }) => aggregation.name));
  expect([...tried].sort()).toEqual([...AGGREGATIONS.keys()].sort());
  expect(CASES.length).toBeGreaterThan(60);
});
