/**
 * The part of decoding that is a view's own, in upsert mode: the row of an entity, whole, or that it has none. A row that the
 * view's `where` does not admit takes the entity out of the view, as a deletion does: the rows before it are no longer true.
 */
import type { StructValue, Value } from '../core/value.ts';
import type { RowMember, ViewDefinition } from '../definition/definition.ts';
import { EvaluationError } from '../expression/evaluation-error.ts';
import { compileEntityKey, isEntityKeyTooLong } from './entity-key.ts';
import type { RecordPlace, ViewOutcome } from './event.ts';
import { reject } from './rejection.ts';
import { slotOf } from './slot.ts';
import { compileColumn } from './view-columns.ts';
import { keyTooLong, NULL_KEY, type ViewDecoder } from './view-decoder.ts';

export interface UpsertDecoder {
  readonly row: ViewDecoder;
  /** `keys` are those of the record key, in its order. */
  deletion(keys: readonly Value[], record: RecordPlace): ViewOutcome;
}

/** What the one column of a view holds of a row that is not there. */
const NO_ROW: StructValue = Object.freeze({ row: null });

export function compileUpsertDecoder(view: ViewDefinition): UpsertDecoder {
  const { source, where } = view;
  const members = (view.row ?? []).map(compileMember);
  const rowKeyOf = compileEntityKey(view.keyColumns.map((name) => slotOf(source, name)));
  const deletedKeyOf = compileEntityKey(view.keyColumns.map((name) => source.key.fields.indexOf(name)));
  /** What is being evaluated, for the message should it fail. */
  let evaluating = '';

  function rowOf(row: readonly Value[]): StructValue {
    if (where !== null) {
      evaluating = where.canonical;
      if (where.evaluate(row) !== true) return NO_ROW;
    }
    const values: Record<string, Value> = {};
    for (const { name, label, read } of members) {
      evaluating = label;
      values[name] = read(row);
    }
    return Object.freeze({ row: Object.freeze(values) });
  }

  function eventOf(
    entityKey: string | null,
    tsMs: number,
    { partition, offset, timestampMs: appendedMs }: RecordPlace,
    column: () => StructValue,
  ): ViewOutcome {
    if (entityKey === null) return NULL_KEY;
    if (isEntityKeyTooLong(entityKey)) return keyTooLong(view);
    const columns = [column()];
    return {
      kind: 'event',
      event: { entityKey, tsMs, partition, offset, appendedMs, columns, filterBits: 0, eventId: null },
    };
  }

  return {
    row(row, tsMs, record) {
      try {
        return eventOf(rowKeyOf(row), tsMs, record, () => rowOf(row));
      } catch (error) {
        if (error instanceof EvaluationError) {
          return reject('expression_error', evaluating, `${evaluating}: ${error.message}`);
        }
        throw error;
      }
    },
    deletion: (keys, record) => eventOf(deletedKeyOf(keys), record.timestampMs, record, () => NO_ROW),
  };
}

/** Null where the feature's own condition is not true: then what it reads is not looked at. */
function compileMember(member: RowMember) {
  const { label, read } = compileColumn({ ...member, magnitude: 'any' });
  const { name, where } = member;
  if (where === null) return { name, label, read };
  return {
    name,
    label: `${label} WHERE ${where.canonical}`,
    read: (row: readonly Value[]): Value => (where.evaluate(row) === true ? read(row) : null),
  };
}
