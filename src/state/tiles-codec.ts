/**
 * The tiles value: what tiles hold, level by level, then an index that says of each when it begins, how new it is, and how long
 * it is there, so that whoever reads a state goes to the tiles that its windows reach and to no other. A tile that did not change
 * is copied as it was written. The format before had times and states of a tile together, and no index: it is still read.
 */
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import { floorTo } from '../core/time.ts';
import { CHECKSUM_BYTES, crc32, endChecksum } from './checksum.ts';
import type { EntityState, StoredMarks, Tile } from './entity-state.ts';
import { readPresence } from './record-codec.ts';
import type { Level, Slot, ViewPlan } from './plan.ts';

export const TILES_FORMAT_VERSION = 2;
const FORMAT_WITHOUT_INDEX = 1;
/** Where the index begins, and the checksum. */
const END_BYTES = 4 + CHECKSUM_BYTES;
const writer = new ByteWriter(16_384);

/** The whole tiles value of `state`, which from here on copies unchanged tiles out of it. */
export function writeTiles(plan: ViewPlan, state: EntityState): Uint8Array {
  const before = state.stored.tiles;
  writer.reset();
  writer.u8(TILES_FORMAT_VERSION);
  for (const level of plan.levels) writeLevel(level, state.tiles[level.index] as Tile[], before);
  const index = writer.length;
  for (const level of plan.levels) writeIndex(level, state.tiles[level.index] as Tile[]);
  writer.u32(index);
  writer.u32(crc32(writer.buffer, 0, writer.length, 0));
  const bytes = writer.copy();
  state.stored.tiles = bytes;
  return bytes;
}

/** Neighbours that did not change stood side by side in `before`, and are copied together. */
function writeLevel(level: Level, tiles: readonly Tile[], before: Uint8Array): void {
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

/** How many hops each tile begins after the one before, how much later its newest event is, and its length. */
function writeIndex({ hopMs }: Level, tiles: readonly Tile[]): void {
  writer.varint(tiles.length);
  let hopsBefore = 0;
  for (const [index, { startMs, newestMs, storedFrom, storedTo }] of tiles.entries()) {
    if (hopMs === Infinity) {
      writer.svarint(newestMs);
    } else {
      const hops = startMs / hopMs;
      if (index === 0) writer.svarint(hops);
      else writer.varint(hops - hopsBefore);
      writer.varint(newestMs - startMs);
      hopsBefore = hops;
    }
    writer.varint(storedTo - storedFrom);
  }
}

/** The states of a tile, read if they are not in memory. */
export function statesOf(level: Level, tile: Tile, stored: StoredMarks): unknown[] {
  return (tile.states ??= readStored(level, tile, stored));
}

/** Whether a slot has counted any of a tile's events. */
export function hasState(tile: Tile, place: number, { tiles }: StoredMarks): boolean {
  if (tile.states !== null) return (tile.states[place] ?? null) !== null;
  return new ByteReader(tiles).bit(tile.storedFrom, place);
}

/** Throws `CorruptBytesError` where a tile cannot be read: for whoever must know before the first one is. */
export function checkTiles(plan: ViewPlan, { tiles, stored }: EntityState): void {
  for (const level of plan.levels) {
    for (const tile of tiles[level.index] as readonly Tile[]) if (tile.states === null) readStored(level, tile, stored);
  }
}

function readStored(level: Level, { storedFrom, storedTo }: Tile, { tiles }: StoredMarks): unknown[] {
  const reader = new ByteReader(tiles, storedFrom, storedTo);
  const states = readStates(level, reader);
  if (reader.remaining > 0) throw new CorruptBytesError('bytes after the last state of a tile');
  return states;
}

function writeTile(level: Level, { states }: Tile): void {
  assert(states !== null, 'a tile that is not stored is in memory');
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
  const checksum = bytes.length > CHECKSUM_BYTES ? endChecksum(bytes) : null;
  if (checksum === null) throw new CorruptBytesError('the tiles value is too short');
  return checksum;
}

/** `sealedNewestMs`: time of the newest event in any tile. States stay in the bytes until somebody wants them. */
export function readTiles(plan: ViewPlan, bytes: Uint8Array, sealedNewestMs: number): Tile[][] {
  if (tilesChecksum(bytes) !== crc32(bytes, 0, bytes.length - CHECKSUM_BYTES, 0))
    throw new CorruptBytesError('checksum of the tiles does not match');
  const [format] = bytes;
  if (format !== TILES_FORMAT_VERSION && format !== FORMAT_WITHOUT_INDEX)
    throw new CorruptBytesError(
      `tiles format ${format} is neither ${TILES_FORMAT_VERSION} nor ${FORMAT_WITHOUT_INDEX}`,
    );
  const tiles = format === TILES_FORMAT_VERSION ? readIndexed(plan, bytes) : readWithoutIndex(plan, bytes);
  for (const level of tiles) {
    for (let index = 0; index < level.length; index++) {
      if ((level[index] as Tile).newestMs > sealedNewestMs)
        throw new CorruptBytesError('a tile is newer than the seal');
    }
  }
  return tiles;
}

function readIndexed(plan: ViewPlan, bytes: Uint8Array): Tile[][] {
  const end = bytes.length - END_BYTES;
  if (end < 1) throw new CorruptBytesError('the tiles value is too short');
  const index = new ByteReader(bytes, end).u32();
  if (index < 1 || index > end) throw new CorruptBytesError('the index of the tiles is out of range');
  const reader = new ByteReader(bytes, index, end);
  let at = 1;
  const tiles = plan.levels.map((level) => {
    const ofLevel = readIndex(level, reader, at);
    at = ofLevel.at(-1)?.storedTo ?? at;
    return ofLevel;
  });
  if (reader.remaining > 0 || at !== index) throw new CorruptBytesError('the index of the tiles is of other tiles');
  return tiles;
}

/** `from`: where the level's first tile stands. */
function readIndex({ hopMs }: Level, reader: ByteReader, from: number): Tile[] {
  const count = countOf(reader);
  const tiles: Tile[] = [];
  let startMs = -Infinity;
  let newestMs = -Infinity;
  let storedFrom = from;
  for (let index = 0; index < count; index++) {
    if (hopMs === Infinity) {
      newestMs = reader.svarint();
      if (index > 0) throw new CorruptBytesError('a second tile of a lifetime');
    } else {
      const hops = index === 0 ? reader.svarint() : reader.varint();
      if (index > 0 && hops === 0) throw new CorruptBytesError('tiles out of order');
      startMs = index === 0 ? hops * hopMs : startMs + hops * hopMs;
      const laterMs = reader.varint();
      if (laterMs >= hopMs || !Number.isSafeInteger(startMs)) throw new CorruptBytesError('a tile is not aligned');
      newestMs = startMs + laterMs;
    }
    const storedTo = storedFrom + reader.varint();
    tiles.push({ startMs, newestMs, states: null, storedFrom, storedTo });
    storedFrom = storedTo;
  }
  return tiles;
}

/** No tile takes less than a byte: a count that cannot be true is not allocated for. */
function countOf(reader: ByteReader): number {
  const count = reader.varint();
  if (count > reader.remaining) throw new CorruptBytesError(`${count} tiles in ${reader.remaining} bytes`);
  return count;
}

function readWithoutIndex(plan: ViewPlan, bytes: Uint8Array): Tile[][] {
  const reader = new ByteReader(bytes, 1, bytes.length - CHECKSUM_BYTES);
  const tiles = plan.levels.map((level) => {
    const ofLevel: Tile[] = [];
    for (let left = countOf(reader); left > 0; left--) ofLevel.push(readTile(level, reader, ofLevel.at(-1)));
    return ofLevel;
  });
  if (reader.remaining > 0) throw new CorruptBytesError('bytes after the last tile');
  return tiles;
}

function readTile(level: Level, reader: ByteReader, before: Tile | undefined): Tile {
  const isLifetime = level.hopMs === Infinity;
  const startMs = isLifetime ? -Infinity : reader.svarint();
  const newestMs = isLifetime ? reader.svarint() : startMs + reader.varint();
  if (!isLifetime && floorTo(newestMs, level.hopMs) !== startMs) throw new CorruptBytesError('a tile is not aligned');
  if (before !== undefined && startMs <= before.startMs) throw new CorruptBytesError('tiles out of order');
  const storedFrom = reader.position;
  const states = readStates(level, reader);
  return { startMs, newestMs, states, storedFrom, storedTo: reader.position };
}

function readStates({ slots }: Level, reader: ByteReader): unknown[] {
  const flags = readPresence(reader, slots.length);
  return slots.map(({ algebra }, at) => (reader.bit(flags, at) ? algebra.decode(reader) : null));
}
