/** Bytes whose checksums are right and whose contents cannot be: decoding trusts nothing. */
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ByteWriter, CorruptBytesError } from '../../src/core/bytes.ts';
import { decodeState, FORMAT_VERSION } from '../../src/state/codec.ts';
import type { StoredState } from '../../src/state/state.ts';
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
}

/** A stored state without head events, written by hand. */
function forged(forgery: Forgery): StoredState {
  const { sealedUntilMs = NOON, sealedNewestMs = NOON - 1, tiles = [[NOON - MINUTE, NOON - 1, 1, 2]] } = forgery;
  const writer = new ByteWriter();
  writer.u8(forgery.format ?? FORMAT_VERSION);
  writer.varint(forgery.tileCount ?? tiles.length);
  for (const [startMs, newestMs, bits, ...counts] of tiles) {
    writer.svarint(startMs);
    writer.varint(newestMs - startMs);
    writer.u8(bits);
    for (const count of counts) writer.varint(count);
  }
  for (const byte of forgery.after ?? []) writer.u8(byte);
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

test('a state written by hand as it should be is read', () => {
  const state = decodeState(PLAN, forged({}));
  expect(state.sealedUntilMs).toBe(NOON);
  expect(state.tiles[0]?.map(({ startMs, newestMs, states }) => [startMs, newestMs, states])).toStrictEqual([
    [NOON - MINUTE, NOON - 1, [{ count: 2 }]],
  ]);
});

describe('refused is', () => {
  test.each<[string, Forgery]>([
    ['a seal that is no number', { sealedUntilMs: Number.NaN }],
    ['a seal between two milliseconds', { sealedUntilMs: NOON + 0.5 }],
    ['a seal without end', { sealedUntilMs: Infinity }],
    ['no seal with tiles', { sealedUntilMs: -Infinity, sealedNewestMs: -Infinity }],
    ['a newest sealed event at the seal', { sealedNewestMs: NOON }],
    ['a newest sealed event that is no number', { sealedNewestMs: Number.NaN }],
    ['a seal over no event', { sealedNewestMs: -Infinity }],
    ['another format of tiles', { format: FORMAT_VERSION + 1 }],
    ['a tile that does not begin with a hop', { tiles: [[NOON - MINUTE + 1, NOON - 1, 1, 2]] }],
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
  ])('%s', (_of, forgery) => {
    expect(() => decodeState(PLAN, forged(forgery))).toThrow(CorruptBytesError);
  });
});
