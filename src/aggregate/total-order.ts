/** The orders that nothing may depend on arrival for: events by (ts, partition, offset), and values of one type. */
import type { ByteReader, ByteWriter } from '../core/bytes.ts';
import { readInteger, writeInteger } from './value-codec.ts';

/** An event's place in the total order. No two events of one source share it. */
export interface Place {
  readonly tsMs: number;
  readonly partition: number;
  readonly offset: number;
}

/** Worst-case bytes of `writePlace`. */
export const PLACE_BYTES_MAX = 9 + 8 + 8;

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

/** Values of one scalar type: negative when `left` comes first. Numbers by value, `false` before `true`. */
export function compareScalars<T extends string | number | bigint | boolean>(left: T, right: T): number {
  if (typeof left === 'string') return compareText(left, right as string);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Strings by their UTF-8 bytes, which is by code points (UTF-16 puts U+E000 to U+FFFF after all that is beyond). */
export function compareText(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    const one = left.charCodeAt(index);
    const other = right.charCodeAt(index);
    if (one !== other) return codePointRank(one) - codePointRank(other);
  }
  return left.length - right.length;
}

/** Orders UTF-16 units as the code points they begin: surrogates, which stand for U+10000 and up, come last. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
