/**
 * The head of one entity: its recent events, in total order. As records, in the form that is stored: one piece of memory
 * however many there are, where objects would be looked through by every collection of garbage. And as events, once somebody
 * reads them. Whoever folds needs the first, whoever evaluates the second; the one that is missing is made of the other.
 */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { HeadEvent } from './entity-state.ts';
import type { ViewPlan } from './plan.ts';
import { readRecord, readRecordPlace, writeRecord } from './record-codec.ts';

const BYTES_FIRST = 128;
const GROWTH = 1.5;

const writer = new ByteWriter(4_096);

export class Head {
  readonly #plan: ViewPlan;
  /** Null: nobody has read them since they were dropped. */
  #events: HeadEvent[] | null;
  /** Room for more than is used. Null: not made yet, of a head that was given as events. */
  #bytes: Uint8Array | null;
  /** Where each record ends. */
  #ends: number[] = [];
  #tsMs: number[] = [];

  /** `events`: in total order; null: none. They are the head's from here on. */
  constructor(plan: ViewPlan, events: HeadEvent[] | null) {
    this.#plan = plan;
    this.#events = events;
    this.#bytes = events === null ? new Uint8Array(0) : null;
  }

  get length(): number {
    return this.#bytes === null ? this.events().length : this.#ends.length;
  }

  /** Bytes of memory that records take. */
  get bytesHeld(): number {
    return (this.#bytes?.length ?? 0) + this.#ends.length * 16;
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
    this.#asRecords();
    return this.#tsMs[index] as number;
  }

  /** Index of the first event with `ts ≥ tsMs`. */
  indexAt(tsMs: number): number {
    this.#asRecords();
    let low = 0;
    let high = this.#tsMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#tsMs[middle] as number) < tsMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where `event` belongs: nearly always at the end, for events come nearly in order. */
  placeOf(event: HeadEvent): number {
    this.#asRecords();
    let at = this.#tsMs.length;
    while (at > 0 && this.#isAfter(at - 1, event)) at -= 1;
    return at;
  }

  insert(at: number, event: HeadEvent): void {
    writer.reset();
    writeRecord(this.#plan, event, writer);
    const { length } = writer;
    const from = this.#open(at, length);
    writer.copyTo(this.#bytes as Uint8Array, from);
    if (at === this.#ends.length) {
      this.#ends.push(from + length);
      this.#tsMs.push(event.tsMs);
      this.#events?.push(event);
      return;
    }
    this.#ends.splice(at, 0, from);
    for (let index = at; index < this.#ends.length; index++) this.#ends[index] = (this.#ends[index] as number) + length;
    this.#tsMs.splice(at, 0, event.tsMs);
    this.#events?.splice(at, 0, event);
  }

  /** Removes the oldest `count` events, and answers them. */
  takeOldest(count: number): readonly HeadEvent[] {
    this.#asRecords();
    const taken = this.#events?.splice(0, count) ?? this.#decode(count);
    const from = this.#startOf(count);
    (this.#bytes as Uint8Array).copyWithin(0, from, this.#used);
    this.#ends = this.#ends.slice(count);
    for (let index = 0; index < this.#ends.length; index++) this.#ends[index] = (this.#ends[index] as number) - from;
    this.#tsMs = this.#tsMs.slice(count);
    return taken;
  }

  clear(): void {
    this.#events = null;
    this.#bytes = new Uint8Array(0);
    this.#ends = [];
    this.#tsMs = [];
  }

  /** A copy of the records from `index` on, up to `to`. */
  records(index: number, to = this.length): Uint8Array {
    this.#asRecords();
    return (this.#bytes as Uint8Array).slice(this.#startOf(index), this.#startOf(to));
  }

  /** The records from `index` on. */
  write(into: ByteWriter, index: number): void {
    this.#asRecords();
    into.part(this.#bytes as Uint8Array, this.#startOf(index), this.#used);
  }

  get #used(): number {
    return this.#ends.at(-1) ?? 0;
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] as number);
  }

  #isAfter(index: number, { tsMs, partition, offset }: HeadEvent): boolean {
    const difference = (this.#tsMs[index] as number) - tsMs;
    if (difference !== 0) return difference > 0;
    const place = readRecordPlace(new ByteReader(this.#bytes as Uint8Array, this.#startOf(index), this.#used));
    return (place.partition - partition || place.offset - offset) > 0;
  }

  /** Makes room for `count` bytes before the record `at`, and answers where. */
  #open(at: number, count: number): number {
    const used = this.#used;
    const needed = used + count;
    let bytes = this.#bytes as Uint8Array;
    if (needed > bytes.length) {
      const grown = new Uint8Array(Math.max(needed, BYTES_FIRST, Math.ceil(bytes.length * GROWTH)));
      grown.set(bytes.subarray(0, used));
      this.#bytes = bytes = grown;
    }
    const from = this.#startOf(at);
    if (from < used) bytes.copyWithin(from + count, from, used);
    return from;
  }

  #decode(count: number): HeadEvent[] {
    const reader = new ByteReader(this.#bytes as Uint8Array, 0, this.#startOf(count));
    const events: HeadEvent[] = [];
    for (let index = 0; index < count; index++) events.push(readRecord(this.#plan, reader));
    return events;
  }

  #asRecords(): void {
    if (this.#bytes !== null) return;
    writer.reset();
    for (const event of this.#events as HeadEvent[]) {
      writeRecord(this.#plan, event, writer);
      this.#ends.push(writer.length);
      this.#tsMs.push(event.tsMs);
    }
    this.#bytes = writer.copy();
  }
}
