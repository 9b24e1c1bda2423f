/**
 * Evaluation in upsert mode: the newest row wins whole. All windows end at `as_of`, so each that holds any event holds the
 * newest one: finding that is all there is to do. It is the last of the head, or what `last` kept of the newest tile.
 */
import { assert } from '../core/assert.ts';
import type { Status } from '../core/status.ts';
import type { StructValue, Value } from '../core/value.ts';
import type { RowMember } from '../definition/definition.ts';
import type { EntityState } from './entity-state.ts';
import type { ViewPlan } from './plan.ts';
import { statesOf } from './tiles-codec.ts';

/** Null: it was deleted. Some window reaches an event before `headEnd`. */
export function newestRow(plan: ViewPlan, state: EntityState, headEnd: number): StructValue | null {
  const column = headEnd > 0 ? state.head.columns().values[0]?.[headEnd - 1] : newestSealed(plan, state);
  assert(column !== undefined && column !== null, 'every event of an upsert view holds a row, or that there is none');
  return (column as StructValue)['row'] as StructValue | null;
}

/** A level that holds any event of those its windows reach holds the newest: in its last tile, in the one slot. */
function newestSealed({ levels, rowOf }: ViewPlan, { tiles, stored, sealedNewestMs }: EntityState): Value {
  for (const level of levels) {
    const tile = tiles[level.index]?.at(-1);
    if (tile === undefined) continue;
    assert(
      tile.newestMs === sealedNewestMs,
      'the newest sealed event is in the last tile of every level that has tiles',
    );
    return rowOf?.(statesOf(level, tile, stored)[0]) ?? null;
  }
  return null;
}

/** Fills in the values of features whose windows hold the row: those that hold any event, by `eventTimesMs`. */
export function readRow(
  { view }: ViewPlan,
  row: StructValue,
  eventTimesMs: readonly (number | null)[],
  values: Value[],
  statuses: Status[],
): void {
  for (const [index, { member, defaultValue }] of view.features.entries()) {
    const { name } = (view.row as readonly RowMember[])[member] as RowMember;
    const value = eventTimesMs[index] === null ? null : (row[name] as Value);
    values[index] = value ?? defaultValue;
    if (value === null) statuses[index] = 'NULL_VALUE';
  }
}
