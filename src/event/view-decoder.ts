/**
 * The part of decoding that is a view's own, in append mode: from a source's row to a `ViewEvent`. Magnitudes are checked before any
 * `where`, so that a record out of bounds is rejected whether or not the view would have counted it; `where` decides
 * before keys, so that `null_key` counts events of the view only.
 */
import type { Value } from '../core/value.ts';
import type { ViewDefinition } from '../definition/definition.ts';
import { EvaluationError } from '../expression/evaluation-error.ts';
import { compileEntityKey, ENTITY_KEY_BYTES_MAX, isEntityKeyTooLong } from './entity-key.ts';
import type { RecordPlace, Rejection, ViewOutcome } from './event.ts';
import { reject } from './rejection.ts';
import { slotOf } from './slot.ts';
import { type ColumnReader, compileColumn, formatMagnitude, isWithinMagnitude } from './view-columns.ts';

/** `row` is laid out by the source's slots, and holds what the view uses; it is read, never kept. */
export type ViewDecoder = (row: readonly Value[], tsMs: number, record: RecordPlace) => ViewOutcome;

export const FILTERED: ViewOutcome = Object.freeze({ kind: 'filtered' });
export const NULL_KEY: ViewOutcome = Object.freeze({ kind: 'null_key' });

export function compileViewDecoder(view: ViewDefinition): ViewDecoder {
  const { source, where, filters } = view;
  const columnReaders = view.columns.map(compileColumn);
  /** Copied for each event: an array that grows by pushes has room for seventeen values. */
  const noColumns: readonly Value[] = columnReaders.map(() => null);
  const entityKeyOf = compileEntityKey(view.keyColumns.map((name) => slotOf(source, name)));
  const eventIdSlot = source.eventId === null ? -1 : slotOf(source, source.eventId);
  /** What is being evaluated, for the message should it fail. */
  let evaluating = '';

  function decode(row: readonly Value[], tsMs: number, record: RecordPlace): ViewOutcome {
    const columns = noColumns.slice();
    for (let index = 0; index < columnReaders.length; index++) {
      const column = columnReaders[index] as ColumnReader;
      const { label, magnitude } = column;
      evaluating = label;
      const value = column.read(row);
      if (!isWithinMagnitude(value, magnitude)) {
        return reject('out_of_magnitude', label, `${label}: not within ${formatMagnitude(magnitude)}`);
      }
      columns[index] = value;
    }
    if (where !== null) {
      evaluating = where.canonical;
      if (where.evaluate(row) !== true) return FILTERED;
    }
    const entityKey = entityKeyOf(row);
    if (entityKey === null) return NULL_KEY;
    if (isEntityKeyTooLong(entityKey)) return keyTooLong(view);
    const filterBits = filterBitsOf(row);
    const eventId = eventIdSlot < 0 ? null : eventIdText(row[eventIdSlot] ?? null);
    const { partition, offset, timestampMs: appendedMs } = record;
    return {
      kind: 'event',
      event: { entityKey, tsMs, partition, offset, appendedMs, columns, filterBits, eventId },
    };
  }

  function filterBitsOf(row: readonly Value[]): number {
    let bits = 0;
    for (let index = 0; index < filters.length; index++) {
      const filter = filters[index] as (typeof filters)[number];
      evaluating = filter.canonical;
      if (filter.evaluate(row) === true) bits |= 1 << index;
    }
    return bits;
  }

  return (row, tsMs, record) => {
    try {
      return decode(row, tsMs, record);
    } catch (error) {
      if (error instanceof EvaluationError) {
        return reject('expression_error', evaluating, `${evaluating}: ${error.message}`);
      }
      throw error;
    }
  };
}

export function keyTooLong(view: ViewDefinition): Rejection {
  const column = view.keyColumns.join(',');
  return reject('key_too_long', column, `${column}: an entity key over ${ENTITY_KEY_BYTES_MAX} bytes`);
}

/** `event_id` is a string, an int or an int64: within one source, equal texts are equal ids. */
function eventIdText(value: Value): string | null {
  return typeof value === 'number' || typeof value === 'bigint' ? value.toString() : (value as string | null);
}
