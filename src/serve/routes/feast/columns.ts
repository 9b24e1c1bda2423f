/** A request's columns (`{"origin": ["JFK", "LGA"]}`) as rows of objects, held to what rows of their service may be. */
import type { ServicePlan } from '../../../vector/service.ts';
import { ERRORS_MAX, type ProblemItem, RequestError, item, pointerStep } from '../../problem.ts';
import type { RequestRow } from '../vectors/request.ts';
import { plainInteger } from './exact-integers.ts';

export type Columns = Readonly<Record<string, readonly unknown[]>>;

export const ROWS_MAX = 1_000;

/** How many rows they have. Throws where columns are of different lengths, empty, or too long. */
export function rowCountOf(columns: Columns, pointer: string): number {
  const lengths = Object.entries(columns).map(([name, { length }]) => ({ name, length }));
  const [first] = lengths;
  if (first === undefined) throw new RequestError(400, [item('missing_field', pointer, 'there is no column')]);
  const uneven = lengths.filter(({ length }) => length !== first.length);
  if (uneven.length > 0) {
    throw new RequestError(
      400,
      uneven.map(({ name, length }) => {
        const message = `${name} has ${length} values, ${first.name} has ${first.length}`;
        return item('uneven_columns', `${pointer}/${pointerStep(name)}`, message);
      }),
    );
  }
  if (first.length === 0) throw new RequestError(400, [item('too_few_rows', pointer, 'there is no row')]);
  if (first.length > ROWS_MAX) {
    const message = `there are ${first.length} rows, at most ${ROWS_MAX} are allowed`;
    throw new RequestError(400, [item('too_many_rows', pointer, message)]);
  }
  return first.length;
}

/** Typed rows; throws with every problem of every row, for an answer of columns has no place for one. */
export function rowsOf(entities: Columns, { parseRow, definition }: ServicePlan): readonly RequestRow[] {
  const count = rowCountOf(entities, '/entities');
  const types = new Map(definition.requestColumns.map(({ name, type }) => [name, type]));
  const columns = Object.entries(entities).map(([name, values]) => ({ name, values, type: types.get(name) }));
  const rows: RequestRow[] = [];
  const problems: ProblemItem[] = [];
  for (let at = 0; at < count; at++) {
    const row = Object.fromEntries(columns.map(({ name, values, type }) => [name, plainInteger(values[at], type)]));
    // A column that is not known is so in each row: it is put into words once.
    const result = parseRow(row, undefined, at === 0 ? ERRORS_MAX : 0);
    if (result.ok) rows.push(result);
    else {
      for (const { code, field, message, suggestion } of result.problems) {
        const isColumn = field !== null && (code.startsWith('missing_') || code === 'unknown_field');
        // So is one that is missing.
        if (isColumn && at > 0) continue;
        const where = `/entities/${pointerStep(field ?? '')}${isColumn ? '' : `/${at}`}`;
        problems.push(item(code, where, message, suggestion));
      }
    }
  }
  if (problems.length > 0) throw new RequestError(400, problems);
  return rows;
}
