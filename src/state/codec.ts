/**
 * Stored form of a state: an append-only head and one tiles value. A record of the head that is below the seal came after it,
 * and belongs to the tiles: decoding adds it there (docs/adr/0007).
 *
 * Head: a header (format, version it was rewritten at, `sealedUntil`, newest sealed event, checksum of the tiles value it
 * belongs with), then chunks: how many records, and the records. Header and chunks each end in a CRC-32 that continues
 * the one before, so they can be neither changed, moved nor taken out; and the number of records must match `version`,
 * so none can be missing at the end.
 * Tiles: per level the tiles by start, ending in a CRC-32. Decoding trusts nothing: every fault is a `CorruptBytesError`.
 */
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import { crc32, endChecksum } from './checksum.ts';
import { type EntityState, type HeadEvent, NO_BYTES, type StoredMarks, type Tile } from './entity-state.ts';
import { type EventColumns, timeIndexAt } from './event-columns.ts';
import { Head, columnsFor } from './head.ts';
import type { ViewPlan } from './plan.ts';
import { appendRecord } from './record-codec.ts';
import type { StateChange, StoredState } from './state.ts';
import { foldSealed, isReachable } from './seal.ts';
import { readTiles, tilesChecksum, writeTiles } from './tiles-codec.ts';

/** Raised when a stored byte changes its meaning; states of other formats are refused, and rebuilt from the log. */
export const FORMAT_VERSION = 1;

const writer = new ByteWriter(4_096);

/** What to write so that the store holds `state`, or null if it already does. The change counts as stored from here on. */
export function takeChange(plan: ViewPlan, state: EntityState): StateChange | null {
  const { stored } = state;
  const { version: fromVersion, checksum: before } = stored;
  if (stored.erased) return takeErased(state, fromVersion);
  if (state.version === fromVersion) return null;
  const rewrite = stored.rewrite || isLateTooMuch(plan, state);
  const tiles = rewrite && state.sealedUntilMs !== -Infinity ? writeTiles(plan, state) : null;
  writer.reset();
  if (rewrite) writeHead(state, tiles === null ? 0 : tilesChecksum(tiles));
  else writeAppended(state);
  const bytes = writer.copyShared();
  state.head.dropEvents();
  stored.version = state.version;
  stored.appended = 0;
  stored.scattered = null;
  stored.rewrite = false;
  if (rewrite) stored.late = 0;
  const head = { mode: rewrite ? ('replace' as const) : ('append' as const), bytes };
  const fromChecksum = rewrite ? null : before;
  const keepsTiles = !rewrite && stored.tiles.length > 0;
  return { fromVersion, toVersion: state.version, fromChecksum, keepsTiles, head, tiles };
}

function takeErased({ stored, version }: EntityState, fromVersion: number): StateChange {
  assert(version === 0, 'what was erased is taken before anything is folded');
  stored.version = 0;
  stored.erased = false;
  const head = { mode: 'delete' as const, bytes: NO_BYTES };
  return { fromVersion, toVersion: 0, fromChecksum: null, keepsTiles: false, head, tiles: null };
}

/** Readers add late records to tiles each time: no more of them than a seal moves, nor of all records than a head may hold. */
function isLateTooMuch({ view }: ViewPlan, { head, stored }: EntityState): boolean {
  return stored.late > view.headMax >> 1 || (stored.late > 0 && head.length + stored.late > view.headLimit);
}

/** Whether a change was made from what is stored, and may be applied. Of the head, its last `CHECKSUM_BYTES` are enough. */
export function isMadeFrom(
  { fromVersion, fromChecksum }: StateChange,
  stored: Pick<StoredState, 'version' | 'head'> | null,
): boolean {
  if (stored === null) return fromVersion === 0;
  return stored.version === fromVersion && (fromChecksum === null || endChecksum(stored.head) === fromChecksum);
}

/** Applies a change to what is stored, as a store does: for tests and stores that keep whole values. */
export function applyChange(stored: StoredState | null, change: StateChange): StoredState {
  const head =
    change.head.mode === 'replace' || stored === null
      ? change.head.bytes
      : Buffer.concat([stored.head, change.head.bytes]);
  return { version: change.toVersion, head, tiles: change.tiles ?? stored?.tiles ?? null };
}

/**
 * Throws `CorruptBytesError` for bytes that `takeChange` did not write for this plan. `before`: the entity's state as it was read
 * earlier, which nobody folds into; tiles that are the same still are shared with it, and not read again.
 */
export function decodeState(plan: ViewPlan, stored: StoredState, before: EntityState | null = null): EntityState {
  try {
    return decode(plan, stored, before);
  } catch (error) {
    if (error instanceof CorruptBytesError) throw error;
    throw new CorruptBytesError('stored state cannot be read', error);
  }
}

/** Checksum of the header, which the first record's continues. */
function writeHeader(state: EntityState, tilesChecksum: number): number {
  const at = writer.length;
  writer.u8(FORMAT_VERSION);
  writer.varint(state.version - state.head.length);
  writer.f64(state.sealedUntilMs);
  writer.f64(state.sealedNewestMs);
  writer.u32(tilesChecksum);
  const checksum = crc32(writer.buffer, at, writer.length, 0);
  writer.u32(checksum);
  return checksum;
}

/** The whole head, in total order. */
function writeHead(state: EntityState, tilesChecksum: number): void {
  const { head, stored } = state;
  stored.checksum = writeHeader(state, tilesChecksum);
  if (head.length === 0) return;
  const at = writer.length;
  writer.varint(head.length);
  head.write(writer, 0);
  endChunk(stored, at);
}

/** The events that came since the last take, in the order they came. */
function writeAppended({ head, stored }: EntityState): void {
  const { appended, scattered } = stored;
  const at = writer.length;
  writer.varint(appended);
  if (scattered === null) head.write(writer, head.length - appended);
  else for (const records of scattered) writer.raw(records);
  endChunk(stored, at);
}

function endChunk(stored: StoredMarks, at: number): void {
  stored.checksum = crc32(writer.buffer, at, writer.length, stored.checksum);
  writer.u32(stored.checksum);
}

function decode(
  plan: ViewPlan,
  { version, head: headBytes, tiles: tilesBytes }: StoredState,
  before: EntityState | null,
): EntityState {
  const reader = new ByteReader(headBytes);
  const { baseVersion, sealedUntilMs, sealedNewestMs, boundChecksum } = readHeader(reader);
  let checksum = verify(reader, headBytes, 0, 0);
  checkSealed(sealedUntilMs, sealedNewestMs, boundChecksum, tilesBytes);
  const stored = columnsFor(plan);
  while (reader.remaining > 0) {
    const at = reader.position;
    readChunk(plan, reader, stored);
    checksum = verify(reader, headBytes, at, checksum);
  }
  if (baseVersion + stored.length !== version) {
    throw new CorruptBytesError(
      `${stored.length} head records after version ${baseVersion} do not make version ${version}`,
    );
  }
  const { columns, late } = inTotalOrder(stored, sealedUntilMs);
  // Late events are added to tiles, and nothing may be added to what is shared.
  const isShared = late.length === 0 && before !== null && hasSameTiles(before, tilesBytes, sealedNewestMs);
  const state: EntityState = {
    head: new Head(plan, columns),
    sealedUntilMs,
    sealedNewestMs,
    tiles: isShared ? before.tiles : tilesOf(plan, tilesBytes, sealedNewestMs),
    version,
    forcedSeals: 0,
    stored: {
      version,
      checksum,
      appended: 0,
      scattered: null,
      late: late.length,
      rewrite: false,
      tiles: isShared ? before.stored.tiles : (tilesBytes ?? NO_BYTES),
      erased: false,
    },
    headIds: null,
  };
  for (const event of late) foldStoredLate(plan, state, event);
  return state;
}

/** Whether a stored head was written for these tiles. What else it says is `decodeState`'s to check. */
export function belongsWith(head: Uint8Array, tiles: Uint8Array): boolean {
  try {
    const { sealedUntilMs, boundChecksum } = readHeader(new ByteReader(head));
    return sealedUntilMs !== -Infinity && boundChecksum === tilesChecksum(tiles);
  } catch (error) {
    if (error instanceof CorruptBytesError) return false;
    throw error;
  }
}

function readHeader(reader: ByteReader) {
  const format = reader.u8();
  if (format !== FORMAT_VERSION) throw new CorruptBytesError(`stored format ${format} is not ${FORMAT_VERSION}`);
  const baseVersion = reader.varint();
  const sealedUntilMs = reader.f64();
  const sealedNewestMs = reader.f64();
  const boundChecksum = reader.u32();
  return { baseVersion, sealedUntilMs, sealedNewestMs, boundChecksum };
}

function tilesOf(plan: ViewPlan, bytes: Uint8Array | null, sealedNewestMs: number): readonly Tile[][] {
  return bytes === null ? plan.levels.map(() => []) : readTiles(plan, bytes, sealedNewestMs);
}

function hasSameTiles(before: EntityState, bytes: Uint8Array | null, sealedNewestMs: number): boolean {
  const { stored } = before;
  if (bytes === null || stored.late > 0 || before.sealedNewestMs !== sealedNewestMs) return false;
  return stored.tiles === bytes || Buffer.compare(stored.tiles, bytes) === 0;
}

/** Events as they were appended, sorted; those below the seal apart. Nearly always they come in order, and none is late. */
function inTotalOrder(
  stored: EventColumns,
  sealedUntilMs: number,
): { readonly columns: EventColumns; readonly late: readonly HeadEvent[] } {
  const columns = stored.isSorted() ? stored : stored.sorted();
  const lateCount = timeIndexAt(columns.tsMs, sealedUntilMs);
  if (lateCount === 0) return { columns, late: [] };
  const late = Array.from({ length: lateCount }, (_none, index) => columns.eventAt(index));
  columns.dropFirst(lateCount);
  return { columns, late };
}

function foldStoredLate(plan: ViewPlan, state: EntityState, event: HeadEvent): void {
  if (!isReachable(plan, event.tsMs, state.sealedUntilMs))
    throw new CorruptBytesError('a record below the seal is beyond the reach of every window');
  foldSealed(plan, state, event);
}

function readChunk(plan: ViewPlan, reader: ByteReader, into: EventColumns): void {
  const count = reader.varint();
  if (count === 0) throw new CorruptBytesError('a chunk without records');
  for (let index = 0; index < count; index++) appendRecord(plan, reader, into);
}

/** Reads the checksum that ends a frame begun at `from`. */
function verify(reader: ByteReader, bytes: Uint8Array, from: number, before: number): number {
  const checksum = crc32(bytes, from, reader.position, before);
  if (reader.u32() !== checksum) throw new CorruptBytesError(`checksum of the frame at byte ${from} does not match`);
  return checksum;
}

function checkSealed(
  sealedUntilMs: number,
  sealedNewestMs: number,
  boundChecksum: number,
  tiles: Uint8Array | null,
): void {
  if (sealedUntilMs === -Infinity) {
    if (sealedNewestMs !== -Infinity || tiles !== null) throw new CorruptBytesError('tiles without a seal');
    return;
  }
  const isWhole = Number.isSafeInteger(sealedUntilMs) && Number.isSafeInteger(sealedNewestMs);
  if (!isWhole || sealedNewestMs >= sealedUntilMs) throw new CorruptBytesError('the seal is out of range');
  if (tiles === null) throw new CorruptBytesError('the tiles value is missing');
  if (tilesChecksum(tiles) !== boundChecksum) throw new CorruptBytesError('the tiles value belongs to another head');
}
