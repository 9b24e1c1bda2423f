/**
 * One feature vector from what was read: values and statuses of views, then derived features, by DESIGN section 3.
 * Pure; live and replay share it, which is why they cannot differ.
 */
import { STATUSES, type Status, statusRank } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import type { Evaluation } from '../state/state.ts';
import { type Workspace, computeDerived, computeEventTime } from './derived.ts';
import type { ViewFeaturePlan } from './feature-plan.ts';
import { isEventTime, shownStatus } from './fragment.ts';
import type { Json } from './render.ts';
import type { Selection, ServicePlan } from './service.ts';

/** What is known of one appearance of a view, for one row. */
export type AppearanceOutcome =
  | { readonly kind: 'evaluated'; readonly evaluation: Evaluation; readonly stale: boolean }
  /** All of the view's values are withheld, for one reason. */
  | { readonly kind: 'withheld'; readonly status: Status };

/** Arrays align with the selection's `served`. */
export interface Vector {
  readonly values: readonly Json[];
  readonly statuses: readonly Status[];
  /** Of a derived feature: the newest of its inputs. */
  readonly eventTimesMs: readonly (number | null)[];
}

/**
 * @param request typed values of the request columns, as `parseRow` gave them
 * @param outcomes by index of appearance; those the selection needs are there
 */
export function assemble(
  plan: ServicePlan,
  selection: Selection,
  request: readonly Value[],
  asOfMs: number,
  outcomes: readonly (AppearanceOutcome | undefined)[],
): Vector {
  const work: Workspace = { row: expressionRow(plan, request, asOfMs), ranks: [], eventTimesMs: [] };
  for (const place of selection.read) {
    const feature = plan.features[place];
    if (feature?.kind === 'view') readFeature(feature, asOfMs, outcomes, work);
  }
  for (const feature of selection.computed) {
    computeDerived(feature, work);
    computeEventTime(feature, work);
  }
  return {
    values: selection.served.map((place) => {
      const feature = plan.features[place];
      return feature === undefined ? null : feature.render(work.row[feature.slot] ?? null);
    }),
    statuses: selection.served.map((place) => STATUSES[work.ranks[place] ?? -1] ?? 'ERROR'),
    eventTimesMs: selection.served.map((place) => work.eventTimesMs[place] ?? null),
  };
}

/** A row as `keys` expressions and derived features see it, features still null. */
export function expressionRow(plan: ServicePlan, request: readonly Value[], asOfMs: number): Value[] {
  const row = new Array<Value>(plan.slotCount).fill(null);
  for (let slot = 0; slot < request.length; slot++) row[slot] = request[slot] as Value;
  row[plan.asOfSlot] = asOfMs;
  return row;
}

/** A vector whose values are all withheld for one reason, such as a spent budget. */
export function withheldVector(selection: Selection, status: Status): Vector {
  return {
    values: selection.served.map(() => null),
    statuses: selection.served.map(() => status),
    eventTimesMs: selection.served.map(() => null),
  };
}

function readFeature(
  feature: ViewFeaturePlan,
  asOfMs: number,
  outcomes: readonly (AppearanceOutcome | undefined)[],
  { row, ranks, eventTimesMs }: Workspace,
): void {
  const { place, slot, appearance } = feature;
  const outcome = outcomes[appearance];
  if (outcome?.kind !== 'evaluated') {
    ranks[place] = statusRank(outcome?.status ?? 'UNAVAILABLE');
    eventTimesMs[place] = null;
    return;
  }
  const { evaluation, stale } = outcome;
  const value = evaluation.values[feature.feature] ?? null;
  row[slot] = isEventTime(feature, evaluation) ? asOfMs - (value as number) : value;
  ranks[place] = statusRank(shownStatus(evaluation, feature, stale));
  eventTimesMs[place] = evaluation.eventTimesMs[feature.feature] ?? null;
}
