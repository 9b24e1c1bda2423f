/**
 * Encoded states as files: what any version of this program ever stored stays readable to the bit, or has another format
 * version. `GOLDEN=write` writes the files of a new format; it never overwrites one.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeState, FORMAT_VERSION, takeChange } from '../../src/state/codec.ts';
import type { EntityState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import type { StoredState } from '../../src/state/state.ts';
import { statesOf, TILES_FORMAT_VERSION } from '../../src/state/tiles-codec.ts';
import {
  EVERYTHING,
  EVERYTHING_ROWS,
  HOUR,
  MINUTE,
  NOON,
  planOf,
  type Row,
  SECOND,
  type Setting,
  show,
  storedAfter,
} from './support.ts';

interface Golden {
  readonly version: number;
  readonly head: string;
  readonly tiles: string | null;
  /** The evaluation at each `as_of`, as text that tells −0 from 0. */
  readonly evaluations: Readonly<Record<string, unknown>>;
}

/** Sketches large enough for their other forms: dense registers, too many keys, sums of several components. */
const BUSY: Setting = {
  view: { head_max: 2 },
  features: [
    { name: 'distinct', agg: 'count_distinct', of: 'c' },
    { name: 'distinct_sparse', agg: 'count_distinct', of: 'n' },
    { name: 'top', agg: 'top_k', k: 2, keys_max: 5, of: 'c' },
    { name: 'x_sum', agg: 'sum', of: 'x' },
    { name: 'x_stddev', agg: 'stddev', of: 'x', where: 'x < 1e10' },
    { name: 'median', agg: 'quantile', q: 0.5, of: 'n' },
  ],
};
const BUSY_ROWS = Array.from({ length: 1_300 }, (_, index): Row => {
  return [
    NOON - 1_300 + index,
    { c: `value ${index}`, n: index % 300, x: index % 7 === 0 ? 0.1 * index : 1e16 * index },
  ];
});

/** Rows of every type, deleted ones (those without `b`), one that is not newest, and one of which a condition hides a part. */
const ROWS: Setting = {
  source: { mode: 'upsert', key: ['k'] },
  view: { head_max: 4, head_limit: 8, where: 'b' },
  features: [
    ...['x', 'n', 'i', 'c', 't', 'pair', 'list'].map((of) => ({
      name: `last_${of}`,
      agg: 'last',
      of,
      windows: ['1m', '1h'],
    })),
    { name: 'together', agg: 'last', of: { c: 'c', at: 'at' }, where: 'x > 0' },
  ],
};
const ROWS_ROWS = EVERYTHING_ROWS.map(
  ([at, fields], index): Row => [at, { ...fields, b: index % 3 === 1 ? null : true }],
);

const CASES = [
  { name: 'everything', setting: EVERYTHING, rows: EVERYTHING_ROWS, asOfs: [NOON - 2, NOON - 1, NOON, NOON + HOUR] },
  { name: 'busy', setting: BUSY, rows: BUSY_ROWS, asOfs: [NOON - 1, NOON, NOON + MINUTE] },
  { name: 'head-only', setting: { ...EVERYTHING, view: {} }, rows: EVERYTHING_ROWS, asOfs: [NOON - 45 * MINUTE, NOON] },
  { name: 'rows', setting: ROWS, rows: ROWS_ROWS, asOfs: [NOON - 29 * SECOND, NOON - 2, NOON, NOON + HOUR] },
];

/** Tiles had no index in it. */
const FORMAT_BEFORE = 1;

function fileOf(name: string, format = TILES_FORMAT_VERSION): string {
  return join(import.meta.dirname, `../golden/state-v${format}-${name}.json`);
}

function readGolden(file: string): { readonly stored: StoredState; readonly evaluations: Golden['evaluations'] } {
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;
  const stored: StoredState = {
    version: golden.version,
    head: Buffer.from(golden.head, 'base64'),
    tiles: golden.tiles === null ? null : Buffer.from(golden.tiles, 'base64'),
  };
  return { stored, evaluations: golden.evaluations };
}

function evaluations(plan: ViewPlan, state: EntityState, asOfs: readonly number[]): Record<string, unknown> {
  return Object.fromEntries(
    asOfs.map((asOfMs) => [String(asOfMs), JSON.parse(show(evaluate(plan, state, asOfMs, null)))]),
  );
}

function base64({ head, tiles, version }: StoredState): Omit<Golden, 'evaluations'> {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return { version, head: text(head), tiles: tiles === null ? null : text(tiles) };
}

/** All of the state encoded anew, nothing copied from what was read. */
function encodedAnew(plan: ViewPlan, state: EntityState): StoredState {
  for (const level of plan.levels) {
    for (const tile of state.tiles[level.index] ?? []) {
      statesOf(level, tile, state.stored);
      tile.storedFrom = -1;
    }
  }
  return rewritten(plan, state);
}

function rewritten(plan: ViewPlan, state: EntityState): StoredState {
  state.stored.rewrite = true;
  state.stored.version = -1;
  const change = takeChange(plan, state);
  if (change === null) throw new Error('no change');
  return { version: change.toVersion, head: change.head.bytes, tiles: change.tiles };
}

describe.each(CASES)('the golden state $name', ({ name, setting, rows, asOfs }) => {
  const plan = planOf(setting);
  const file = fileOf(name);
  if (process.env['GOLDEN'] === 'write' && !existsSync(file)) {
    const stored = storedAfter(plan, rows);
    const golden: Golden = {
      ...base64(stored),
      evaluations: evaluations(plan, decodeState(plan, stored), asOfs),
    };
    writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`, { flag: 'wx' });
  }
  const { stored, evaluations: expected } = readGolden(file);

  test('is read to the values it was written with', () => {
    expect(evaluations(plan, decodeState(plan, stored), asOfs)).toStrictEqual(expected);
  });

  test('is written again as the same bytes', () => {
    expect(base64(encodedAnew(plan, decodeState(plan, stored)))).toStrictEqual(base64(stored));
  });

  test('is what the same log gives today: other bytes need another format version', () => {
    expect(base64(storedAfter(plan, rows))).toStrictEqual(base64(stored));
  });
});

describe.each(CASES)('the golden state $name of the format before', ({ name, setting, asOfs }) => {
  const plan = planOf(setting);
  const before = readGolden(fileOf(name, FORMAT_BEFORE));

  test('is read to the values it was written with', () => {
    expect(evaluations(plan, decodeState(plan, before.stored), asOfs)).toStrictEqual(before.evaluations);
  });

  test('is written again as the format of today has it, what is copied and what is encoded anew alike', () => {
    const today = base64(readGolden(fileOf(name)).stored);
    expect(base64(encodedAnew(plan, decodeState(plan, before.stored)))).toStrictEqual(today);
    const copied = decodeState(plan, before.stored);
    expect(base64(rewritten(plan, copied))).toStrictEqual(today);
    expect(evaluations(plan, copied, asOfs)).toStrictEqual(before.evaluations);
  });
});

test('a state of another format version is refused', () => {
  const plan = planOf(EVERYTHING);
  const stored = storedAfter(plan, EVERYTHING_ROWS);
  const head = Uint8Array.from(stored.head);
  head[0] = FORMAT_VERSION + 1;
  expect(() => decodeState(plan, { ...stored, head })).toThrow(`stored format ${FORMAT_VERSION + 1} is not`);
});
