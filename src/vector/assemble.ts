/**
 * One feature vector from what was read: values and statuses of views, then derived features, by DESIGN section 3.
 * Pure; live and replay share it, which is why they cannot differ.
 */
import { EvaluationError } from '../expression/evaluation-error.ts';
import { type Status, isOrdinary, statusRank } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import type { Evaluation } from '../state/state.ts';
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

/** By place of the feature; only what the selection needs is filled in. */
interface Workspace {
  readonly row: Value[];
  readonly statuses: Status[];
  readonly eventTimesMs: (number | null)[];
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
  const work: Workspace = { row: expressionRow(plan, request, asOfMs), statuses: [], eventTimesMs: [] };
  for (const place of selection.read) readFeature(plan, place, asOfMs, outcomes, work);
  for (const place of selection.computed) computeFeature(plan, place, work);
  return {
    values: selection.served.map((place) => {
      const feature = plan.features[place];
      return feature === undefined ? null : feature.render(work.row[feature.slot] ?? null);
    }),
    statuses: selection.served.map((place) => work.statuses[place] ?? 'ERROR'),
    eventTimesMs: selection.served.map((place) => work.eventTimesMs[place] ?? null),
  };
}

/** A row as `keys` expressions and derived features see it, features still null. */
export function expressionRow(plan: ServicePlan, request: readonly Value[], asOfMs: number): Value[] {
  const row: Value[] = Array.from({ length: plan.slotCount }, () => null);
  for (const [slot, value] of request.entries()) row[slot] = value;
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
  plan: ServicePlan,
  place: number,
  asOfMs: number,
  outcomes: readonly (AppearanceOutcome | undefined)[],
  work: Workspace,
): void {
  const feature = plan.definition.features[place];
  const featurePlan = plan.features[place];
  if (feature?.kind !== 'view' || featurePlan === undefined) return;
  const outcome = outcomes[feature.appearance];
  if (outcome?.kind !== 'evaluated') {
    work.statuses[place] = outcome?.status ?? 'UNAVAILABLE';
    work.eventTimesMs[place] = null;
    return;
  }
  const { evaluation, stale } = outcome;
  const status = evaluation.statuses[feature.feature] ?? 'ERROR';
  const value = evaluation.values[feature.feature] ?? null;
  const isEventTime = featurePlan.relativeToAsOf && value !== null && !isDefault(plan, feature, status, value);
  work.row[featurePlan.slot] = isEventTime ? asOfMs - (value as number) : value;
  work.statuses[place] = stale && isOrdinary(status) ? 'STALE' : status;
  work.eventTimesMs[place] = evaluation.eventTimesMs[feature.feature] ?? null;
}

/** A default is a duration already. With `incomplete: serve` the status hides whether the value is one. */
function isDefault(
  plan: ServicePlan,
  feature: { readonly appearance: number; readonly feature: number },
  status: Status,
  value: Value,
): boolean {
  if (status === 'NULL_VALUE' || status === 'NOT_FOUND') return true;
  const definition = plan.definition.appearances[feature.appearance]?.view.features[feature.feature];
  return status === 'INCOMPLETE' && value === definition?.defaultValue;
}

function computeFeature(plan: ServicePlan, place: number, work: Workspace): void {
  const feature = plan.definition.features[place];
  const featurePlan = plan.features[place];
  const derived = feature?.kind === 'derived' ? plan.definition.derived[feature.derived] : undefined;
  if (featurePlan === undefined || derived === undefined) return;
  let value: Value = null;
  let failed = false;
  try {
    value = derived.expression.evaluate(work.row);
    failed = typeof value === 'number' && !Number.isFinite(value);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    failed = true;
  }
  if (failed) value = null;
  const worst = worstStatus(featurePlan.inputs, work.statuses);
  work.row[featurePlan.slot] = value;
  work.statuses[place] = failed ? 'ERROR' : derivedStatus(value, worst);
  work.eventTimesMs[place] = newest(featurePlan.inputs, work.eventTimesMs);
}

/** With a value: `PRESENT`, or the worst flag of the inputs. Without: their worst status, or `NULL_VALUE` if all were `PRESENT`. */
function derivedStatus(value: Value, worst: Status): Status {
  if (value !== null) return isOrdinary(worst) ? 'PRESENT' : worst;
  return worst === 'PRESENT' ? 'NULL_VALUE' : worst;
}

function worstStatus(inputs: readonly number[], statuses: readonly Status[]): Status {
  let worst: Status = 'PRESENT';
  for (const place of inputs) {
    const status = statuses[place] ?? 'ERROR';
    if (statusRank(status) > statusRank(worst)) worst = status;
  }
  return worst;
}

function newest(inputs: readonly number[], eventTimesMs: readonly (number | null)[]): number | null {
  let newestMs: number | null = null;
  for (const place of inputs) {
    const ms = eventTimesMs[place] ?? null;
    if (ms !== null && (newestMs === null || ms > newestMs)) newestMs = ms;
  }
  return newestMs;
}
