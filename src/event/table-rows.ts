/**
 * Rows of a table in place of records: each is validated as ingest would, and decoded as its record would be, without the
 * bytes between. What they share with records is everything but how a field is found.
 */
import type { SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { compileRowDecoder, compileView } from './decode.ts';
import type { RecordPlace, ViewOutcome } from './event.ts';
import { compileCellReader } from './field.ts';
import { createRowReader } from './row.ts';
import { compileRowCheck } from './validate.ts';

/** A cell as JSON would carry it; null: it is null, or there is no such column. */
export type Cell = (row: number) => unknown;

export interface TableRows {
  /** By place of the source's fields. */
  readonly cells: readonly Cell[];
  /** Rows `from` to `to`, the second not among them. */
  readonly from: number;
  readonly to: number;
  /** Of row 0. */
  readonly offset: number;
  /** As a record's. */
  timestampMs(row: number): number;
}

/** Whether a source's records can be rows of a table: a column is a field, and nothing wraps them. */
export function canBeTable({ mode, envelope, fields }: SourceDefinition): boolean {
  return mode === 'append' && envelope === null && fields.every(({ path }) => path.length === 1);
}

export interface TableDecoder {
  /** Aligned with the views; or the code by which ingest would refuse the row. Its key and size are for others to look at. */
  decode(rows: TableRows, row: number, place: RecordPlace): readonly ViewOutcome[] | string;
}

/** For sources that can be tables. Not re-entrant. */
export function compileTableDecoder(source: SourceDefinition, views: readonly ViewDefinition[]): TableDecoder {
  let cells: readonly Cell[] = [];
  let current = 0;
  const fields = source.fields.map((field, slot) => {
    const read = compileCellReader(field);
    return () => read((cells[slot] as Cell)(current));
  });
  const rows = createRowReader(source, fields);
  const check = compileRowCheck(source);
  const decodeRow = compileRowDecoder(
    source,
    views.map((view) => compileView(source, view)),
    rows,
  );
  return {
    decode(table, row, place) {
      cells = table.cells;
      current = row;
      rows.begin(table);
      return check(rows)?.code ?? decodeRow(place).outcomes;
    },
  };
}
