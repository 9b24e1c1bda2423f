/** One row of a selection as text: fragments of its views, and between them what is made for the row alone. */
import { LAST_ORDINARY, STATUSES } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import { type Workspace, computeDerived, computeEventTime } from './derived.ts';
import type { DerivedFeaturePlan } from './feature-plan.ts';
import type { Fragment } from './fragment.ts';
import type { RowPlan } from './row-plan.ts';
import { timestampText } from './text.ts';

/** A row that is being written. */
export interface WrittenRow {
  /** Aligned with the plan's parts. */
  readonly fragments: readonly Fragment[];
  /** Typed values of the request columns. */
  readonly request: readonly Value[];
  readonly asOfMs: number;
}

/** What expressions may read of the request. */
export function fillRequest({ row }: Workspace, request: readonly Value[], asOfSlot: number, asOfMs: number): void {
  for (let slot = 0; slot < request.length; slot++) row[slot] = request[slot] as Value;
  row[asOfSlot] = asOfMs;
}

/** Computes the derived features into `work`, whose request is filled in; a plan without any costs nothing. */
export function fillDerived({ parts, derived }: RowPlan, { fragments, asOfMs }: WrittenRow, work: Workspace): void {
  for (let part = 0; part < parts.length; part++) {
    const features = (parts[part] as RowPlan['parts'][number]).inputs;
    const { inputs } = fragments[part] as Fragment;
    for (let index = 0; index < features.length; index++) {
      const { slot, place } = features[index] as (typeof features)[number];
      const { value, isEventTime, rank, eventTimeMs } = inputs[index] as (typeof inputs)[number];
      work.row[slot] = isEventTime ? asOfMs - (value as number) : value;
      work.ranks[place] = rank;
      work.eventTimesMs[place] = eventTimeMs;
    }
  }
  for (const feature of derived) computeDerived(feature, work);
}

/** Whether all of the row's texts are known to be ASCII. */
export function isAsciiRow({ isDerivedAscii }: RowPlan, { fragments }: WrittenRow): boolean {
  for (let part = 0; part < fragments.length; part++) if (!(fragments[part] as Fragment).isAscii) return false;
  return isDerivedAscii;
}

/** All values, joined. */
export function valuesText(plan: RowPlan, row: WrittenRow, work: Workspace): string {
  const count = plan.segments.length;
  let text = valueText(plan, 0, row, work);
  for (let at = 1; at < count; at++) text += `,${valueText(plan, at, row, work)}`;
  return text;
}

/** The value or values of one segment. */
export function valueText(plan: RowPlan, at: number, { fragments, asOfMs }: WrittenRow, { row }: Workspace): string {
  const { part, index } = plan.segments[at] as RowPlan['segments'][number];
  if (part < 0) {
    const { slot, write } = plan.derived[index] as DerivedFeaturePlan;
    return write(row[slot] as Value);
  }
  const value = (fragments[part] as Fragment).values[index] as string | number;
  return typeof value === 'string' ? value : String(asOfMs - value);
}

/** The status or statuses of one segment, of fragments made with them. */
export function statusText(plan: RowPlan, at: number, { fragments }: WrittenRow, { ranks }: Workspace): string {
  const { part, index } = plan.segments[at] as RowPlan['segments'][number];
  if (part >= 0) return (fragments[part] as Fragment).statuses?.[index] as string;
  return `"${STATUSES[ranks[(plan.derived[index] as DerivedFeaturePlan).place] as number] as string}"`;
}

/** The event time or times of one segment, of fragments made with them, once `fillEventTimes` was called. */
export function eventTimeText(plan: RowPlan, at: number, { fragments }: WrittenRow, work: Workspace): string {
  const { part, index } = plan.segments[at] as RowPlan['segments'][number];
  if (part >= 0) return (fragments[part] as Fragment).eventTimes?.[index] as string;
  return timestampText(work.eventTimesMs[(plan.derived[index] as DerivedFeaturePlan).place] ?? null);
}

export function fillEventTimes({ derived }: RowPlan, work: Workspace): void {
  for (const feature of derived) computeEventTime(feature, work);
}

/** `"name":"STATUS",…` of all that is not ordinary, in the order served; empty when all is. */
export function issuesText({ segments, derived }: RowPlan, { fragments }: WrittenRow, { ranks }: Workspace): string {
  if (!hasIssues(derived, fragments, ranks)) return '';
  let text = '';
  for (const { part, index } of segments) {
    const issue =
      part < 0 ? derivedIssue(derived[index] as DerivedFeaturePlan, ranks) : fragments[part]?.issues?.[index];
    if (issue !== undefined && issue !== '') text += text === '' ? issue : `,${issue}`;
  }
  return text;
}

function hasIssues(
  derived: readonly DerivedFeaturePlan[],
  fragments: readonly Fragment[],
  ranks: readonly number[],
): boolean {
  for (let part = 0; part < fragments.length; part++) if ((fragments[part] as Fragment).issues !== null) return true;
  for (const { place } of derived) if ((ranks[place] as number) > LAST_ORDINARY) return true;
  return false;
}

function derivedIssue({ place, label }: DerivedFeaturePlan, ranks: readonly number[]): string {
  const rank = ranks[place] as number;
  return rank > LAST_ORDINARY ? `${label}"${STATUSES[rank] as string}"` : '';
}
