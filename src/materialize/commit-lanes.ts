/**
 * The flush of a shard: what its lanes folded since the last one becomes one commit. All lanes end where the chunk's
 * records were folded to, so that views of one shard always reflect one position.
 */
import { assert, assertNever } from '../core/assert.ts';
import { takeChange } from '../state/codec.ts';
import { placeOf, sumOf } from '../store/place.ts';
import type { Checkpoint, CommitSection, Place } from '../store/store.ts';
import { storedErasures } from './erasing.ts';
import { changeState, forgetUnflushed, keepIdle, type Lane } from './lane.ts';
import { openLanes } from './open-lanes.ts';
import { formatOwner, type Ownership, RELEASED } from './opening.ts';
import { correctGuess } from './pending-bytes.ts';
import { untilReachable } from './retry.ts';
import type { ShardContext } from './shard-context.ts';

/**
 * Commits `lanes`, of which each has folded all records below `nextOffset`. Answers false when it must be done again
 * from the stored positions; then the lanes are at these. Waits while the store is away.
 */
export async function commitLanes(context: ShardContext, lanes: readonly Lane[], nextOffset: number): Promise<boolean> {
  const { store, id, retry } = context;
  let owned = lanes.filter(({ state }) => state.mode === 'owned');
  // Taken once: an attempt that is repeated, or repeated without a fenced lane, writes the same bytes.
  const sections = new Map(owned.map((lane) => [lane, sectionOf(context, lane, nextOffset)]));
  while (owned.length > 0) {
    const commit = { shard: id, sections: owned.map((lane) => sections.get(lane) as CommitSection) };
    const result = await untilReachable(retry, () => store.commit(commit));
    switch (result.kind) {
      case 'ok':
        for (const lane of owned) acknowledge(lane, nextOffset, (sections.get(lane) as CommitSection).checkpoint);
        return true;
      case 'fenced': {
        const fenced = owned.find(({ plan }) => plan.fingerprint === result.fingerprint);
        assert(fenced !== undefined, 'the fenced lane is one that was committed');
        fenced.refused.fenced++;
        standBy(context, fenced, result.epoch);
        owned = owned.filter((lane) => lane !== fenced);
        break;
      }
      case 'moved':
        await startAgain(context, owned);
        return false;
      default:
        assertNever(result);
    }
  }
  return true;
}

/**
 * The last word of an owner that stops in good order, so that the next need not wait for its heartbeat to age. One
 * attempt: without it nothing is lost but that wait. Lanes that were stopped in the middle of a chunk are left as they
 * are stored.
 */
export async function releaseLanes(context: ShardContext): Promise<void> {
  const { lanes, store, id } = context;
  const settled = lanes.filter(({ state, unflushed }) => state.mode === 'owned' && unflushed.length === 0);
  const sections = settled
    .filter((lane) => ownershipOf(lane).stored !== null)
    .map((lane): CommitSection => {
      const section = sectionOf(context, lane, ownershipOf(lane).nextOffset);
      return { ...section, checkpoint: { ...section.checkpoint, owner: RELEASED } };
    });
  for (const lane of lanes) if (lane.state.mode !== 'failed') changeState(lane, { mode: 'released' });
  if (sections.length === 0) return;
  const result = await store.commit({ shard: id, sections });
  if (result.kind !== 'ok') for (const lane of settled) lane.refused[result.kind]++;
}

function sectionOf(context: ShardContext, lane: Lane, to: number): CommitSection {
  const { plan, fingerprint } = lane.plan;
  const ownership = ownershipOf(lane);
  const changes = [];
  for (const working of lane.unflushed) {
    const change = takeChange(plan, working.state);
    if (change !== null) changes.push({ entity: working.entity, change });
    // It is idle once the commit is made; that its size is reckoned here is because it is at hand.
    keepIdle(lane, working);
  }
  correctGuess(lane, changes);
  return {
    fingerprint,
    expected: ownership.stored,
    checkpoint: checkpointOf(context, ownership, Math.max(ownership.nextOffset, to)),
    stateTtlMs: lane.plan.stateTtlMs,
    changes,
  };
}

function checkpointOf(context: ShardContext, ownership: Ownership, nextOffset: number): Checkpoint {
  const { vector } = ownership;
  return {
    position: vector === null ? { [context.id.partition]: nextOffset } : { ...vector.next },
    partitions: ownership.partitions,
    transitPosition: vector === null ? null : nextOffset,
    buildStartedMs: ownership.buildStartedMs,
    epoch: ownership.epoch,
    owner: formatOwner(context.owner),
    heartbeatMs: context.clock.nowMs(),
    caughtUpAtMs: ownership.caughtUpAtMs,
    buildTarget: ownership.buildTarget,
    completeFromMs: ownership.completeFromMs,
    watermarkMs: ownership.watermarkMs,
    receivedAtMs: ownership.receivedAtMs,
    erasing: vector === null ? null : storedErasures(vector.erasures),
  };
}

function acknowledge(lane: Lane, to: number, stored: Place): void {
  const ownership = ownershipOf(lane);
  // Not before: until its first commit a build may have to begin again, and must not go on from what it takes the place of.
  if (ownership.stored !== null && ownership.stored.buildStartedMs !== stored.buildStartedMs) lane.rebuilds++;
  lane.corrupt = null;
  ownership.nextOffset = Math.max(ownership.nextOffset, to);
  ownership.stored = placeOf(stored);
  forgetUnflushed(lane);
  lane.claimStored = true;
  lane.movedInARow = 0;
}

function ownershipOf(lane: Lane): Ownership {
  assert(lane.state.mode === 'owned', 'only owned lanes are committed');
  return lane.state.ownership;
}

/** Whoever raised the epoch is alive, unless its heartbeat says otherwise. */
function standBy({ clock, bounds }: ShardContext, lane: Lane, epoch: number): void {
  changeState(lane, {
    mode: 'standby',
    owner: `epoch ${epoch}`,
    askAgainAtMs: clock.nowMs() + bounds.standbyAskMs,
    suspect: false,
  });
}

/** After `moved`, or where a read found the store elsewhere. */
export async function startAgain(context: ShardContext, lanes: readonly Lane[]): Promise<void> {
  const refusedAt = lanes.map((lane) => storedOffset(lane));
  for (const lane of lanes) {
    lane.movedInARow++;
    lane.refused.moved++;
  }
  await openLanes(context, lanes, { assigned: false, confirmed: false });
  for (const [index, lane] of lanes.entries()) {
    // A commit whose answer was lost is refused when it is repeated, and was one all the same.
    if (storedOffset(lane) > (refusedAt[index] ?? 0)) lane.movedInARow = 0;
    if (lane.movedInARow <= context.bounds.movedInARowMax) continue;
    const message = `the store refused ${lane.movedInARow} commits in a row: replaying does not help`;
    changeState(lane, { mode: 'failed', code: 'store_diverged', message });
  }
}

/** Records the store has, over all partitions of the source; 0 if that is unknown. */
function storedOffset({ state }: Lane): number {
  return state.mode === 'owned' && state.ownership.stored !== null ? sumOf(state.ownership.stored.position) : 0;
}
