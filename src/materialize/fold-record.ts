/** One record into one lane's states in memory. */
import { assert, assertNever } from '../core/assert.ts';
import { messageOf } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { ViewEvent, ViewOutcome } from '../event/event.ts';
import { fold } from '../state/fold.ts';
import { changeState, type Lane } from './lane.ts';
import { completeFrom, type Ownership } from './opening.ts';
import { notePending } from './pending-bytes.ts';
import type { DecodedRecord } from './shard-context.ts';
import type { Progress } from './transit.ts';
import { isPast, noteEventTime, passProgress, passRecord } from './vector.ts';

/** Does nothing where the lane is past the record. A fault of the engine stops this lane alone. */
export function foldRecord(lane: Lane, decoded: DecodedRecord, source: SourceDefinition, nowMs: number): void {
  if (lane.state.mode !== 'owned' || decoded.at < lane.state.ownership.nextOffset) return;
  const { ownership } = lane.state;
  const { record, outcomes, eventTimeMs, progress } = decoded;
  if (progress !== undefined) {
    noteProgress(ownership, progress, source);
    return;
  }
  const { vector } = ownership;
  if (vector !== null && isPast(vector, record)) return;
  const outcome = outcomes[lane.outcomeIndex];
  assert(outcome !== undefined, 'an outcome for each lane');
  try {
    apply(lane, outcome);
  } catch (error) {
    const message = `partition ${record.partition}, offset ${record.offset}: ${messageOf(error)}`;
    changeState(lane, { mode: 'failed', code: 'internal', message });
    return;
  }
  if (vector !== null) passRecord(vector, record);
  if (eventTimeMs === null) return;
  if (vector === null) raiseWatermark(ownership, eventTimeMs - source.maxDisorderMs);
  else noteEventTime(vector, record.partition, eventTimeMs, nowMs);
}

function noteProgress(ownership: Ownership, progress: Progress, source: SourceDefinition): void {
  const { vector, completeFromMs } = ownership;
  assert(vector !== null, 'progress is told in internal topics alone');
  passProgress(vector, progress);
  if (progress.lostUntilMs === null) return;
  const later = completeFrom(source, progress.lostUntilMs);
  if (later !== null && (completeFromMs === null || later > completeFromMs)) ownership.completeFromMs = later;
}

/** It never falls. */
export function raiseWatermark(ownership: Ownership, watermarkMs: number): void {
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
