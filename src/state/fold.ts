/**
 * `fold`: one event into one entity's state. A function of the state, the event and the plan alone, so that batches,
 * flushes and restarts cannot show: what decides sealing can be told from the stored form.
 */
import type { ViewEvent } from '../event/event.ts';
import type { EntityState, HeadEvent, StoredMarks } from './entity-state.ts';
import type { Head } from './head.ts';
import type { ViewPlan } from './plan.ts';
import { encodeRecord } from './record-codec.ts';
import { foldSealed, isReachable, sealIfDue } from './seal.ts';
import type { FoldOutcome } from './state.ts';

/** Counts `event` in `state`, which it changes; see `FoldOutcome` for what may happen instead. */
export function fold(plan: ViewPlan, state: EntityState, event: ViewEvent): FoldOutcome {
  if (event.eventId !== null && isDuplicate(state, event.eventId)) return 'duplicate';
  if (event.tsMs < state.sealedUntilMs) return foldLate(plan, state, event);
  append(state, event);
  if (event.eventId !== null) state.headIds?.add(event.eventId);
  state.version += 1;
  if (state.head.length > plan.view.headMax) sealIfDue(plan, state, event.appendedMs);
  return 'appended';
}

function foldLate(plan: ViewPlan, state: EntityState, event: HeadEvent): FoldOutcome {
  if (!isReachable(plan, event.tsMs, state.sealedUntilMs)) return 'too_late';
  foldSealed(plan, state, event);
  state.version += 1;
  noteLate(plan, state, event);
  return 'late';
}

/** It is stored as one of the head's records, which costs bytes where the tiles value would cost kilobytes. */
function noteLate(plan: ViewPlan, { head, stored }: EntityState, event: HeadEvent): void {
  if (stored.rewrite) return;
  stored.scattered ??= [appendedRecords(head, stored)];
  stored.scattered.push(encodeRecord(plan, event));
  stored.appended += 1;
  stored.late += 1;
}

function append({ head, stored }: EntityState, event: HeadEvent): void {
  const at = head.placeOf(event);
  if (at < head.length && !stored.rewrite) stored.scattered ??= [appendedRecords(head, stored)];
  head.insert(at, event);
  stored.scattered?.push(head.records(at, at + 1));
  stored.appended += 1;
}

/** While all of them are at the end of the head. */
function appendedRecords(head: Head, { appended }: StoredMarks): Uint8Array {
  return head.records(head.length - appended);
}

function isDuplicate(state: EntityState, eventId: string): boolean {
  state.headIds ??= idsOf(state.head.events());
  return state.headIds.has(eventId);
}

function idsOf(head: readonly HeadEvent[]): Set<string> {
  const ids = new Set<string>();
  for (const { eventId } of head) if (eventId !== null) ids.add(eventId);
  return ids;
}
