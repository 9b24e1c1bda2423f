/** One vector made again: evaluations of all its appearances as the receipt says, put together as serving does. */
import { assert } from '../core/assert.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { completeFrom } from '../event/event-time.ts';
import type { EntityState } from '../state/entity-state.ts';
import { evaluate } from '../state/evaluate.ts';
import type { Evaluation } from '../state/state.ts';
import { type AppearanceOutcome, type Vector, assemble } from '../vector/assemble.ts';
import type { ReceiptShard } from '../vector/receipt.ts';
import type { HeldRanges } from './entity-events.ts';
import type { EntityTarget, EntityTargets, KeptEvent } from './entity-targets.ts';
import type { TrainAppearance } from './train-plan.ts';
import type { Check, PlannedRead } from './verify-check.ts';
import { isErased, replay } from './verify-replay.ts';

export type VectorReplay =
  | { readonly kind: 'erased'; readonly entity: string }
  /** Nothing can be said. */
  | { readonly kind: 'lost'; readonly reason: string }
  | ReplayedVector;

export interface ReplayedVector {
  readonly kind: 'replayed';
  readonly vector: Vector;
  /** Places of features that come from what the log no longer holds. */
  readonly unknowable: ReadonlySet<number>;
  /** By index of appearance, with all events that count in the head; null: there is none. */
  readonly states: ReadonlyMap<number, EntityState | null>;
}

/** A check whose events are asked for; aligned with its reads, null where it needs none. */
export interface PlannedCheck {
  readonly check: Check;
  readonly targets: readonly (EntityTarget | null)[];
}

/** What was read for all checks. */
export interface ReplayContext {
  /** By topic. */
  readonly held: ReadonlyMap<string, HeldRanges>;
  /** Of each target, those that count, in total order. */
  readonly countedOf: (target: EntityTarget) => readonly KeptEvent[];
  readonly nowMs: number;
}

export function askForEvents(check: Check, wanted: EntityTargets): PlannedCheck {
  const { asOfMs } = check.served.receipt;
  const targets = check.reads.map(({ appearance, read }) =>
    read.kind === 'entity' ? wanted.want(appearance, read.entity, read.shard.position, asOfMs) : null,
  );
  return { check, targets };
}

export function replayVector({ check, targets }: PlannedCheck, context: ReplayContext): VectorReplay {
  const { served, plan, selection, request, reads } = check;
  const { asOfMs } = served.receipt;
  const outcomes: AppearanceOutcome[] = [];
  const states = new Map<number, EntityState | null>();
  const unknowable = new Set<number>();
  for (const [part, { appearance, read }] of reads.entries()) {
    const { index } = appearance;
    const found = replayRead(appearance, read, targets[part] ?? null, asOfMs, context);
    if (found.kind === 'lost' || found.kind === 'erased') return found;
    outcomes[index] = found.outcome;
    states.set(index, found.state);
    for (const feature of plan.service.features) {
      if (feature.kind === 'view' && feature.appearance === index && found.unknowable.has(feature.feature)) {
        unknowable.add(feature.place);
      }
    }
  }
  for (const { place, inputs } of selection.computed) {
    if (inputs.some((input) => unknowable.has(input))) unknowable.add(place);
  }
  const vector = assemble(plan.service, selection, request, asOfMs, outcomes);
  return { kind: 'replayed', vector, unknowable, states };
}

interface ReplayedRead {
  readonly kind: 'evaluated';
  readonly outcome: AppearanceOutcome;
  readonly state: EntityState | null;
  /** Indexes of the view's features. */
  readonly unknowable: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

function replayRead(
  appearance: TrainAppearance,
  read: PlannedRead,
  target: EntityTarget | null,
  asOfMs: number,
  context: ReplayContext,
): ReplayedRead | (VectorReplay & { readonly kind: 'lost' | 'erased' }) {
  const { plan, lane } = appearance;
  if (read.kind === 'withheld') {
    return { kind: 'evaluated', outcome: { kind: 'withheld', status: read.status }, state: null, unknowable: NONE };
  }
  if (read.kind === 'nobody') {
    const evaluation = evaluate(plan, null, asOfMs, null);
    return {
      kind: 'evaluated',
      outcome: { kind: 'evaluated', evaluation, stale: false },
      state: null,
      unknowable: NONE,
    };
  }
  assert(target !== null, 'events of every entity were asked for');
  const { position, completeFromMs, stale } = read.shard;
  const lost = lostOf(lane.source, read.shard, context);
  if (typeof lost === 'string') return { kind: 'lost', reason: lost };
  if (isErased(target, position)) return { kind: 'erased', entity: read.entity };
  const { state, evaluation } = replay(appearance, context.countedOf(target), position, asOfMs, completeFromMs);
  const held = evaluate(plan, state, asOfMs, latest(completeFromMs, lost));
  return {
    kind: 'evaluated',
    outcome: { kind: 'evaluated', evaluation, stale },
    state,
    unknowable: incompleteIn(held, evaluation),
  };
}

/** Features that could not be told from what the log holds now, and could then. */
function incompleteIn(held: Evaluation, served: Evaluation): ReadonlySet<number> {
  return new Set(
    held.statuses.flatMap((status, index) =>
      status === 'INCOMPLETE' && served.statuses[index] !== 'INCOMPLETE' ? [index] : [],
    ),
  );
}

/** Event time before which the log lacks what the receipt counts, ms; null: nothing; or why nothing can be said at all. */
function lostOf(
  source: SourceDefinition,
  { partition, position }: ReceiptShard,
  { held: topics, nowMs }: ReplayContext,
): number | string | null {
  const held = topics.get(source.topic);
  if (held === undefined) return `there is no topic ${source.topic} in the log`;
  if (!held.has(partition)) {
    return `the receipt was read from partition ${partition} of topic ${source.topic}, and the log has no such partition: it is another one`;
  }
  let lostMs: number | null = null;
  for (const [partition, next] of Object.entries(position)) {
    const missing = missingOf(source, held, Number(partition), next, nowMs);
    if (typeof missing === 'string') return missing;
    lostMs = latest(lostMs, missing);
  }
  return lostMs;
}

function missingOf(
  source: SourceDefinition,
  held: HeldRanges,
  partition: number,
  next: number,
  nowMs: number,
): number | string | null {
  const { from = 0, next: end = null, startTimestampMs = null } = held.get(partition) ?? {};
  if (next === 0) return null;
  if (end === null || end < next) {
    const reached = end === null ? 'has no such partition' : `ends at offset ${end}`;
    return `the receipt counts partition ${partition} of topic ${source.topic} up to offset ${next}, and the log ${reached}: it is another one`;
  }
  return from === 0 ? null : completeFrom(source, startTimestampMs ?? nowMs);
}

function latest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
