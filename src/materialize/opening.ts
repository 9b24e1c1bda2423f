/**
 * Where a lane starts, as a pure decision (DESIGN section 6, "Start", "Ownership" and "Expiry"): resume at the
 * checkpoint, build from the log's start, build again over what is of no use any more, stand by for a live owner, or
 * refuse: records between checkpoint and log are gone, or entities have moved to other partitions.
 */
import type { SourceDefinition } from '../definition/definition.ts';
import { completeFrom } from '../event/event-time.ts';
import type { PartitionRange } from '../log/log.ts';
import { placeOf } from '../store/place.ts';
import type { Checkpoint, Place, Position } from '../store/store.ts';
import { createVector, type Vector } from './vector.ts';

export interface OpeningContext {
  readonly source: SourceDefinition;
  readonly range: PartitionRange;
  /** Partitions of the topic. */
  readonly partitions: number;
  /** Ends of the source's partitions, where it is repartitioned: `range` is of the internal topic then. Null: it is not. */
  readonly sourceEnds: Position | null;
  readonly nowMs: number;
  readonly takeoverMs: number;
  readonly owner: Owner;
  /** True when the log has just assigned the partition: then no other member of this group has it. */
  readonly assigned: boolean;
  /** What is stored is of no use: begin again. */
  readonly rebuild: boolean;
  /** Whether stored states expire: then a checkpoint that was left alone for long stands over states that are gone. */
  readonly statesExpire: boolean;
  /** The owner was seen to be gone before, and a batch has come since: this process is alive, and reads the partition. */
  readonly confirmed: boolean;
  /** Epoch this process had before, 0 if none: epochs never fall. */
  readonly epoch: number;
}

/** Who writes. In checkpoints as `<id>@<group>`. */
export interface Owner {
  readonly id: string;
  readonly group: string;
}

/** What a lane knows of itself while it is owned, besides its states. What is not readonly moves with it. */
export interface Ownership {
  readonly buildStartedMs: number;
  readonly partitions: number;
  readonly epoch: number;
  /** What the store is at; null: nothing is stored. */
  stored: Place | null;
  /** Next offset to fold, of the topic that is read. */
  nextOffset: number;
  /** Where that is the internal topic of a repartitioned source; null: it is the source's. */
  readonly vector: Vector | null;
  /** In the source's coordinates. */
  buildTarget: Position;
  completeFromMs: number | null;
  watermarkMs: number | null;
  caughtUpAtMs: number | null;
  receivedAtMs: number | null;
}

export type Opening =
  | { readonly kind: 'own'; readonly ownership: Ownership }
  /** Somebody else commits; `suspect`: did, for its heartbeat is too old. It is looked at once more before it is claimed. */
  | { readonly kind: 'standby'; readonly owner: string; readonly heartbeatMs: number; readonly suspect: boolean }
  /** The topic has another number of partitions than when the states were built: entities are elsewhere now. */
  | { readonly kind: 'partition_count_changed'; readonly built: number; readonly partitions: number }
  /** The log does not hold the records from `position` on: before its start, or beyond its end. */
  | { readonly kind: 'log_gap'; readonly position: number };

export function decideOpening(checkpoint: Checkpoint | null, context: OpeningContext): Opening {
  const { range } = context;
  if (checkpoint === null) return { kind: 'own', ownership: build(context) };
  const position = positionIn(checkpoint, context);
  if (checkpoint.partitions !== context.partitions) {
    return { kind: 'partition_count_changed', built: checkpoint.partitions, partitions: context.partitions };
  }
  // Beyond its end it is another log: what is stored is not mixed with it, nor given up for it.
  if (position > range.endOffset) return { kind: 'log_gap', position };
  const mustBuild = context.rebuild || wasReadOtherwise(checkpoint, context) || mayHaveExpired(checkpoint, context);
  if (position < range.startOffset && !mustBuild) return { kind: 'log_gap', position };
  if (!mayClaim(checkpoint, context)) {
    const { owner, heartbeatMs } = checkpoint;
    const suspect = context.nowMs > heartbeatMs + context.takeoverMs;
    if (!suspect || !(context.confirmed || context.assigned)) return { kind: 'standby', owner, heartbeatMs, suspect };
  }
  if (mustBuild) return { kind: 'own', ownership: buildAgain(context, checkpoint) };
  const taken = checkpoint.owner === formatOwner(context.owner) && !context.assigned ? 0 : 1;
  return {
    kind: 'own',
    ownership: {
      buildStartedMs: checkpoint.buildStartedMs,
      partitions: checkpoint.partitions,
      epoch: Math.max(checkpoint.epoch + taken, context.epoch),
      stored: placeOf(checkpoint),
      nextOffset: position,
      vector:
        context.sourceEnds === null ? null : createVector(context.partitions, checkpoint.position, checkpoint.erasing),
      buildTarget: checkpoint.buildTarget,
      completeFromMs: checkpoint.completeFromMs,
      watermarkMs: checkpoint.watermarkMs,
      caughtUpAtMs: checkpoint.caughtUpAtMs,
      receivedAtMs: checkpoint.receivedAtMs,
    },
  };
}

/** Above what is stored, whose position the first commit expects; the other build's states count as absent. */
function buildAgain(context: OpeningContext, checkpoint: Checkpoint): Ownership {
  const { epoch, buildStartedMs } = checkpoint;
  const built = build(context);
  return {
    ...built,
    buildStartedMs: Math.max(built.buildStartedMs, buildStartedMs + 1),
    epoch: Math.max(epoch + 1, context.epoch),
    stored: placeOf(checkpoint),
  };
}

/** Resuming would take entities whose states are gone for ones that were never there. */
function mayHaveExpired({ heartbeatMs }: Checkpoint, { statesExpire, nowMs, source }: OpeningContext): boolean {
  return statesExpire && heartbeatMs < nowMs - source.expirySlackMs;
}

/**
 * Without waiting for the heartbeat to age: it is ours, was given up, the group says the partition is ours now, or the
 * store went back to a time before it was ours.
 */
function mayClaim(checkpoint: Checkpoint, { owner, assigned, epoch }: OpeningContext): boolean {
  if (checkpoint.owner === RELEASED || checkpoint.owner === formatOwner(owner)) return true;
  if (epoch > checkpoint.epoch) return true;
  return assigned && checkpoint.owner.endsWith(`@${owner.group}`);
}

function build({ source, range, partitions, sourceEnds, nowMs, epoch }: OpeningContext): Ownership {
  return {
    buildStartedMs: nowMs,
    partitions,
    epoch: Math.max(1, epoch),
    stored: null,
    nextOffset: range.startOffset,
    vector: sourceEnds === null ? null : createVector(partitions, null, null),
    buildTarget: sourceEnds ?? { [range.partition]: range.endOffset },
    completeFromMs: range.startOffset === 0 ? null : completeFrom(source, range.startTimestampMs ?? nowMs),
    watermarkMs: null,
    caughtUpAtMs: null,
    receivedAtMs: null,
  };
}

/** In the topic that is read. Of one that was read otherwise then, nothing. */
function positionIn(checkpoint: Checkpoint, context: OpeningContext): number {
  const { position, transitPosition } = checkpoint;
  const { range, sourceEnds } = context;
  if (wasReadOtherwise(checkpoint, context)) return 0;
  return (sourceEnds === null ? position[range.partition] : transitPosition) ?? 0;
}

/** From the source's topic where an internal one is read now, or the other way round. */
function wasReadOtherwise({ transitPosition }: Checkpoint, { sourceEnds }: OpeningContext): boolean {
  return (transitPosition === null) !== (sourceEnds === null);
}

/** Written by an owner that stops in good order: anybody may claim at once. */
export const RELEASED = '';

export function formatOwner({ id, group }: Owner): string {
  return `${id}@${group}`;
}
