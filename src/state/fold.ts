/**
 * `fold`: one event into one entity's state. A function of the state, the event and the plan alone, so that batches,
 * flushes and restarts cannot show: what decides sealing can be told from the stored form.
 */
import type { ViewEvent } from '../event/event.ts';
import { type EntityState, type HeadEvent, compareToPlace } from './entity-state.ts';
import { type ViewPlan, leavesAtMs } from './plan.ts';
import { addSealed, sealIfDue } from './seal.ts';
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
  addSealed(plan, state, event);
  if (event.tsMs > state.sealedNewestMs) state.sealedNewestMs = event.tsMs;
  state.version += 1;
  state.stored.rewrite = true;
  return 'late';
}

/** Whether some window at some `as_of ≥ sealedUntilMs` still covers `tsMs`. */
function isReachable(plan: ViewPlan, tsMs: number, sealedUntilMs: number): boolean {
  if (plan.hasLifetime) return true;
  for (const { window } of plan.windows) if (leavesAtMs(window, tsMs) > sealedUntilMs) return true;
  return false;
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
