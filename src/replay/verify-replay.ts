/**
 * An entity's events, folded and evaluated as one receipt says: those below its position, that no control record voids and that
 * are no duplicates, without sealing any, so that a value can be told with the coordinates of all it comes from.
 */
import type { Evaluation } from '../state/state.ts';
import { type EntityState, emptyState } from '../state/entity-state.ts';
import { evaluate } from '../state/evaluate.ts';
import { fold } from '../state/fold.ts';
import type { Position } from '../store/store.ts';
import { type EntityTarget, type KeptEvent, decodeKept } from './entity-targets.ts';
import type { Lane, TrainAppearance } from './train-plan.ts';

export interface Replayed {
  readonly state: EntityState;
  readonly evaluation: Evaluation;
}

/** Whether the entity was erased after what the receipt names: then what it was made of must not be looked at. */
export function isErased({ erasures }: EntityTarget, position: Position): boolean {
  // The first control record of an erasure deletes the state, and voids what other partitions still hold below theirs.
  const begun = new Set(erasures.filter((each) => isWithin(each, position)).map(({ id }) => id));
  return erasures.some(({ id }) => !begun.has(id));
}

/** `countedOf`: see `createCounted`. */
export function replay(
  { lane, plan }: TrainAppearance,
  counted: readonly KeptEvent[],
  position: Position,
  asOfMs: number,
  completeFromMs: number | null,
): Replayed {
  const unsealed = { ...lane.livePlan, view: { ...lane.livePlan.view, headMax: Infinity } };
  const state = emptyState(unsealed);
  for (const event of counted) {
    if (event.tsMs >= asOfMs) break;
    if (!isWithin(event, position)) continue;
    fold(unsealed, state, { ...decodeKept(lane, event), ...identityOf(event) });
  }
  return { state, evaluation: evaluate(plan, state.head.length === 0 ? null : state, asOfMs, completeFromMs) };
}

/** Events that count, in total order, of each target once. */
export function createCounted(): (target: EntityTarget) => readonly KeptEvent[] {
  const known = new Map<EntityTarget, readonly KeptEvent[]>();
  return (target) => {
    let counted = known.get(target);
    if (counted === undefined) {
      counted = countedOf(target).toSorted(
        (one, other) => one.tsMs - other.tsMs || one.partition - other.partition || one.offset - other.offset,
      );
      known.set(target, counted);
    }
    return counted;
  };
}

/** All erasures count: a receipt that has one of them beyond its position is not replayed. */
function countedOf({ lane, events, erasures }: EntityTarget): readonly KeptEvent[] {
  const left = events.filter(
    ({ partition, offset }) => !erasures.some((each) => each.partition === partition && offset < each.offset),
  );
  return lane.livePlan.hasEventId ? withoutDuplicates(lane, left) : left;
}

/** As the live driver tells them: by the head as it was when each came. */
function withoutDuplicates(lane: Lane, events: readonly KeptEvent[]): readonly KeptEvent[] {
  const { livePlan } = lane;
  const state = emptyState(livePlan);
  const isTogether = new Set(events.map(({ partition }) => partition)).size <= 1;
  const asTheyCame = events.toSorted(
    (one, other) =>
      (isTogether ? 0 : one.arrivedMs - other.arrivedMs) ||
      one.partition - other.partition ||
      one.offset - other.offset,
  );
  return asTheyCame.filter((event) => {
    const { appendedMs } = event;
    return fold(livePlan, state, { ...decodeKept(lane, event), entityKey: '', appendedMs }) !== 'duplicate';
  });
}

function isWithin({ partition, offset }: { readonly partition: number; readonly offset: number }, position: Position) {
  return offset < (position[partition] ?? 0);
}

/** Duplicates are gone; what is left has nothing to be told apart by. */
function identityOf({ appendedMs }: KeptEvent) {
  return { entityKey: '', appendedMs, eventId: null };
}
