/** The tiles value: levels in the plan's order, tiles by start. A tile that did not change is copied as it was written. */
import { ByteReader, ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import { floorTo } from '../core/time.ts';
import { crc32 } from './checksum.ts';
import type { EntityState, Tile } from './entity-state.ts';
import type { Level, Slot, ViewPlan } from './plan.ts';

const FORMAT_VERSION = 1;
const writer = new ByteWriter(16_384);
const tileWriter = new ByteWriter(1_024);

export function writeTiles(plan: ViewPlan, state: EntityState): Uint8Array {
  writer.reset();
  writer.u8(FORMAT_VERSION);
  for (const level of plan.levels) {
    const tiles = state.tiles[level.index] as Tile[];
    writer.varint(tiles.length);
    for (const tile of tiles) {
      tile.encoded ??= encodeTile(level, tile);
      writer.raw(tile.encoded);
    }
  }
  writer.u32(crc32(writer.view()));
  return writer.copy();
}

function encodeTile(level: Level, tile: Tile): Uint8Array {
  tileWriter.reset();
  if (level.hopMs !== Infinity) tileWriter.svarint(tile.startMs);
  tileWriter.svarint(tile.newestMs);
  for (let place = 0; place < level.slots.length; place++) {
    const state = tile.states[place];
    tileWriter.u8(state === null ? 0 : 1);
    if (state !== null) (level.slots[place] as Slot).algebra.encode(state, tileWriter);
  }
  return tileWriter.copy();
}

export function readTiles(plan: ViewPlan, bytes: Uint8Array): Tile[][] {
  if (bytes.length < 5) throw new CorruptBytesError('the tiles value is too short');
  const end = bytes.length - 4;
  if (new ByteReader(bytes, end).u32() !== crc32(bytes.subarray(0, end)))
    throw new CorruptBytesError('checksum of the tiles does not match');
  const reader = new ByteReader(bytes, 0, end);
  const format = reader.u8();
  if (format !== FORMAT_VERSION) throw new CorruptBytesError(`tiles format ${format} is not ${FORMAT_VERSION}`);
  const tiles = plan.levels.map((level) => readLevel(level, reader, bytes));
  if (reader.remaining > 0) throw new CorruptBytesError('bytes after the last tile');
  return tiles;
}

function readLevel(level: Level, reader: ByteReader, bytes: Uint8Array): Tile[] {
  const count = reader.varint();
  // A tile is no shorter than its two flags and times: a count that cannot be true is not allocated for.
  if (count > reader.remaining) throw new CorruptBytesError(`${count} tiles in ${reader.remaining} bytes`);
  const tiles: Tile[] = [];
  for (let index = 0; index < count; index++) {
    const tile = readTile(level, reader, bytes);
    if (index > 0 && tile.startMs <= (tiles[index - 1] as Tile).startMs)
      throw new CorruptBytesError('tiles out of order');
    tiles.push(tile);
  }
  return tiles;
}

function readTile(level: Level, reader: ByteReader, bytes: Uint8Array): Tile {
  const at = reader.position;
  const startMs = level.hopMs === Infinity ? -Infinity : reader.svarint();
  const newestMs = reader.svarint();
  if (level.hopMs !== Infinity && floorTo(newestMs, level.hopMs) !== startMs)
    throw new CorruptBytesError('a tile is not aligned');
  const states = level.slots.map((slot) => {
    const flag = reader.u8();
    if (flag > 1) throw new CorruptBytesError('a flag is neither 0 nor 1');
    return flag === 0 ? null : slot.algebra.decode(reader);
  });
  return { startMs, newestMs, states, encoded: bytes.slice(at, reader.position) };
}
