/** One record into one lane's states in memory. */
import { assert, assertNever } from '../core/assert.ts';
import { messageOf } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { Erasure } from '../event/erasure.ts';
import type { ViewEvent, ViewOutcome } from '../event/event.ts';
import { completeFrom } from '../event/event-time.ts';
import { eraseState } from '../state/erase.ts';
import { fold } from '../state/fold.ts';
import { isVoid, passErasure } from './erasing.ts';
import { changeState, erasedEntity, type Lane, type Working } from './lane.ts';
import type { Ownership } from './opening.ts';
import { notePending } from './pending-bytes.ts';
import type { DecodedRecord } from './shard-context.ts';
import type { Progress } from './transit.ts';
import { isPast, noteEventTime, passProgress, passRecord } from './vector.ts';

/** Does nothing where the lane is past the record, which is at `index` of its chunk. A fault of the engine stops this lane alone. */
export function foldRecord(
  lane: Lane,
  decoded: DecodedRecord,
  index: number,
  source: SourceDefinition,
  nowMs: number,
): void {
  if (lane.state.mode !== 'owned' || decoded.at < lane.state.ownership.nextOffset) return;
  const { ownership } = lane.state;
  const { record, outcomes, eventTimeMs, progress, erasure } = decoded;
  if (progress !== undefined) {
    noteProgress(ownership, progress, source);
    return;
  }
  const { vector } = ownership;
  if (vector !== null && isPast(vector, record)) return;
  try {
    const working = lane.working[index] ?? null;
    if (erasure === undefined) apply(lane, outcomes[lane.outcomeIndex], working, record.partition);
    else erase(lane, erasure, working, record.partition);
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

/** `working`: of the record's entity. `from`: the partition of the source. */
function apply(lane: Lane, outcome: ViewOutcome | undefined, working: Working | null, from: number): void {
  assert(outcome !== undefined, 'an outcome for each lane');
  switch (outcome.kind) {
    case 'event':
      if (isVoidFor(lane, outcome.event.entityKey, from)) lane.counters.erased();
      else foldEvent(lane, outcome.event, working);
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

function foldEvent(lane: Lane, event: ViewEvent, working: Working | null): void {
  assert(working !== null, 'states are loaded before they are folded into');
  const { state } = working;
  const forcedSealsBefore = state.forcedSeals;
  lane.counters.fold(fold(lane.plan.plan, state, event), state.forcedSeals - forcedSealsBefore);
  notePending(lane, working);
}

function isVoidFor({ state }: Lane, entity: string, from: number): boolean {
  return (
    state.mode === 'owned' && state.ownership.vector !== null && isVoid(state.ownership.vector.erasures, entity, from)
  );
}

/** What was erased is committed before anything else is folded (shard.ts). */
function erase(lane: Lane, erasure: Erasure, working: Working | null, from: number): void {
  const entity = erasedEntity(lane, erasure);
  if (entity === null || lane.state.mode !== 'owned') return;
  const { vector } = lane.state.ownership;
  if (vector !== null && !passErasure(vector.erasures, erasure, entity, from)) return;
  assert(working !== null, 'states are loaded before they are erased');
  eraseState(working.state);
  notePending(lane, working);
}
