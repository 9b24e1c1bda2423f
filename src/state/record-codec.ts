/** One head record: coordinates, filter bits, and the view's columns, each in the form of its type. */
import { type ByteReader, ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import type { Value } from '../core/value.ts';
import type { ValueCodec } from '../aggregate/value-codec.ts';
import type { HeadEvent } from './entity-state.ts';
import type { EventColumns } from './event-columns.ts';
import type { ViewPlan } from './plan.ts';

export function writeRecord(plan: ViewPlan, event: HeadEvent, writer: ByteWriter): void {
  writer.f64(event.tsMs);
  writer.varint(event.partition);
  writer.varint(event.offset);
  writeContent(plan, event, writer);
}

/** What of a record is not its time and place. */
export function writeContent(
  { columnCodecs, hasEventId }: ViewPlan,
  event: Pick<HeadEvent, 'filterBits' | 'columns' | 'eventId'>,
  writer: ByteWriter,
): void {
  writer.varint(event.filterBits);
  const { columns } = event;
  const flags = writer.length;
  for (let first = 0; first < columns.length; first += 8) writer.u8(0);
  for (let index = 0; index < columns.length; index++) {
    const value = columns[index] as Value;
    if (value === null) continue;
    writer.setBit(flags + (index >> 3), index & 7);
    (columnCodecs[index] as ValueCodec).write(writer, value);
  }
  if (!hasEventId) return;
  writer.u8(event.eventId === null ? 0 : 1);
  if (event.eventId !== null) writer.string(event.eventId);
}

/** `event` as a record of its own. */
export function encodeRecord(plan: ViewPlan, event: HeadEvent): Uint8Array {
  const writer = new ByteWriter();
  writeRecord(plan, event, writer);
  return writer.copy();
}

/** When the event was whose record `writeRecord` wrote at this place. */
export function timeOfRecord(records: ByteWriter, at: number): number {
  return records.f64At(at);
}

/** Where the event of the record that begins here is in the log. */
export function readRecordPlace(reader: ByteReader): { readonly partition: number; readonly offset: number } {
  reader.f64();
  return { partition: reader.varint(), offset: reader.varint() };
}

export function readRecord(plan: ViewPlan, reader: ByteReader): HeadEvent {
  const tsMs = readTime(reader);
  const partition = reader.varint();
  return readContent(plan, reader, tsMs, partition, reader.varint());
}

/** The event of this time and place, from what `writeContent` wrote. */
export function readContent(
  { columnCodecs, noColumns, hasEventId }: ViewPlan,
  reader: ByteReader,
  tsMs: number,
  partition: number,
  offset: number,
): HeadEvent {
  const filterBits = reader.varint();
  const count = columnCodecs.length;
  const flags = readPresence(reader, count);
  const columns: Value[] = noColumns.slice();
  for (let index = 0; index < count; index++) {
    if (reader.bit(flags, index)) columns[index] = (columnCodecs[index] as ValueCodec).read(reader);
  }
  return { tsMs, partition, offset, filterBits, columns, eventId: hasEventId ? readEventId(reader) : null };
}

/** The same, appended to `into`. */
export function appendRecord({ columnCodecs, hasEventId }: ViewPlan, reader: ByteReader, into: EventColumns): void {
  into.tsMs.push(readTime(reader));
  into.partitions.push(reader.varint());
  into.offsets.push(reader.varint());
  into.filterBits.push(reader.varint());
  const flags = readPresence(reader, columnCodecs.length);
  for (let index = 0; index < columnCodecs.length; index++) {
    const value = reader.bit(flags, index) ? (columnCodecs[index] as ValueCodec).read(reader) : null;
    (into.values[index] as Value[]).push(value);
  }
  if (hasEventId) into.eventIds.push(readEventId(reader));
}

function readTime(reader: ByteReader): number {
  const tsMs = reader.f64();
  if (!Number.isSafeInteger(tsMs)) throw new CorruptBytesError('an event time is not a whole number');
  return tsMs;
}

/** Passes the bytes with a bit for each of `count` values that may be absent; answers where they begin, for `ByteReader.bit`. */
export function readPresence(reader: ByteReader, count: number): number {
  const flags = reader.position;
  for (let first = 0; first < count; first += 8) {
    if (reader.u8() >> Math.min(8, count - first) !== 0) throw new CorruptBytesError('a value beyond the last');
  }
  return flags;
}

function readEventId(reader: ByteReader): string | null {
  const flag = reader.u8();
  if (flag > 1) throw new CorruptBytesError('a flag is neither 0 nor 1');
  return flag === 0 ? null : reader.string();
}
