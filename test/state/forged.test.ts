/** Bytes whose checksums are right and whose contents cannot be: decoding trusts nothing. */
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ByteWriter, CorruptBytesError } from '../../src/core/bytes.ts';
import { decodeState, FORMAT_VERSION } from '../../src/state/codec.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import type { StoredState } from '../../src/state/state.ts';
import { TILES_FORMAT_VERSION } from '../../src/state/tiles-codec.ts';
import { MINUTE, NOON, planOf } from './support.ts';

/** One level with hops of a minute, one slot that counts. */
const PLAN = planOf({ features: [{ name: 'f', agg: 'count', windows: ['1h'] }] });

interface Forgery {
  readonly sealedUntilMs?: number;
  readonly sealedNewestMs?: number;
  readonly format?: number;
  /** Start, newest, presence bits, and the counts of the slots that are present. */
  readonly tiles?: readonly (readonly [number, number, number, ...number[]])[];
  readonly tileCount?: number;
  readonly after?: readonly number[];
  /** In the format with an index: where it begins, and how long the tiles are. */
  readonly index?: number;
  readonly lengths?: readonly number[];
}

type Tiles = Required<Pick<Forgery, 'tiles' | 'tileCount' | 'after'>> & Forgery;

const TILES: Required<Forgery>['tiles'] = [[NOON - MINUTE, NOON - 1, 1, 2]];

function writeWithIndex(writer: ByteWriter, { tiles, tileCount, after, index, lengths }: Tiles): void {
  for (const [, , bits, ...counts] of tiles) {
    writer.u8(bits);
    for (const count of counts) writer.varint(count);
  }
  const begin = writer.length;
  writer.varint(tileCount);
  for (const [at, [startMs, newestMs, , ...counts]] of tiles.entries()) {
    const before = at === 0 ? null : (tiles[at - 1] as readonly number[])[0];
    if (before === null) writer.svarint(startMs / MINUTE);
    else writer.varint(Math.max(0, (startMs - (before as number)) / MINUTE));
    writer.varint(newestMs - startMs);
    writer.varint(lengths?.[at] ?? 1 + counts.length);
  }
  for (const byte of after) writer.u8(byte);
  writer.u32(index ?? begin);
}

function writeWithoutIndex(writer: ByteWriter, { tiles, tileCount, after }: Tiles): void {
  writer.varint(tileCount);
  for (const [startMs, newestMs, bits, ...counts] of tiles) {
    writer.svarint(startMs);
    writer.varint(newestMs - startMs);
    writer.u8(bits);
    for (const count of counts) writer.varint(count);
  }
  for (const byte of after) writer.u8(byte);
}

/** A stored state without head events, written by hand, its tiles in the format of today or the one before. */
function forged(forgery: Forgery, hasIndex = true): StoredState {
  const { sealedUntilMs = NOON, sealedNewestMs = NOON - 1, tiles = TILES } = forgery;
  const writer = new ByteWriter();
  writer.u8(forgery.format ?? (hasIndex ? TILES_FORMAT_VERSION : 1));
  const { tileCount = tiles.length, after = [] } = forgery;
  (hasIndex ? writeWithIndex : writeWithoutIndex)(writer, { ...forgery, tiles, tileCount, after });
  const tilesChecksum = crc32(writer.copy());
  writer.u32(tilesChecksum);
  const header = new ByteWriter();
  header.u8(FORMAT_VERSION);
  header.varint(2);
  header.f64(sealedUntilMs);
  header.f64(sealedNewestMs);
  header.u32(tilesChecksum);
  header.u32(crc32(header.copy()));
  return { version: 2, head: header.copy(), tiles: writer.copy() };
}

test.each([
  ['with an index', true],
  ['of the format before', false],
])('a state written by hand as it should be is read: tiles %s', (_of, hasIndex) => {
  const state = decodeState(PLAN, forged({}, hasIndex));
  expect(state.sealedUntilMs).toBe(NOON);
  expect(state.tiles[0]?.map(({ startMs, newestMs }) => [startMs, newestMs])).toStrictEqual([
    [NOON - MINUTE, NOON - 1],
  ]);
  expect(evaluate(PLAN, state, NOON, null).values).toStrictEqual([2]);
});

/** What a tile holds is looked at when somebody wants it. */
function readThrough(stored: StoredState): void {
  evaluate(PLAN, decodeState(PLAN, stored), NOON, null);
}

const BOTH: readonly (readonly [string, Forgery])[] = [
  ['a seal that is no number', { sealedUntilMs: Number.NaN }],
  ['a seal between two milliseconds', { sealedUntilMs: NOON + 0.5 }],
  ['a seal without end', { sealedUntilMs: Infinity }],
  ['no seal with tiles', { sealedUntilMs: -Infinity, sealedNewestMs: -Infinity }],
  ['a newest sealed event at the seal', { sealedNewestMs: NOON }],
  ['a newest sealed event that is no number', { sealedNewestMs: Number.NaN }],
  ['a seal over no event', { sealedNewestMs: -Infinity }],
  ['another format of tiles', { format: TILES_FORMAT_VERSION + 1 }],
  ['a tile whose newest event is in the next hop', { tiles: [[NOON - MINUTE, NOON, 1, 2]] }],
  [
    'tiles out of order',
    {
      tiles: [
        [NOON - MINUTE, NOON - 1, 1, 2],
        [NOON - 2 * MINUTE, NOON - 2 * MINUTE, 1, 2],
      ],
    },
  ],
  [
    'a tile twice',
    {
      tiles: [
        [NOON - MINUTE, NOON - 1, 1, 2],
        [NOON - MINUTE, NOON - 1, 1, 2],
      ],
    },
  ],
  ['a tile that begins at the seal', { tiles: [[NOON, NOON, 1, 2]] }],
  ['a state of a slot that there is not', { tiles: [[NOON - MINUTE, NOON - 1, 3, 2]] }],
  ['more tiles than are there', { tileCount: 2 }],
  ['fewer tiles than are there', { tileCount: 0 }],
  ['more tiles than can be', { tileCount: 2 ** 40 }],
  ['bytes after the last tile', { after: [0] }],
];

const WITH_INDEX: readonly (readonly [string, Forgery])[] = [
  ['an index before the tiles', { index: 0 }],
  ['an index within the tiles', { index: 2 }],
  ['an index after the end', { index: 1_000 }],
  ['a tile that is longer than there are bytes', { lengths: [3] }],
  ['a tile that is shorter than its bytes', { lengths: [1] }],
  ['a tile without bytes', { lengths: [0] }],
  ['a tile without end', { lengths: [2 ** 50] }],
  ['states that are longer than their tile', { tiles: [[NOON - MINUTE, NOON - 1, 1]] }],
  ['states that are shorter than their tile', { tiles: [[NOON - MINUTE, NOON - 1, 1, 2, 3]] }],
];

/** What the index has no words for. */
const WITHOUT_INDEX: typeof BOTH = [
  ['a tile that does not begin with a hop', { tiles: [[NOON - MINUTE + 1, NOON - 1, 1, 2]] }],
];

describe('refused is', () => {
  test.each([...BOTH, ...WITH_INDEX])('%s', (_of, forgery) => {
    expect(() => readThrough(forged(forgery))).toThrow(CorruptBytesError);
  });

  test.each([...BOTH, ...WITHOUT_INDEX])('in the format before: %s', (_of, forgery) => {
    expect(() => readThrough(forged(forgery, false))).toThrow(CorruptBytesError);
  });
});
