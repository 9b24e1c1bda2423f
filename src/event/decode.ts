/**
 * From a raw record to the events of a source's views (DESIGN sections 3 and 4). A record is parsed once, a column is
 * read once, and only columns that a view uses can reject the record for it. Decoding is a function of the record's
 * bytes and append time: it never throws on user data, and never depends on records before. Control records of our own are
 * for whoever has them to take out first; one that is left in deletes nothing.
 */
import { assert } from '../core/assert.ts';
import type { SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { compileChangeReader, Deletion, NOTHING } from './change.ts';
import { Fault } from './convert.ts';
import type { LogRecord, RecordPlace, Rejection, ViewOutcome } from './event.ts';
import { checkEventTimeRange, checkNotAhead } from './event-time.ts';
import { createSchemaTable, type Schemas } from './schemas.ts';
import { compileKeyDecoder } from './record-key-decoder.ts';
import { reject } from './rejection.ts';
import { type RowReader, createRowReader } from './row.ts';
import { slotOf } from './slot.ts';
import { compileUpsertDecoder, type UpsertDecoder } from './upsert-decoder.ts';
import { compileViewDecoder, FILTERED, type ViewDecoder } from './view-decoder.ts';

export interface SourceDecoder {
  /** To be awaited before these records are decoded; null: they need no schemas. */
  readonly prepare: ((records: readonly LogRecord[]) => Promise<void>) | null;
  /** Outcomes align with the views it was compiled for; views that fail on one column share one `Rejection`. */
  decode(record: LogRecord): readonly ViewOutcome[];
  /** Event time of the record decoded last, whatever the views made of it; null when it had none that is allowed. */
  eventTimeMs(): number | null;
}

export interface CompiledView {
  readonly slots: readonly number[];
  readonly decode: ViewDecoder;
  /** Null in append mode, where nothing is deleted. */
  readonly deletion: UpsertDecoder['deletion'] | null;
}

/** Not re-entrant: rows are reused from record to record. */
export function compileSourceDecoder(
  source: SourceDefinition,
  views: readonly ViewDefinition[],
  schemas: Schemas | null = null,
): SourceDecoder {
  const table = createSchemaTable(source, schemas);
  const compiled = views.map((view) => compileView(source, view));
  const readChange = compileChangeReader(source, table);
  const readKey = source.mode === 'upsert' ? compileKeyDecoder(source, table) : null;
  const rows = createRowReader(source);
  const decodeRow = compileRowDecoder(source, compiled, rows);
  let eventTimeMs: number | null = null;
  const allFiltered: readonly ViewOutcome[] = views.map(() => FILTERED);

  function decodeDeletion(record: LogRecord, { before }: Deletion): readonly ViewOutcome[] {
    assert(readKey !== null, 'nothing is deleted in append mode');
    const keys = readKey(record.key, before);
    if (keys instanceof Fault) return rejectAll(keys);
    const outside = checkEventTimeRange(source, record.timestampMs);
    if (outside !== null) return compiled.map(() => outside);
    eventTimeMs = record.timestampMs;
    return compiled.map(({ deletion }) => deletion?.(keys, record) ?? FILTERED);
  }

  function rejectAll({ code, message }: Fault): readonly ViewOutcome[] {
    const rejection = reject(code, null, message);
    return compiled.map(() => rejection);
  }

  return {
    prepare: table === null ? null : table.prepare,
    decode(record) {
      eventTimeMs = null;
      const change = readChange(record);
      if (change instanceof Fault) return rejectAll(change);
      if (change === NOTHING) return allFiltered;
      if (change instanceof Deletion) return decodeDeletion(record, change);
      rows.begin(change);
      const { outcomes, tsMs } = decodeRow(record);
      eventTimeMs = tsMs;
      return outcomes;
    },
    eventTimeMs: () => eventTimeMs,
  };
}

export interface DecodedRow {
  /** Aligned with the views. */
  readonly outcomes: readonly ViewOutcome[];
  /** Null: its event time is not allowed. */
  readonly tsMs: number | null;
}

/** Decodes the row that `rows` was begun on. */
export function compileRowDecoder(
  source: SourceDefinition,
  views: readonly CompiledView[],
  { row, require }: RowReader,
): (place: RecordPlace) => DecodedRow {
  const eventTimeSlot = slotOf(source, source.eventTime);
  const eventTimeSlots = [eventTimeSlot];
  const allFiltered: readonly ViewOutcome[] = views.map(() => FILTERED);

  function checkTime(appendedMs: number): Rejection | null {
    const tsMs = row[eventTimeSlot] as number;
    return checkEventTimeRange(source, tsMs) ?? checkNotAhead(source, tsMs, appendedMs);
  }

  return (place) => {
    // That of the event time all views share.
    const timeRejection = require(eventTimeSlots) ?? checkTime(place.timestampMs);
    const tsMs = timeRejection === null ? (row[eventTimeSlot] as number) : null;
    const outcomes = allFiltered.slice();
    for (let index = 0; index < views.length; index++) {
      const { slots, decode } = views[index] as CompiledView;
      outcomes[index] = require(slots) ?? timeRejection ?? decode(row, row[eventTimeSlot] as number, place);
    }
    return { outcomes, tsMs };
  };
}

export function compileView(source: SourceDefinition, view: ViewDefinition): CompiledView {
  const slots = view.usedColumns.map((name) => slotOf(source, name));
  if (view.row === null) return { slots, decode: compileViewDecoder(view), deletion: null };
  const { row, deletion } = compileUpsertDecoder(view);
  return { slots, decode: row, deletion };
}
