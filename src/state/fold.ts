/**
 * `fold`: one event into one entity's state. A function of the state, the event and the plan alone, so that batches,
 * flushes and restarts cannot show: what decides sealing can be told from the stored form.
 */
import type { ViewEvent } from '../event/event.ts';
import { type EntityState, type HeadEvent, compareToPlace } from './entity-state.ts';
import type { ViewPlan } from './plan.ts';
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
  noteLate(state, event);
  return 'late';
}

/** It is stored as one of the head's records, which costs bytes where the tiles value would cost kilobytes. */
function noteLate({ head, stored }: EntityState, event: HeadEvent): void {
  if (stored.rewrite) return;
  stored.scattered ??= head.slice(head.length - stored.appended);
  stored.scattered.push(event);
  stored.appended += 1;
  stored.late += 1;
}

/** Nearly always at the end: events come nearly in order. */
function append({ head, stored }: EntityState, event: HeadEvent): void {
  let at = head.length;
  while (at > 0 && compareToPlace(head[at - 1] as HeadEvent, event.tsMs, event.partition, event.offset) > 0) at -= 1;
  if (at === head.length) {
    head.push(event);
  } else {
    stored.scattered ??= head.slice(head.length - stored.appended);
    head.splice(at, 0, event);
    if (at < stored.kept.count) stored.kept.count = at;
  }
  stored.scattered?.push(event);
  stored.appended += 1;
}

function isDuplicate(state: EntityState, eventId: string): boolean {
  state.headIds ??= idsOf(state.head);
  return state.headIds.has(eventId);
}

function idsOf(head: readonly HeadEvent[]): Set<string> {
  const ids = new Set<string>();
  for (const { eventId } of head) if (eventId !== null) ids.add(eventId);
  return ids;
}
