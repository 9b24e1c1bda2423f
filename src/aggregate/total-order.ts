/** The orders that nothing may depend on arrival for: events by (ts, partition, offset), and values of one type. */
import { type ByteReader, type ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import { compareText } from '../core/text.ts';
import { readInteger, writeInteger } from './value-codec.ts';

/** Times further apart are written whole. */
const LATER_MS_MAX = 2 ** 48;

/** An event's place in the total order. No two events of one source share it. */
export interface Place {
  readonly tsMs: number;
  readonly partition: number;
  readonly offset: number;
}

/** Worst-case bytes of `writePlace` and `writeNextPlace`. */
export const PLACE_BYTES_MAX = 1 + 9 + 8 + 9;

/** Whether `place` comes after the event at `(tsMs, partition, offset)`. */
export function isAfter(place: Place, tsMs: number, partition: number, offset: number): boolean {
  if (place.tsMs !== tsMs) return place.tsMs > tsMs;
  if (place.partition !== partition) return place.partition > partition;
  return place.offset > offset;
}

export function writePlace(writer: ByteWriter, { tsMs, partition, offset }: Place): void {
  writeInteger(writer, tsMs);
  writer.varint(partition);
  writer.varint(offset);
}

export function readPlace(reader: ByteReader): Place {
  return { tsMs: readInteger(reader), partition: reader.varint(), offset: reader.varint() };
}

/** Writes a place that comes after `before` in fewer bytes: how much later it is, or, when far later, its time after a 0. */
export function writeNextPlace(writer: ByteWriter, place: Place, before: Place): void {
  const laterMs = place.tsMs - before.tsMs;
  if (laterMs < LATER_MS_MAX) {
    writer.varint(laterMs + 1);
  } else {
    writer.varint(0);
    writeInteger(writer, place.tsMs);
  }
  writer.varint(place.partition);
  writeInteger(writer, place.offset - before.offset);
}

/** What `writeNextPlace` wrote after `before`; refuses a place that does not come after it. */
export function readNextPlace(reader: ByteReader, before: Place): Place {
  const head = reader.varint();
  const tsMs = head === 0 ? readInteger(reader) : before.tsMs + head - 1;
  const place = { tsMs, partition: reader.varint(), offset: before.offset + readInteger(reader) };
  const valid = Number.isSafeInteger(tsMs) && Number.isSafeInteger(place.offset) && place.offset >= 0;
  if (!valid || !isAfter(place, before.tsMs, before.partition, before.offset)) {
    throw new CorruptBytesError('places out of order');
  }
  return place;
}

/** Values of one scalar type: negative when `left` comes first. Numbers by value, `false` before `true`. */
export function compareScalars<T extends string | number | bigint | boolean>(left: T, right: T): number {
  if (typeof left === 'string') return compareText(left, right as string);
  return left < right ? -1 : left > right ? 1 : 0;
}
