/** One record into one lane's states in memory. */
import { assert, assertNever } from '../core/assert.ts';
import { messageOf } from '../core/errors.ts';
import type { ViewEvent, ViewOutcome } from '../event/event.ts';
import { fold } from '../state/fold.ts';
import { changeState, type Lane } from './lane.ts';
import { notePending } from './pending-bytes.ts';
import type { DecodedRecord } from './shard-context.ts';

/** Does nothing where the lane is past the record. A fault of the engine stops this lane alone. */
export function foldRecord(lane: Lane, { record, outcomes, eventTimeMs }: DecodedRecord, maxDisorderMs: number): void {
  if (lane.state.mode !== 'owned' || record.offset < lane.state.ownership.nextOffset) return;
  const { ownership } = lane.state;
  const outcome = outcomes[lane.outcomeIndex];
  assert(outcome !== undefined, 'an outcome for each lane');
  try {
    apply(lane, outcome);
  } catch (error) {
    const message = `partition ${record.partition}, offset ${record.offset}: ${messageOf(error)}`;
    changeState(lane, { mode: 'failed', code: 'internal', message });
    return;
  }
  if (eventTimeMs === null) return;
  const watermarkMs = eventTimeMs - maxDisorderMs;
  if (ownership.watermarkMs === null || watermarkMs > ownership.watermarkMs) ownership.watermarkMs = watermarkMs;
}

function apply(lane: Lane, outcome: ViewOutcome): void {
  switch (outcome.kind) {
    case 'event':
      foldEvent(lane, outcome.event);
      return;
    case 'filtered':
      lane.counters.filtered();
      return;
    case 'null_key':
      lane.counters.nullKey();
      return;
    case 'rejected':
      lane.counters.rejected(outcome.code);
      return;
    default:
      assertNever(outcome);
  }
}

function foldEvent(lane: Lane, event: ViewEvent): void {
  const state = lane.working.get(event.entityKey);
  assert(state !== undefined, 'states are loaded before they are folded into');
  const forcedSealsBefore = state.forcedSeals;
  lane.counters.fold(fold(lane.plan.plan, state, event), state.forcedSeals - forcedSealsBefore);
  notePending(lane, event.entityKey, state);
}
