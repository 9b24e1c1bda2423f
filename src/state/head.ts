/**
 * The head of one entity: its recent events, in total order. As records, in the form that is stored: one piece of memory
 * however many there are, where objects would be looked through by every collection of garbage. And as events, once somebody
 * reads them. Whoever folds needs the first, whoever evaluates the second; the one that is missing is made of the other.
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { HeadEvent } from './entity-state.ts';
import type { ViewPlan } from './plan.ts';
import { readRecord, readRecordPlace, timeOfRecord, writeRecord } from './record-codec.ts';

const BYTES_FIRST = 128;

export class Head {
  readonly #plan: ViewPlan;
  /** Null: nobody has read them since they were dropped. */
  #events: HeadEvent[] | null;
  /** One after the other. Null: not made yet, of a head that was given as events. */
  #records: ByteWriter | null;
  /** Where each record ends. */
  #ends: number[] = [];

  /** `events`: in total order; null: none. They are the head's from here on. */
  constructor(plan: ViewPlan, events: HeadEvent[] | null) {
    this.#plan = plan;
    this.#events = events;
    this.#records = events === null ? new ByteWriter(BYTES_FIRST) : null;
  }

  get length(): number {
    return this.#records === null ? this.events().length : this.#ends.length;
  }

  /** Bytes of memory that records take. */
  get bytesHeld(): number {
    return (this.#records?.buffer.length ?? 0) + this.#ends.length * 8;
  }

  /** Not to be changed; good until the next change. */
  events(): readonly HeadEvent[] {
    return (this.#events ??= this.#decode(this.#ends.length));
  }

  /** Of a head that is folded into and not read, so that its events do not fill the memory. */
  dropEvents(): void {
    this.#asRecords();
    this.#events = null;
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
    if (at === this.#ends.length) {
      this.#ends.push(records.length);
      this.#events?.push(event);
      return;
    }
    const from = this.#startOf(at);
    const count = records.length - used;
    records.rotate(from, used);
    this.#ends.splice(at, 0, from);
    for (let index = at; index < this.#ends.length; index++) this.#ends[index] = (this.#ends[index] as number) + count;
    this.#events?.splice(at, 0, event);
  }

  /** Removes the oldest `count` events, and answers them. */
  takeOldest(count: number): readonly HeadEvent[] {
    const records = this.#asRecords();
    const taken = this.#events?.splice(0, count) ?? this.#decode(count);
    const from = this.#startOf(count);
    records.dropFirst(from);
    this.#ends = this.#ends.slice(count);
    for (let index = 0; index < this.#ends.length; index++) this.#ends[index] = (this.#ends[index] as number) - from;
    return taken;
  }

  clear(): void {
    this.#events = null;
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

  #decode(count: number): HeadEvent[] {
    const reader = new ByteReader(this.#asRecords().buffer, 0, this.#startOf(count));
    const events: HeadEvent[] = [];
    for (let index = 0; index < count; index++) events.push(readRecord(this.#plan, reader));
    return events;
  }

  #asRecords(): ByteWriter {
    if (this.#records !== null) return this.#records;
    const records = new ByteWriter(BYTES_FIRST);
    for (const event of this.#events as HeadEvent[]) {
      writeRecord(this.#plan, event, records);
      this.#ends.push(records.length);
    }
    return (this.#records = records);
  }
}
