/**
 * How large the next commit will be, without encoding it: a guess per entity, corrected by what the lane's last commits
 * turned out to be. Where a commit ends changes no value, so a guess is enough; a single change may exceed the bound.
 */
import type { EntityState } from '../state/entity-state.ts';
import type { ViewPlan } from '../state/plan.ts';
import type { CommitSection, Store } from '../store/store.ts';
import type { Lane, Working } from './lane.ts';

const EVENT_BYTES_GUESS = 24;
const COLUMN_BYTES_GUESS = 9;
const TILE_BYTES_GUESS = 8;
const SLOT_BYTES_GUESS = 12;
/** Of a commit's guess and truth, how much the correction follows the last one. */
const CORRECTION_WEIGHT = 0.5;

/** Notes that a state was folded into. */
export function notePending(lane: Lane, working: Working): void {
  if (working.pendingBytes === 0) lane.unflushed.push(working);
  const bytes = Math.max(1, guessBytes(lane.plan.plan, working.state));
  lane.pendingBytes += bytes - working.pendingBytes;
  working.pendingBytes = bytes;
}

/** Whether what the lanes together have to commit is as much as one commit should hold. */
export function isCommitFull(
  lanes: readonly Lane[],
  { commitBytesMax, commitChangesMax }: Pick<Store, 'commitBytesMax' | 'commitChangesMax'>,
): boolean {
  let bytes = 0;
  let changes = 0;
  for (let index = 0; index < lanes.length; index++) {
    const lane = lanes[index] as Lane;
    bytes += lane.pendingBytes * lane.bytesCorrection;
    changes += lane.unflushed.length;
  }
  return bytes >= commitBytesMax || changes >= commitChangesMax;
}

/** Learns from what a commit turned out to be. */
export function correctGuess(lane: Lane, changes: CommitSection['changes']): void {
  if (lane.pendingBytes === 0 || changes.length === 0) return;
  let bytes = 0;
  for (const { change } of changes) bytes += change.head.bytes.length + (change.tiles?.length ?? 0);
  const last = bytes / lane.pendingBytes;
  lane.bytesCorrection += (last - lane.bytesCorrection) * CORRECTION_WEIGHT;
}

function guessBytes({ view, levels }: ViewPlan, state: EntityState): number {
  const eventBytes = EVENT_BYTES_GUESS + view.columns.length * COLUMN_BYTES_GUESS;
  if (!state.stored.rewrite) return state.stored.appended * eventBytes;
  let bytes = state.head.length * eventBytes + state.stored.tiles.length;
  if (state.stored.tiles.length > 0) return bytes;
  for (const level of levels) {
    const tiles = state.tiles[level.index]?.length ?? 0;
    bytes += tiles * (TILE_BYTES_GUESS + level.slots.length * SLOT_BYTES_GUESS);
  }
  return bytes;
}
