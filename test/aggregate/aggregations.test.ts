/** What each aggregation gives, case by case: DESIGN's words for order, ties, bounds and empty windows. */
import { expect, test } from 'vitest';
import { type Aggregation, OVER_LIMIT } from '../../src/aggregate/aggregation.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { ByteReader, ByteWriter } from '../../src/core/bytes.ts';
import type { ScalarKind, Value, ValueType } from '../../src/core/value.ts';
import type { AggregationParams } from '../../src/definition/definition.ts';

type Row = readonly [value: Value, tsMs?: number, partition?: number, offset?: number];

function named(name: string): Aggregation {
  return AGGREGATIONS.get(name) as Aggregation;
}

/** Rows without a place come one after the other. */
function compute(
  name: string,
  type: ScalarKind | ValueType,
  rows: readonly Row[],
  params: AggregationParams = {},
): unknown {
  const aggregation = named(name);
  const algebra = aggregation.algebra(typeof type === 'string' ? { kind: type } : type, params);
  const state = algebra.create();
  for (const [index, [value, tsMs = index, partition = 0, offset = index]] of rows.entries()) {
    algebra.add(state, value, tsMs, partition, offset);
  }
  return aggregation.evaluate(state, params);
}

function rowsOf(...values: Value[]): Row[] {
  return values.map((value): Row => [value]);
}

test('over an empty window: count and sum 0, lists empty, histogram zeros, the others null', () => {
  const params = { n: 3, k: 2, keys_max: 10, q: 0.5, edges: [0, 1] };
  const empty = Object.fromEntries([...AGGREGATIONS.keys()].map((name) => [name, compute(name, 'int', [], params)]));
  expect(empty).toEqual({
    count: 0,
    sum: 0,
    mean: null,
    min: null,
    max: null,
    variance: null,
    stddev: null,
    first: null,
    last: null,
    last_n: [],
    time_since_last: null,
    count_distinct: null,
    top_k: [],
    histogram: [0, 0, 0],
    quantile: null,
  });
});

test('first, last and last_n follow (ts, partition, offset), not arrival', () => {
  const rows: Row[] = [
    ['d', 5, 1, 0],
    ['b', 5, 0, 7],
    ['a', 4, 9, 9],
    ['c', 5, 0, 8],
    ['e', 5, 1, 2],
  ];
  for (const arrived of [rows, rows.toReversed()]) {
    expect(compute('first', 'string', arrived)).toBe('a');
    expect(compute('last', 'string', arrived)).toBe('e');
    expect(compute('last_n', 'string', arrived, { n: 3 })).toEqual(['e', 'd', 'c']);
    expect(compute('last_n', 'string', arrived, { n: 9 })).toEqual(['e', 'd', 'c', 'b', 'a']);
  }
});

test('last_n keeps structs whole, nulls among their members included, and its answer is frozen', () => {
  const type: ValueType = {
    kind: 'struct',
    fields: [
      { name: 'amount', type: { kind: 'double' }, nullable: true },
      { name: 'kind', type: { kind: 'string' }, nullable: true },
    ],
  };
  const structs = [
    { amount: null, kind: 'a' },
    { amount: 1.5, kind: null },
    { amount: null, kind: null },
  ];
  const served = compute('last_n', type, rowsOf(...structs), { n: 2 });
  expect(served).toEqual([structs[2], structs[1]]);
  expect(Object.isFrozen(served)).toBe(true);
});

test('what was read back from bytes is frozen too', () => {
  const type: ValueType = {
    kind: 'struct',
    fields: [
      {
        name: 'tags',
        type: { kind: 'array', element: { kind: 'string' }, elementNullable: true, length: null },
        nullable: false,
      },
    ],
  };
  const algebra = named('last').algebra(type, {});
  const state = algebra.create();
  algebra.add(state, { tags: ['a', null] }, 0, 0, 0);
  const writer = new ByteWriter();
  algebra.encode(state, writer);
  const value = named('last').evaluate(algebra.decode(new ByteReader(writer.copy())), {}) as { tags: unknown };
  expect(value).toEqual({ tags: ['a', null] });
  expect(Object.isFrozen(value) && Object.isFrozen(value.tags)).toBe(true);
});

test('min and max: int64 beyond doubles, text by UTF-8 bytes, false before true, extremes of time', () => {
  expect(compute('max', 'int64', rowsOf(2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)))).toBe(2n ** 53n + 1n);
  expect(compute('min', 'int64', rowsOf(2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)))).toBe(-(2n ** 63n));
  expect(compute('max', 'string', rowsOf('\u{ffff}', '\u{10000}', 'z', ''))).toBe('\u{10000}');
  expect(compute('max', 'string', rowsOf('a\u{e000}', 'a\u{1f600}'))).toBe('a\u{1f600}');
  expect(compute('min', 'string', rowsOf('\u{ffff}', '\u{10000}', 'z', ''))).toBe('');
  expect(compute('min', 'string', rowsOf('ab', 'a', 'b'))).toBe('a');
  expect(compute('min', 'bool', rowsOf(true, false))).toBe(false);
  expect(compute('max', 'bool', rowsOf(true, false))).toBe(true);
  expect(compute('max', 'timestamp', rowsOf(-8.64e15, 8.64e15))).toBe(8.64e15);
  expect(compute('min', 'double', rowsOf(5e-324, Number.MAX_VALUE, 0))).toBe(0);
});

test('time_since_last is the newest event time, to be subtracted from as_of by whoever renders it', () => {
  const rows: Row[] = [
    [true, 7, 0, 0],
    [true, 9, 0, 1],
    [true, 8, 0, 2],
  ];
  expect(compute('time_since_last', 'bool', rows)).toBe(9);
  expect(compute('time_since_last', 'bool', [[true, -5, 0, 0]])).toBe(-5);
  expect([...AGGREGATIONS.values()].filter((aggregation) => aggregation.relativeToAsOf)).toEqual([
    named('time_since_last'),
  ]);
});

test('top_k: by count descending, then by key ascending in the order of its type', () => {
  const keys = ['b', '\u{10000}', 'a', '\u{ffff}', 'b', ''];
  expect(compute('top_k', 'string', rowsOf(...keys), { k: 4, keys_max: 9 })).toEqual(['b', '', 'a', '\u{ffff}']);
  expect(compute('top_k', 'int', rowsOf(10, 9, -1, 100), { k: 9, keys_max: 9 })).toEqual([-1, 9, 10, 100]);
  const ids = rowsOf(2n ** 53n + 1n, 2n ** 53n, 2n ** 53n + 1n);
  expect(compute('top_k', 'int64', ids, { k: 1, keys_max: 9 })).toEqual([2n ** 53n + 1n]);
  expect(compute('top_k', 'bool', rowsOf(true, false), { k: 2, keys_max: 9 })).toEqual([false, true]);
});

test('top_k: keys_max keys are held; one more, in one state or in a union, is OVER_LIMIT for good', () => {
  const params = { k: 1, keys_max: 3 };
  expect(compute('top_k', 'int', rowsOf(1, 2, 3, 3), params)).toEqual([3]);
  expect(compute('top_k', 'int', rowsOf(1, 2, 3, 4), params)).toBe(OVER_LIMIT);
  expect(compute('top_k', 'int', rowsOf(1, 2, 3, 4, 1, 1, 1), params)).toBe(OVER_LIMIT);
  const algebra = named('top_k').algebra({ kind: 'int' }, params);
  const [left, right] = [algebra.create(), algebra.create()];
  for (const key of [1, 2]) algebra.add(left, key, 0, 0, 0);
  for (const key of [3, 4]) algebra.add(right, key, 0, 0, 0);
  const union = algebra.create();
  algebra.merge(union, left);
  expect(named('top_k').evaluate(union, params)).toEqual([1]);
  algebra.merge(union, right);
  expect(named('top_k').evaluate(union, params)).toBe(OVER_LIMIT);
});

test('histogram: an edge belongs to the bucket that begins with it', () => {
  const edges = [-0.5, 0, 10];
  const values = [-1, -0.5, -5e-324, 0, 5e-324, 9.999, 10, 1e308];
  expect(compute('histogram', 'double', rowsOf(...values), { edges })).toEqual([1, 2, 3, 2]);
  const at = named('histogram').algebra({ kind: 'double' }, { edges });
  const state = at.create();
  const served = named('histogram').evaluate(state, { edges });
  at.add(state, 1, 0, 0, 0);
  expect(served).toEqual([0, 0, 0, 0]);
});

test('quantile takes the value of rank ⌊q·(n − 1)⌋', () => {
  const rows = rowsOf(1, 100, 10_000, 1_000_000);
  const served = [0, 0.33, 0.34, 0.66, 0.67, 0.99, 1].map((q) => compute('quantile', 'double', rows, { q }) as number);
  const ranks = served.map((value) => Math.round(Math.log10(value) / 2));
  expect(ranks).toEqual([0, 0, 1, 1, 2, 2, 3]);
  expect(compute('quantile', 'int', rowsOf(0, 0, 0, 5), { q: 0.5 })).toBe(0);
});

test('aggregations that may share a state say so, and only those', () => {
  const params = { n: 3, k: 2, keys_max: 10, q: 0.5, edges: [0, 1] };
  const keys = new Map<string, string[]>();
  for (const aggregation of AGGREGATIONS.values()) {
    const key = aggregation.stateKey(params);
    keys.set(key, [...(keys.get(key) ?? []), aggregation.name]);
  }
  expect([...keys.values()].filter((names) => names.length > 1)).toEqual([
    ['sum', 'mean'],
    ['variance', 'stddev'],
  ]);
  const changes: readonly [string, AggregationParams, boolean][] = [
    ['last_n', { ...params, n: 4 }, true],
    ['top_k', { ...params, k: 1 }, false],
    ['top_k', { ...params, keys_max: 11 }, true],
    ['histogram', { ...params, edges: [0, 1, 2] }, true],
    ['quantile', { ...params, q: 0.9 }, false],
  ];
  for (const [name, changed, differs] of changes) {
    expect(named(name).stateKey(changed) !== named(name).stateKey(params), name).toBe(differs);
  }
});

test('stored bytes are pinned: a change here needs a new semantics version', () => {
  const rows: Row[] = [
    [3, 1_359_651_600_000, 0, 17],
    [-2, 1_359_651_660_000, 1, 4],
    [0, 1_359_651_660_000, 1, 5],
    [3, 1_359_655_200_000, 0, 19],
  ];
  const params = { n: 3, k: 2, keys_max: 10, q: 0.5, edges: [0, 1] };
  const bytes: Record<string, string> = {};
  for (const kind of ['int', 'double'] as const) {
    for (const aggregation of AGGREGATIONS.values()) {
      if ('problem' in aggregation.resultType({ type: { kind }, nullable: false }, params)) continue;
      const algebra = aggregation.algebra({ kind }, params);
      const state = algebra.create();
      for (const [value, ...place] of rows) {
        const scaled = kind === 'int' ? value : (value as number) * 0.1;
        algebra.add(state, scaled === 0 ? 0 : scaled, ...(place as [number, number, number]));
      }
      const writer = new ByteWriter();
      algebra.encode(state, writer);
      bytes[`${aggregation.name} ${kind}`] = Buffer.from(writer.copy()).toString('hex');
    }
  }
  expect(bytes).toMatchInlineSnapshot(`
    {
      "count double": "04",
      "count int": "04",
      "count_distinct double": "0003c1db048219c49909",
      "count_distinct int": "000382cc03818f0183a605",
      "first double": "0181dae798924f0011343333333333d33f",
      "first int": "0181dae798924f001107",
      "histogram double": "010300",
      "histogram int": "010102",
      "last double": "0181949f9c924f0013343333333333d33f",
      "last int": "0181949f9c924f001307",
      "last_n double": "03c183ef98924f01049a9999999999c9bf0101030000000000000000a188d801001d343333333333d33f",
      "last_n int": "03c183ef98924f01040401010301a188d801001d07",
      "max double": "01343333333333d33f",
      "max int": "0107",
      "mean double": "04019b9999999999d93f",
      "mean int": "04ff08",
      "min double": "019a9999999999c9bf",
      "min int": "0104",
      "quantile double": "04d8b0020193be0201a9be0202",
      "quantile int": "04d9af020192bf0201a8bf0202",
      "stddev double": "04019b9999999999d93f022b5c8fc2f528cc3f9014ae47e17a343c",
      "stddev int": "04ff08ff2c",
      "sum double": "04019b9999999999d93f",
      "sum int": "04ff08",
      "time_since_last double": "0181949f9c924f",
      "time_since_last int": "0181949f9c924f",
      "top_k int": "04040101010702",
      "variance double": "04019b9999999999d93f022b5c8fc2f528cc3f9014ae47e17a343c",
      "variance int": "04ff08ff2c",
    }
  `);
});
