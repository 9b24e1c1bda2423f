/** Derived features of one row: values, statuses and event times that follow from those of their inputs (DESIGN section 3). */
import { statusRank } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import { EvaluationError } from '../expression/evaluation-error.ts';
import type { DerivedFeaturePlan } from './feature-plan.ts';

/**
 * One row as expressions see it. A service has one, filled anew for each row by whoever goes through rows without a pause:
 * what is read of it was written for that row.
 */
export interface Workspace {
  /** By slot: request columns, `as_of`, features. */
  readonly row: Value[];
  /** Of the features' statuses (core/status.ts), by place. */
  readonly ranks: number[];
  /** By place of the feature. */
  readonly eventTimesMs: (number | null)[];
}

const NULL_VALUE = statusRank('NULL_VALUE');
const LAST_ORDINARY = statusRank('NOT_FOUND');
const ERROR = statusRank('ERROR');

export function createWorkspace(slotCount: number): Workspace {
  return { row: Array.from({ length: slotCount }, () => null), ranks: [], eventTimesMs: [] };
}

/** Its inputs are there already, derived ones included. Fills in value and status, and answers the rank of the status. */
export function computeDerived({ place, slot, evaluate, inputs }: DerivedFeaturePlan, work: Workspace): number {
  const { row, ranks } = work;
  let value: Value = null;
  let failed = false;
  try {
    value = evaluate(row);
    failed = typeof value === 'number' && !Number.isFinite(value);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    failed = true;
  }
  let worst = 0;
  for (const input of inputs) worst = Math.max(worst, ranks[input] ?? ERROR);
  const rank = failed ? ERROR : derivedRank(value, worst);
  row[slot] = failed ? null : value;
  ranks[place] = rank;
  return rank;
}

/** With a value: `PRESENT`, or the worst flag of the inputs. Without: their worst status, or `NULL_VALUE` if all were `PRESENT`. */
function derivedRank(value: Value, worst: number): number {
  if (value === null) return Math.max(worst, NULL_VALUE);
  return worst <= LAST_ORDINARY ? 0 : worst;
}

/** The newest of its inputs. */
export function computeEventTime({ place, inputs }: DerivedFeaturePlan, { eventTimesMs }: Workspace): void {
  let newestMs: number | null = null;
  for (const input of inputs) {
    const ms = eventTimesMs[input] ?? null;
    if (ms !== null && (newestMs === null || ms > newestMs)) newestMs = ms;
  }
  eventTimesMs[place] = newestMs;
}
