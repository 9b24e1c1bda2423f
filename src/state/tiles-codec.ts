/** The tiles value: levels in the plan's order, tiles by start. A tile that did not change is copied as it was written. */
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import { floorTo } from '../core/time.ts';
import { crc32 } from './checksum.ts';
import type { EntityState, StoredMarks, Tile } from './entity-state.ts';
import { readPresence } from './record-codec.ts';
import type { Level, Slot, ViewPlan } from './plan.ts';

const FORMAT_VERSION = 1;
const writer = new ByteWriter(16_384);

/** The whole tiles value of `state`, which from here on copies unchanged tiles out of it. */
export function writeTiles(plan: ViewPlan, state: EntityState): Uint8Array {
  const before = state.stored.tiles;
  writer.reset();
  writer.u8(FORMAT_VERSION);
  for (const level of plan.levels) writeLevel(level, state.tiles[level.index] as Tile[], before);
  writer.u32(crc32(writer.buffer, 0, writer.length, 0));
  const bytes = writer.copy();
  state.stored.tiles = bytes;
  return bytes;
}

/** Neighbours that did not change stood side by side in `before`, and are copied together. */
function writeLevel(level: Level, tiles: readonly Tile[], before: Uint8Array): void {
  writer.varint(tiles.length);
  let index = 0;
  while (index < tiles.length) {
    const first = tiles[index] as Tile;
    const at = writer.length;
    if (first.storedFrom < 0) {
      writeTile(level, first);
      place(first, at, writer.length);
      index += 1;
      continue;
    }
    const from = first.storedFrom;
    let to = from;
    for (let tile: Tile | undefined = first; tile !== undefined && tile.storedFrom === to; tile = tiles[index]) {
      to = tile.storedTo;
      place(tile, at + tile.storedFrom - from, at + to - from);
      index += 1;
    }
    writer.raw(before.subarray(from, to));
  }
}

/** What is stored need not be kept as objects, which cost whoever collects garbage more than reading them again. */
function place(tile: Tile, from: number, to: number): void {
  tile.storedFrom = from;
  tile.storedTo = to;
  tile.states = null;
}

/** The states of a tile, read if they are not in memory. */
export function statesOf(level: Level, tile: Tile, stored: StoredMarks): unknown[] {
  if (tile.states !== null) return tile.states;
  const reader = new ByteReader(stored.tiles, tile.storedFrom, tile.storedTo);
  readTimes(level, reader);
  return (tile.states = readStates(level, reader));
}

function writeTile(level: Level, { startMs, newestMs, states }: Tile): void {
  assert(states !== null, 'a tile that is not stored is in memory');
  if (level.hopMs === Infinity) {
    writer.svarint(newestMs);
  } else {
    writer.svarint(startMs);
    writer.varint(newestMs - startMs);
  }
  for (let first = 0; first < states.length; first += 8) {
    let bits = 0;
    for (let at = first; at < states.length && at < first + 8; at++) if (states[at] !== null) bits |= 1 << (at - first);
    writer.u8(bits);
  }
  for (let at = 0; at < states.length; at++) {
    const state = states[at];
    if (state !== null) (level.slots[at] as Slot).algebra.encode(state, writer);
  }
}

/** The checksum that ends a tiles value; what it says of the bytes before is `readTiles`'s to check. */
export function tilesChecksum(bytes: Uint8Array): number {
  if (bytes.length < 5) throw new CorruptBytesError('the tiles value is too short');
  return new ByteReader(bytes, bytes.length - 4).u32();
}

/** `sealedNewestMs`: time of the newest event in any tile. */
export function readTiles(plan: ViewPlan, bytes: Uint8Array, sealedNewestMs: number): Tile[][] {
  const end = bytes.length - 4;
  if (tilesChecksum(bytes) !== crc32(bytes, 0, end, 0))
    throw new CorruptBytesError('checksum of the tiles does not match');
  const reader = new ByteReader(bytes, 0, end);
  const format = reader.u8();
  if (format !== FORMAT_VERSION) throw new CorruptBytesError(`tiles format ${format} is not ${FORMAT_VERSION}`);
  const tiles = plan.levels.map((level) => readLevel(level, reader));
  if (reader.remaining > 0) throw new CorruptBytesError('bytes after the last tile');
  if (tiles.some((level) => level.some((tile) => tile.newestMs > sealedNewestMs)))
    throw new CorruptBytesError('a tile is newer than the seal');
  return tiles;
}

function readLevel(level: Level, reader: ByteReader): Tile[] {
  const count = reader.varint();
  // No tile is shorter than its times: a count that cannot be true is not allocated for.
  if (count > reader.remaining) throw new CorruptBytesError(`${count} tiles in ${reader.remaining} bytes`);
  const tiles: Tile[] = [];
  for (let index = 0; index < count; index++) {
    const tile = readTile(level, reader);
    if (index > 0 && tile.startMs <= (tiles[index - 1] as Tile).startMs)
      throw new CorruptBytesError('tiles out of order');
    tiles.push(tile);
  }
  return tiles;
}

function readTile(level: Level, reader: ByteReader): Tile {
  const storedFrom = reader.position;
  const { startMs, newestMs } = readTimes(level, reader);
  if (level.hopMs !== Infinity && floorTo(newestMs, level.hopMs) !== startMs)
    throw new CorruptBytesError('a tile is not aligned');
  const states = readStates(level, reader);
  return { startMs, newestMs, states, storedFrom, storedTo: reader.position };
}

function readTimes({ hopMs }: Level, reader: ByteReader): { readonly startMs: number; readonly newestMs: number } {
  if (hopMs === Infinity) return { startMs: -Infinity, newestMs: reader.svarint() };
  const startMs = reader.svarint();
  return { startMs, newestMs: startMs + reader.varint() };
}

function readStates({ slots }: Level, reader: ByteReader): unknown[] {
  const flags = readPresence(reader, slots.length);
  return slots.map(({ algebra }, at) => (reader.bit(flags, at) ? algebra.decode(reader) : null));
}
