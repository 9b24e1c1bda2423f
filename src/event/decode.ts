/**
 * From a raw record to the events of a source's views (DESIGN sections 3 and 4). A record is parsed once, a column is
 * read once, and only columns that a view uses can reject the record for it. Decoding is a function of the record's
 * bytes and append time: it never throws on user data, and never depends on records before.
 */
import type { SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { Fault } from './convert.ts';
import type { LogRecord, Rejection, ViewOutcome } from './event.ts';
import { checkEventTimeRange, checkNotAhead } from './event-time.ts';
import { parseRecord } from './parse-record.ts';
import { reject } from './rejection.ts';
import { createRowReader } from './row.ts';
import { slotOf } from './slot.ts';
import { compileViewDecoder, type ViewDecoder } from './view-decoder.ts';

export interface SourceDecoder {
  /** Outcomes align with the views it was compiled for; views that fail on one column share one `Rejection`. */
  decode(record: LogRecord): readonly ViewOutcome[];
  /** Event time of the record decoded last, whatever the views made of it; null when it had none that is allowed. */
  eventTimeMs(): number | null;
}

interface CompiledView {
  readonly slots: readonly number[];
  readonly decode: ViewDecoder;
}

/** Not re-entrant: rows are reused from record to record. */
export function compileSourceDecoder(source: SourceDefinition, views: readonly ViewDefinition[]): SourceDecoder {
  const compiled = views.map(
    (view): CompiledView => ({
      slots: view.usedColumns.map((name) => slotOf(source, name)),
      decode: compileViewDecoder(view),
    }),
  );
  const rows = createRowReader(source);
  const eventTimeSlot = slotOf(source, source.eventTime);
  const eventTimeSlots = [eventTimeSlot];
  let eventTimeMs: number | null = null;

  /** The view's outcome; `timeRejection` is that of the event time, which all views share. */
  function decodeView(view: CompiledView, record: LogRecord, timeRejection: Rejection | null): ViewOutcome {
    const rejection = rows.require(view.slots) ?? timeRejection;
    return rejection ?? view.decode(rows.row, rows.row[eventTimeSlot] as number, record);
  }

  function checkTime(appendedMs: number): Rejection | null {
    const tsMs = rows.row[eventTimeSlot] as number;
    return checkEventTimeRange(source, tsMs) ?? checkNotAhead(source, tsMs, appendedMs);
  }

  return {
    decode(record) {
      eventTimeMs = null;
      const json = parseRecord(record);
      if (json instanceof Fault) {
        const rejection = reject(json.code, null, json.message);
        return compiled.map(() => rejection);
      }
      rows.begin(json);
      const timeRejection = rows.require(eventTimeSlots) ?? checkTime(record.timestampMs);
      if (timeRejection === null) eventTimeMs = rows.row[eventTimeSlot] as number;
      return compiled.map((view) => decodeView(view, record, timeRejection));
    },
    eventTimeMs: () => eventTimeMs,
  };
}

export { type EventValidation, validateEvent } from './validate.ts';
