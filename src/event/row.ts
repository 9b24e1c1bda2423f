/**
 * A record as a row of a source's columns. Columns are read when first asked for, once per record, and shared by all
 * views: so a field no view uses is neither read nor able to reject anything.
 */
import { assert } from '../core/assert.ts';
import type { Value } from '../core/value.ts';
import type { DerivedColumn, SourceDefinition } from '../definition/definition.ts';
import { EvaluationError } from '../expression/evaluation-error.ts';
import { Fault } from './convert.ts';
import type { Rejection } from './event.ts';
import { type FieldReader, compileFieldReader } from './field.ts';
import { reject } from './rejection.ts';
import { slotOf } from './slot.ts';

export interface RowReader {
  /** Values by slot; meaningful where `require` answered null. Reused for the next record. */
  readonly row: readonly Value[];
  /** Starts on a record. */
  begin(record: object): void;
  /** Makes `row` hold these slots, in order, of which each is after those it is derived from; or says what fails. */
  require(slots: readonly number[]): Rejection | null;
}

type CellReader = (record: object, row: readonly Value[]) => Value | Fault;

/** `fields`: how the source's fields are read off what `begin` is given. */
export function createRowReader(
  source: SourceDefinition,
  fields: readonly FieldReader[] = source.fields.map(compileFieldReader),
): RowReader {
  const columns = [...source.fields, ...source.derived];
  const readers: CellReader[] = [...fields, ...source.derived.map(compileDerived)];
  for (const [slot, column] of columns.entries()) assert(slotOf(source, column.name) === slot, 'fields, then derived');
  const row: Value[] = columns.map(() => null);
  const read = new Uint8Array(columns.length);
  const rejections = new Map<number, Rejection>();
  let current: object = {};

  function requireSlot(slot: number): Rejection | null {
    if (read[slot] === 1) return rejections.size === 0 ? null : (rejections.get(slot) ?? null);
    read[slot] = 1;
    const value = (readers[slot] as CellReader)(current, row);
    if (!(value instanceof Fault)) {
      row[slot] = value;
      return null;
    }
    const name = (columns[slot] as { name: string }).name;
    const rejection = reject(value.code, name, `${name}: ${value.message}`);
    rejections.set(slot, rejection);
    return rejection;
  }

  return {
    row,
    begin(record) {
      current = record;
      read.fill(0);
      // Clearing an empty map is not free.
      if (rejections.size > 0) rejections.clear();
    },
    require(slots) {
      for (let index = 0; index < slots.length; index++) {
        const rejection = requireSlot(slots[index] as number);
        if (rejection !== null) return rejection;
      }
      return null;
    },
  };
}

/** Runs after the columns it uses were read without fault. */
function compileDerived({ type, expression }: DerivedColumn): CellReader {
  return (_record, row) => {
    try {
      const value = expression.evaluate(row);
      return type.kind === 'double' && value === 0 ? 0 : value;
    } catch (error) {
      if (error instanceof EvaluationError) return new Fault('expression_error', error.message);
      throw error;
    }
  };
}
