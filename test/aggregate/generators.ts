/** Values for random tests: every magnitude, and the places where arithmetic and text go wrong. Imports nothing from src/. */
import * as fc from 'fast-check';

const SPECIAL_DOUBLES = [
  0,
  1,
  -1,
  0.1,
  0.5,
  3,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  2 ** -1022,
  2 ** -537,
  1e16,
  -1e16,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  1e288,
  -1e288,
  2 ** 480,
  2 ** -480,
];

function withinBounds(x: number, least: number, most: number): boolean {
  return Number.isFinite(x) && (x === 0 || (Math.abs(x) >= least && Math.abs(x) <= most));
}

/** A random significand at a random binary exponent: uniform over magnitudes, unlike uniform doubles. */
function spread(exponentMin: number, exponentMax: number): fc.Arbitrary<number> {
  return fc
    .tuple(fc.maxSafeInteger(), fc.integer({ min: exponentMin, max: exponentMax }))
    .map(([significand, exponent]) => plusZero((significand / 2 ** 53) * 2 ** exponent));
}

function plusZero(x: number): number {
  return x === 0 ? 0 : x;
}

/** Any finite double but −0. */
export const anyDouble: fc.Arbitrary<number> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(plusZero),
  spread(-1074, 1023),
  fc.constantFrom(...SPECIAL_DOUBLES, Number.MAX_VALUE, -Number.MAX_VALUE),
);

/** What `sum` and `mean` take: |x| ≤ 2^960. */
export const sumDouble: fc.Arbitrary<number> = fc.oneof(
  anyDouble.filter((x) => withinBounds(x, 0, 2 ** 960)),
  spread(-60, 60),
  fc.constantFrom(2 ** 960, -(2 ** 960), ...SPECIAL_DOUBLES),
);

/** What `variance` and `stddev` take: 0, or 2^−480 ≤ |x| ≤ 2^480. */
export const squareDouble: fc.Arbitrary<number> = fc
  .oneof(spread(-479, 480), spread(-60, 60), fc.constantFrom(...SPECIAL_DOUBLES, -(2 ** 480), -(2 ** -480)))
  .filter((x) => withinBounds(x, 2 ** -480, 2 ** 480));

export const safeInteger: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: -4, max: 4 }),
  fc.maxSafeInteger().map(plusZero),
  fc.constantFrom(2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 52, -(2 ** 52), 2 ** 52 - 2, 2 ** 52 - 1),
);

export const timestampMs: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_010 }),
  fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }).map(plusZero),
);

export const int64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n),
);

/** Well-formed text: empty, astral, at the ends of the ranges where UTF-16 and UTF-8 order differ, and repeated often. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', 'a', 'aa', 'b', '\u{0}', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}', '𝄞', 'é'),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'binary', minLength: 40, maxLength: 50 }),
);

type Magnitude = 'any' | 'sum' | 'square';

type InputType =
  | { readonly kind: 'string' | 'bool' | 'int' | 'int64' | 'double' | 'timestamp' }
  | {
      readonly kind: 'array';
      readonly element: InputType;
      readonly elementNullable: boolean;
      readonly length: number | null;
    }
  | {
      readonly kind: 'struct';
      readonly fields: readonly { readonly name: string; readonly type: InputType; readonly nullable: boolean }[];
    };

type Value = null | string | boolean | number | bigint | readonly Value[] | { readonly [field: string]: Value };

/** A type that aggregations may take, and values of it within the bounds that an aggregation asks for. */
export interface InputCase {
  readonly type: InputType;
  readonly values: (magnitude: Magnitude) => fc.Arbitrary<Value>;
}

const DOUBLES: Readonly<Record<Magnitude, fc.Arbitrary<number>>> = {
  any: anyDouble,
  sum: sumDouble,
  square: squareDouble,
};

const STRUCT: InputType = {
  kind: 'struct',
  fields: [
    { name: 'amount', type: { kind: 'double' }, nullable: true },
    { name: 'kind', type: { kind: 'string' }, nullable: false },
    { name: 'at', type: { kind: 'timestamp' }, nullable: true },
  ],
};

export const INPUTS: readonly InputCase[] = [
  { type: { kind: 'double' }, values: (magnitude) => DOUBLES[magnitude] },
  { type: { kind: 'int' }, values: () => safeInteger },
  { type: { kind: 'int64' }, values: () => int64 },
  { type: { kind: 'timestamp' }, values: () => timestampMs },
  { type: { kind: 'string' }, values: () => text },
  { type: { kind: 'bool' }, values: () => fc.boolean() },
  {
    type: { kind: 'array', element: { kind: 'string' }, elementNullable: true, length: null },
    values: () => fc.array(fc.option(text), { maxLength: 4 }).map((items) => Object.freeze(items)),
  },
  {
    type: { kind: 'array', element: { kind: 'double' }, elementNullable: false, length: 3 },
    values: () => fc.array(anyDouble, { minLength: 3, maxLength: 3 }).map((items) => Object.freeze(items)),
  },
  {
    type: STRUCT,
    values: () =>
      fc
        .tuple(fc.option(anyDouble), text, fc.option(timestampMs))
        .map(([amount, kind, at]) => Object.freeze({ amount, kind, at })),
  },
];

export interface PlacedEvent {
  readonly value: Value;
  readonly tsMs: number;
  readonly partition: number;
  readonly offset: number;
}

/** Events with equal times, partitions and offsets here and there, but no two in the same place. */
export function placedEvents(values: fc.Arbitrary<Value>): fc.Arbitrary<PlacedEvent[]> {
  const place = fc.tuple(
    fc.oneof(fc.integer({ min: 0, max: 3 }), timestampMs),
    fc.integer({ min: 0, max: 2 }),
    fc.oneof(fc.integer({ min: 0, max: 20 }), fc.maxSafeNat()),
  );
  return fc
    .uniqueArray(fc.tuple(place, values), { maxLength: 40, selector: ([at]) => at.join() })
    .map((events) => events.map(([[tsMs, partition, offset], value]) => ({ value, tsMs, partition, offset })));
}
