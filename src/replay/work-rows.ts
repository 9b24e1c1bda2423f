/** Rows of the work (entity-rows.ts): an event of a lane, and what a label asks of an entity. Times are ms. */
import type { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { ViewEvent } from '../event/event.ts';

/** An event's row, less what `writeContent` writes after it (state/record-codec.ts). */
export interface EventRow {
  tsMs: number;
  /** Null: nobody knew it before the log's end. */
  knownMs: number | null;
  /** Orders the events of an entity as the live driver takes them; of the same, partition and offset. */
  arrivedMs: number;
  appendedMs: number;
  partition: number;
  offset: number;
}

export function writeEventRow(
  writer: ByteWriter,
  { tsMs, appendedMs, partition, offset }: ViewEvent,
  knownMs: number | null,
  arrivedMs: number,
): void {
  writer.f64(tsMs);
  writer.f64(knownMs ?? Number.NaN);
  writer.f64(arrivedMs);
  writer.f64(appendedMs);
  writer.varint(partition);
  writer.varint(offset);
}

export function emptyEventRow(): EventRow {
  return { tsMs: 0, knownMs: null, arrivedMs: 0, appendedMs: 0, partition: 0, offset: 0 };
}

/** Fills `into`; the content is next. */
export function readEventRow(reader: ByteReader, into: EventRow): void {
  into.tsMs = reader.f64();
  into.knownMs = readTime(reader);
  into.arrivedMs = reader.f64();
  into.appendedMs = reader.f64();
  into.partition = reader.varint();
  into.offset = reader.varint();
}

/** What a row of labels, or a receipt, asks of an entity. */
export interface RequestRow {
  readonly asOfMs: number;
  /** Of the labels, or of the served rows. */
  readonly row: number;
  /** Number of the appearance. */
  readonly appearance: number;
  /** Event time before which the entity's history may be missing, as the log holds it; null: it is complete. */
  readonly heldMs: number | null;
  /** What a receipt names; null: a label names nothing of the kind. */
  readonly seen: Seen | null;
}

export interface Seen {
  /** As of `heldMs`, when it was served. */
  readonly completeMs: number | null;
  /** Of each partition that the entity's events can be in, the position below which they were seen. */
  readonly positions: readonly SeenPosition[];
}

export interface SeenPosition {
  readonly partition: number;
  readonly next: number;
}

export function writeRequestRow(writer: ByteWriter, { asOfMs, row, appearance, heldMs, seen }: RequestRow): void {
  writer.f64(asOfMs);
  writer.varint(row);
  writer.varint(appearance);
  writer.f64(heldMs ?? Number.NaN);
  writer.u8(seen === null ? 0 : 1);
  if (seen === null) return;
  writer.f64(seen.completeMs ?? Number.NaN);
  writer.varint(seen.positions.length);
  for (const { partition, next } of seen.positions) {
    writer.varint(partition);
    writer.varint(next);
  }
}

export function readRequestRow(reader: ByteReader): RequestRow {
  return {
    asOfMs: reader.f64(),
    row: reader.varint(),
    appearance: reader.varint(),
    heldMs: readTime(reader),
    seen: reader.u8() === 0 ? null : readSeen(reader),
  };
}

function readSeen(reader: ByteReader): Seen {
  const completeMs = readTime(reader);
  const count = reader.varint();
  const positions = Array.from({ length: count }, () => ({ partition: reader.varint(), next: reader.varint() }));
  return { completeMs, positions };
}

function readTime(reader: ByteReader): number | null {
  const ms = reader.f64();
  return Number.isNaN(ms) ? null : ms;
}
