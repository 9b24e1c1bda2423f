/** Stored bytes: what was written is read back, and whatever else is there is refused as corrupt, never misread. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CorruptBytesError } from '../../src/core/bytes.ts';
import { applyChange, decodeState, takeChange } from '../../src/state/codec.ts';
import type { EntityState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import type { ViewPlan } from '../../src/state/plan.ts';
import type { StoredState } from '../../src/state/state.ts';
import {
  EVERYTHING,
  EVERYTHING_ROWS,
  eventsOf,
  foldRows,
  MINUTE,
  NOON,
  planOf,
  type Row,
  type Setting,
  SECOND,
  show,
  storedAfter,
  times,
} from './support.ts';

const PLAIN: Setting = {
  features: [
    { name: 'events', agg: 'count', windows: ['1m', '1h'] },
    { name: 'x_sum', agg: 'sum', of: 'x' },
  ],
};
const SEALING: Setting = { ...PLAIN, view: { head_max: 2 } };

const ROWS: readonly Row[] = [
  [NOON - 3 * MINUTE, { x: 0.1 }],
  [NOON - 2 * MINUTE, { x: 0.2 }],
  [NOON - MINUTE],
  [NOON - 2 * SECOND, { x: -7 }],
  [NOON - SECOND, { x: 1e200 }],
];

interface Sample {
  readonly of: string;
  readonly plan: ViewPlan;
  readonly stored: StoredState;
}

const SAMPLES: readonly Sample[] = [
  { of: 'a head alone', plan: planOf(PLAIN), stored: storedAfter(planOf(PLAIN), ROWS, 2) },
  { of: 'head and tiles', plan: planOf(SEALING), stored: storedAfter(planOf(SEALING), ROWS, 1) },
  { of: 'every aggregation', plan: planOf(EVERYTHING), stored: storedAfter(planOf(EVERYTHING), EVERYTHING_ROWS, 9) },
];

test('the samples have what they are named for', () => {
  const [alone, both, everything] = SAMPLES as [Sample, Sample, Sample];
  expect(alone.stored.tiles).toBeNull();
  expect(both.stored.tiles).not.toBeNull();
  const { head, tiles } = decodeState(everything.plan, everything.stored);
  expect(head.length).toBeGreaterThan(1);
  expect(tiles.map((level) => level.length).every((count) => count > 0)).toBe(true);
});

/** Refused as corrupt: any other exception and any state at all fail. */
function expectCorrupt(plan: ViewPlan, stored: StoredState, label: string): void {
  let decoded: EntityState;
  try {
    decoded = decodeState(plan, stored);
  } catch (error) {
    if (error instanceof CorruptBytesError) return;
    throw new Error(`${label}: ${String(error)}`, { cause: error });
  }
  throw new Error(`${label}: read as ${show(decoded)}`);
}

/** The stored state with one of its two values changed. */
function* variants(
  { stored }: Sample,
  change: (bytes: Uint8Array) => Iterable<Uint8Array>,
): Generator<[string, StoredState]> {
  let count = 0;
  for (const head of change(stored.head)) yield [`head ${count++}`, { ...stored, head }];
  if (stored.tiles === null) return;
  for (const tiles of change(stored.tiles)) yield [`tiles ${count++}`, { ...stored, tiles }];
}

function* everyFlip(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) {
    for (let mask = 1; mask < 256; mask++) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] as number) ^ mask;
      yield flipped;
    }
  }
}

function* everyTruncation(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length);
}

function* everyRemoval(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield Buffer.concat([bytes.slice(0, at), bytes.slice(at + 1)]);
}

function* everyInsertion(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at <= bytes.length; at++) {
    for (const byte of [0, 1, 0x7f, 0x80, 0xff])
      yield Buffer.concat([bytes.slice(0, at), Uint8Array.of(byte), bytes.slice(at)]);
  }
}

describe.each(SAMPLES)('of $of', (sample) => {
  test.each([
    ['every change of a byte', everyFlip],
    ['every truncation', everyTruncation],
    ['every missing byte', everyRemoval],
    ['inserted bytes anywhere', everyInsertion],
  ] as const)('%s is noticed', (_of, change) => {
    for (const [label, stored] of variants(sample, change)) expectCorrupt(sample.plan, stored, label);
  });

  test('a version that the head does not make up is noticed', () => {
    const { version } = sample.stored;
    for (const other of [version - 1, version + 1, 0, -1, Number.NaN, 2 ** 53])
      expectCorrupt(sample.plan, { ...sample.stored, version: other }, `version ${other}`);
  });

  test('any bytes at all are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.option(fc.uint8Array({ maxLength: 200 })), (head, tiles) => {
        expectCorrupt(sample.plan, { version: sample.stored.version, head, tiles }, 'random bytes');
        expectCorrupt(sample.plan, { ...sample.stored, head }, 'random head');
      }),
    );
  });

  test('a state that was read writes nothing until it changes, and then goes on as if it had never been away', () => {
    const { plan, stored } = sample;
    const loaded = decodeState(plan, stored);
    expect(takeChange(plan, loaded)).toBeNull();
    const [event] = eventsOf(plan, [...times(...new Array<number>(50).fill(NOON)), [NOON + 5, { x: 1 }]]).slice(-1);
    if (event === undefined) throw new Error('no event');
    fold(plan, loaded, event);
    const change = takeChange(plan, loaded);
    if (change === null) throw new Error('no change');
    const again = decodeState(plan, applyChange(stored, change));
    for (const asOfMs of [NOON + 5, NOON + 6, NOON + MINUTE])
      expect(show(evaluate(plan, again, asOfMs, null))).toBe(show(evaluate(plan, loaded, asOfMs, null)));
  });
});

describe('records of a head', () => {
  const plan = planOf(PLAIN);
  const state = foldRows(plan, []).state;
  const events = eventsOf(plan, ROWS);
  const changes = events.map((event) => {
    fold(plan, state, event);
    const change = takeChange(plan, state);
    if (change === null) throw new Error('no change');
    return change;
  });
  const chunks = changes.map((change) => change.head.bytes);
  const headOf = (...order: readonly number[]): Uint8Array =>
    Buffer.concat(order.map((at) => chunks[at] as Uint8Array));

  test('in the order written they are the state', () => {
    expect(decodeState(plan, { version: 5, head: headOf(0, 1, 2, 3, 4), tiles: null }).head).toHaveLength(5);
  });

  test.each([
    ['a missing last record', 5, [0, 1, 2, 3]],
    ['a missing record in the middle, whatever the version says', 4, [0, 1, 3, 4]],
    ['a record out of its place', 5, [0, 1, 3, 2, 4]],
    ['a record written twice', 6, [0, 1, 2, 3, 4, 4]],
    ['a head without its beginning', 4, [1, 2, 3, 4]],
  ] as const)('%s is noticed', (label, version, order) => {
    expectCorrupt(plan, { version, head: headOf(...order), tiles: null }, label);
  });

  /** A chunk with the checksum that it would have after all five. */
  const sealed = (...bytes: readonly number[]): Uint8Array => {
    const checksum = new DataView(new ArrayBuffer(4));
    checksum.setUint32(0, crc32(Uint8Array.from(bytes), state.stored.checksum), true);
    return Uint8Array.from([...bytes, ...new Uint8Array(checksum.buffer)]);
  };

  test.each([
    ['without records', [0]],
    ['of more records than there are bytes for', [255, 255, 255, 255, 255, 255, 15]],
    ['of a record that is cut short', [1, 0, 0, 0, 0, 0, 0]],
    ['of a record with a column too many', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2]],
    ['of a record with half a millisecond', [1, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0, 0]],
  ])('a chunk %s is refused, though its checksum is right', (label, bytes) => {
    const head = Buffer.concat([headOf(0, 1, 2, 3, 4), sealed(...bytes)]);
    for (const version of [5, 6]) expectCorrupt(plan, { version, head, tiles: null }, label);
  });

  test('with a right checksum one more is read: the chunks refused are not refused for that', () => {
    const head = Buffer.concat([headOf(0, 1, 2, 3, 4), sealed(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0)]);
    const [oldest] = decodeState(plan, { version: 6, head, tiles: null }).head.events();
    expect([oldest?.tsMs, oldest?.partition, oldest?.offset, oldest?.columns]).toStrictEqual([0, 0, 9, [null]]);
  });

  test('a record of another state is noticed', () => {
    const other = storedAfter(plan, [[NOON, { x: 3 }], ...ROWS.slice(1)], 1);
    const first = storedAfter(plan, [[NOON, { x: 3 }]]);
    const foreign = Buffer.concat([headOf(0), other.head.subarray(first.head.length)]);
    expectCorrupt(plan, { version: 5, head: foreign, tiles: null }, 'a foreign record');
  });
});

test('an event id is there or not, and nothing between', () => {
  const named = planOf({ ...PLAIN, source: { event_id: 'id' } });
  const { state } = foldRows(named, [[NOON]]);
  const change = takeChange(named, state);
  if (change === null) throw new Error('no change');
  const withFlag = (flag: number): StoredState => {
    const chunk = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, flag, 1, 97);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32(chunk, state.stored.checksum));
    return { version: 2, head: Buffer.concat([change.head.bytes, chunk, checksum]), tiles: null };
  };
  expect(decodeState(named, withFlag(1)).head.events()[0]?.eventId).toBe('a');
  expectCorrupt(named, withFlag(2), 'flag 2');
});

describe('head and tiles', () => {
  const plan = planOf(SEALING);
  const stored = storedAfter(plan, ROWS);

  test('tiles of another entity are noticed', () => {
    const other = storedAfter(plan, [[NOON - 3 * MINUTE, { x: 0.5 }], ...ROWS.slice(1)]);
    expect(other.tiles).not.toEqual(stored.tiles);
    expectCorrupt(plan, { ...stored, tiles: other.tiles }, 'tiles of another entity');
  });

  test('tiles of an earlier time of the same entity are noticed', () => {
    const earlier = storedAfter(plan, ROWS.slice(0, 3));
    expect(earlier.tiles).not.toBeNull();
    expectCorrupt(plan, { ...stored, tiles: earlier.tiles }, 'earlier tiles');
    expectCorrupt(plan, { ...earlier, tiles: stored.tiles }, 'later tiles');
  });

  test('missing tiles, and tiles where there must be none, are noticed', () => {
    expectCorrupt(plan, { ...stored, tiles: null }, 'no tiles');
    const unsealed = storedAfter(planOf(PLAIN), ROWS);
    expectCorrupt(planOf(PLAIN), { ...unsealed, tiles: stored.tiles }, 'tiles without a seal');
  });

  test('the state of another view is refused or, where layouts agree, not of another size', () => {
    const other = planOf({ ...SEALING, features: [{ name: 'c_last', agg: 'last', of: 'c' }] });
    expectCorrupt(other, stored, 'a state of another view');
  });
});

test('a head event below the seal that no window reaches is refused', () => {
  const sealing = planOf({ features: PLAIN.features?.slice(0, 1) ?? [], view: { head_max: 2 } });
  const { state } = foldRows(sealing, ROWS);
  const [event] = eventsOf(sealing, [[NOON - 120 * MINUTE]]);
  if (event === undefined) throw new Error('no event');
  state.head.insert(0, event);
  state.version += 1;
  const change = takeChange(sealing, state);
  if (change === null) throw new Error('no change');
  expectCorrupt(sealing, applyChange(null, change), 'an event below the seal');
});

test('batches change neither what is stored in the end nor what it evaluates to', () => {
  for (const setting of [PLAIN, SEALING, EVERYTHING]) {
    const plan = planOf(setting);
    const rows = setting === EVERYTHING ? EVERYTHING_ROWS : ROWS;
    const whole = show(evaluate(plan, foldRows(plan, rows).state, NOON, null));
    for (const flushEvery of [1, 2, 3, 7]) {
      const state = decodeState(plan, storedAfter(plan, rows, flushEvery));
      expect(show(evaluate(plan, state, NOON, null)), `every ${flushEvery}`).toBe(whole);
    }
  }
});
