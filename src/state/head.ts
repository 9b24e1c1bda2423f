/**
 * The head of one entity: its recent events, in total order. As records, in the form that is stored: one piece of memory
 * however many there are, where objects would be looked through by every collection of garbage. And as columns, once somebody
 * reads them. Whoever folds needs the first, whoever evaluates the second; the one that is missing is made of the other.
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { HeadEvent } from './entity-state.ts';
import { EventColumns } from './event-columns.ts';
import type { ViewPlan } from './plan.ts';
import { appendRecord, readRecord, readRecordPlace, timeOfRecord, writeRecord } from './record-codec.ts';

const BYTES_FIRST = 128;

export class Head {
  readonly #plan: ViewPlan;
  /** Null: nobody has read them since they were dropped. */
  #columns: EventColumns | null;
  /** One after the other. Null: not made yet, of a head that was given as columns. */
  #records: ByteWriter | null;
  /** Where each record ends. */
  #ends: number[] = [];

  /** `columns`: in total order; null: none. They are the head's from here on. */
  constructor(plan: ViewPlan, columns: EventColumns | null) {
    this.#plan = plan;
    this.#columns = columns;
    this.#records = columns === null ? new ByteWriter(BYTES_FIRST) : null;
  }

  get length(): number {
    return this.#records === null ? this.columns().length : this.#ends.length;
  }

  /** Bytes of memory that records take. */
  get bytesHeld(): number {
    return (this.#records?.buffer.length ?? 0) + this.#ends.length * 8;
  }

  /** Not to be changed; good until the next change. */
  columns(): EventColumns {
    return (this.#columns ??= this.#decode(this.#ends.length));
  }

  /** Each as an object. */
  events(): readonly HeadEvent[] {
    return eventsOf(this.columns(), this.length);
  }

  /** Of a head that is folded into and not read, so that its events do not fill the memory. */
  dropEvents(): void {
    this.#asRecords();
    this.#columns = null;
  }

  tsAt(index: number): number {
    return timeOfRecord(this.#asRecords(), this.#startOf(index));
  }

  /** Index of the first event with `ts ≥ tsMs`. */
  indexAt(tsMs: number): number {
    const records = this.#asRecords();
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (timeOfRecord(records, this.#startOf(middle)) < tsMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where `event` belongs: nearly always at the end, for events come nearly in order. */
  placeOf(event: HeadEvent): number {
    this.#asRecords();
    let at = this.#ends.length;
    while (at > 0 && this.#isAfter(at - 1, event)) at -= 1;
    return at;
  }

  insert(at: number, event: HeadEvent): void {
    const records = this.#asRecords();
    const used = records.length;
    writeRecord(this.#plan, event, records);
    this.#columns?.insert(at, event);
    if (at === this.#ends.length) {
      this.#ends.push(records.length);
      return;
    }
    const from = this.#startOf(at);
    const count = records.length - used;
    records.rotate(from, used);
    this.#ends.splice(at, 0, from);
    for (let index = at; index < this.#ends.length; index++) this.#ends[index] = (this.#ends[index] as number) + count;
  }

  /** Removes the oldest `count` events, and answers them. */
  takeOldest(count: number): readonly HeadEvent[] {
    const records = this.#asRecords();
    const taken = this.#columns === null ? this.#decodeEvents(count) : eventsOf(this.#columns, count);
    this.#columns?.dropFirst(count);
    const from = this.#startOf(count);
    records.dropFirst(from);
    this.#ends = this.#ends.slice(count);
    for (let index = 0; index < this.#ends.length; index++) this.#ends[index] = (this.#ends[index] as number) - from;
    return taken;
  }

  clear(): void {
    this.#columns = null;
    this.#records = new ByteWriter(BYTES_FIRST);
    this.#ends = [];
  }

  /** A copy of the records from `index` on, up to `to`. */
  records(index: number, to = this.length): Uint8Array {
    return this.#asRecords().buffer.slice(this.#startOf(index), this.#startOf(to));
  }

  /** The records from `index` on. */
  write(into: ByteWriter, index: number): void {
    const records = this.#asRecords();
    into.part(records.buffer, this.#startOf(index), records.length);
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] as number);
  }

  #isAfter(index: number, { tsMs, partition, offset }: HeadEvent): boolean {
    const records = this.#asRecords();
    const at = this.#startOf(index);
    const difference = timeOfRecord(records, at) - tsMs;
    if (difference !== 0) return difference > 0;
    const place = readRecordPlace(new ByteReader(records.buffer, at));
    return (place.partition - partition || place.offset - offset) > 0;
  }

  #decode(count: number): EventColumns {
    const reader = new ByteReader(this.#asRecords().buffer, 0, this.#startOf(count));
    const columns = columnsFor(this.#plan);
    for (let index = 0; index < count; index++) appendRecord(this.#plan, reader, columns);
    return columns;
  }

  #decodeEvents(count: number): HeadEvent[] {
    const reader = new ByteReader(this.#asRecords().buffer, 0, this.#startOf(count));
    return Array.from({ length: count }, () => readRecord(this.#plan, reader));
  }

  #asRecords(): ByteWriter {
    if (this.#records !== null) return this.#records;
    const records = new ByteWriter(BYTES_FIRST);
    const columns = this.#columns as EventColumns;
    for (let index = 0; index < columns.length; index++) {
      const event = columns.eventAt(index);
      writeRecord(this.#plan, event, records);
      this.#ends.push(records.length);
    }
    return (this.#records = records);
  }
}

/** The first `count`. */
function eventsOf(columns: EventColumns, count: number): HeadEvent[] {
  return Array.from({ length: count }, (_none, index) => columns.eventAt(index));
}

/** Without events yet. */
export function columnsFor({ columnCodecs, hasEventId }: ViewPlan): EventColumns {
  return new EventColumns(columnCodecs.length, hasEventId);
}
