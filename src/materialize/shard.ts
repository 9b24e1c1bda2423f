/**
 * One shard at work: loads the states a chunk of records needs, folds, and commits all its lanes together. Between
 * calls nothing is uncommitted. Safety rests on the store's checks (expected position, versions): a lane whose answer
 * is not `ok` drops what it has in memory and starts again from what is stored.
 */
import { messageOf, SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { isSamePosition, sumOf } from '../store/place.ts';
import type { Position } from '../store/store.ts';
import { commitLanes, releaseLanes, startAgain } from './commit-lanes.ts';
import { foldRecord, raiseWatermark } from './fold-record.ts';
import { changeState, type Lane } from './lane.ts';
import { loadStates } from './load-states.ts';
import { openLanes } from './open-lanes.ts';
import type { Ownership } from './opening.ts';
import { isCommitFull } from './pending-bytes.ts';
import type { Placement } from './placement.ts';
import type { Chunk, DecodedRecord, ShardContext } from './shard-context.ts';
import { newestOfAllMs, reachedEndsAtMs } from './vector.ts';

export interface Shard {
  readonly entityKey: string;
  /** Whether its records are where readers look; null where that cannot be told. */
  readonly placement: Placement | null;
  readonly lanes: readonly Lane[];
  /** After the log assigned the partition. */
  open(): Promise<void>;
  /** Claims lanes that were given up, or whose owner is gone; to be called once for each batch. */
  claimAbandoned(): Promise<void>;
  /** Folds and commits a chunk; with an empty one, commits a heartbeat when it is due. Rejects only when stopped. */
  apply(chunk: Chunk): Promise<void>;
  /** Gives its lanes up in good order. */
  release(): Promise<void>;
}

export function createShard(context: ShardContext): Shard {
  const { lanes, clock, bounds } = context;
  let committedAtMs = Number.NEGATIVE_INFINITY;

  /** Answers false when lanes must start again from where they are now. */
  async function commit(taking: readonly Lane[], nextOffset: number): Promise<boolean> {
    const committed = await commitLanes(context, taking, nextOffset);
    committedAtMs = clock.nowMs();
    if (committed) notePosition(context, taking);
    return committed;
  }

  async function foldAndCommit(taking: readonly Lane[], chunk: Chunk): Promise<void> {
    if (!(await loadStates(context, taking, chunk))) {
      await startAgain(context, taking.filter(isOwned));
      return;
    }
    const receiving = taking.filter(
      ({ state }) => state.mode === 'owned' && state.ownership.nextOffset < chunk.nextOffset,
    );
    const nowMs = clock.nowMs();
    for (const nextOffset of foldAll(context, taking, chunk, nowMs)) if (!(await commit(taking, nextOffset))) return;
    if (chunk.records.some(({ progress }) => progress === undefined)) noteReceived(receiving, nowMs);
    for (const { state } of taking) if (state.mode === 'owned') followSource(state.ownership, context.source, nowMs);
    const reachedFirst = confirmEnd(taking, chunk);
    const heartbeatDue = clock.nowMs() - committedAtMs >= bounds.heartbeatMs;
    const isUnclaimed = taking.some(({ claimStored }) => !claimStored);
    if (chunk.nextOffset === chunk.fromOffset && !reachedFirst && !heartbeatDue && !isUnclaimed) return;
    await commit(taking, chunk.nextOffset);
  }

  async function claimAbandoned(): Promise<void> {
    const nowMs = clock.nowMs();
    const due = lanes.filter(({ state }) => state.mode === 'standby' && nowMs >= state.askAgainAtMs);
    const suspected = due.filter(({ state }) => state.mode === 'standby' && state.suspect);
    const others = due.filter((lane) => !suspected.includes(lane));
    if (suspected.length > 0) await openLanes(context, suspected, { assigned: false, confirmed: true });
    if (others.length > 0) await openLanes(context, others, { assigned: false, confirmed: false });
  }

  /** A fault that waiting does not mend stops the lanes and not the process: other shards go on. */
  async function failingAlone(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (context.retry.signal.aborted) throw error;
      const code = error instanceof SkewlessError ? error.code : 'internal';
      for (const lane of lanes) {
        if (lane.state.mode !== 'failed') changeState(lane, { mode: 'failed', code, message: messageOf(error) });
      }
    }
  }

  return {
    entityKey: context.id.entityKey,
    placement: context.placement,
    lanes,
    open: () => failingAlone(() => openLanes(context, lanes, { assigned: true, confirmed: false })),
    claimAbandoned: () => failingAlone(claimAbandoned),
    apply: (chunk) =>
      failingAlone(async () => {
        const taking = lanes.filter((lane) => takesPart(lane, chunk));
        if (taking.length > 0) await foldAndCommit(taking, chunk);
      }),
    release: () => releaseLanes(context),
  };
}

/** Of the lane that is farthest: what is being built knows less than what serves. */
function notePosition({ id, notes }: ShardContext, lanes: readonly Lane[]): void {
  let farthest: Position | null = null;
  for (const { state } of lanes) {
    const position = state.mode === 'owned' ? (state.ownership.stored?.position ?? null) : null;
    if (position !== null && (farthest === null || sumOf(position) > sumOf(farthest))) farthest = position;
  }
  if (farthest !== null) notes.note(id, farthest);
}

/** Yields, each time that what was folded is to be committed, where to read on after it. */
function* foldAll(
  { source, store }: ShardContext,
  lanes: readonly Lane[],
  { records }: Chunk,
  nowMs: number,
): Generator<number, void, undefined> {
  for (let index = 0; index < records.length; index++) {
    const decoded = records[index] as DecodedRecord;
    for (let each = 0; each < lanes.length; each++) foldRecord(lanes[each] as Lane, decoded, index, source, nowMs);
    // What was erased leaves the store before the entity can come again.
    if (decoded.erasure !== undefined || isCommitFull(lanes, store)) yield decoded.next;
  }
}

function isOwned({ state }: Lane): boolean {
  return state.mode === 'owned';
}

/** A lane that is behind the chunk must not fold it: it would skip records. It waits for the driver to seek back. */
export function takesPart({ state }: Lane, { fromOffset }: Pick<Chunk, 'fromOffset'>): boolean {
  return state.mode === 'owned' && state.ownership.nextOffset >= fromOffset;
}

function noteReceived(lanes: readonly Lane[], atMs: number): void {
  for (const { state } of lanes) if (state.mode === 'owned') state.ownership.receivedAtMs = atMs;
}

/** Notes when the log's end was reached; answers whether that is news for readers. */
function confirmEnd(lanes: readonly Lane[], { reachedEndAtMs, nextOffset }: Chunk): boolean {
  if (reachedEndAtMs === null) return false;
  let isNews = false;
  for (const { state } of lanes) {
    if (state.mode !== 'owned') continue;
    const { ownership } = state;
    const caughtUpAtMs = ownership.vector === null ? reachedEndAtMs : reachedEndsAtMs(ownership.vector);
    if (caughtUpAtMs === null) continue;
    const buildTarget = lowered(ownership, Math.max(nextOffset, ownership.nextOffset));
    isNews ||= ownership.caughtUpAtMs === null || !isSamePosition(buildTarget, ownership.buildTarget);
    ownership.caughtUpAtMs = Math.max(ownership.caughtUpAtMs ?? caughtUpAtMs, caughtUpAtMs);
    ownership.buildTarget = buildTarget;
  }
  return isNews;
}

/** What was beyond the ends when the build began can never be read: markers of transactions take offsets, too. */
function lowered({ buildTarget, buildStartedMs, vector }: Ownership, endOffset: number): Position {
  const endOf = (partition: number): number => {
    if (vector === null) return endOffset;
    const { reachedAtMs = null, nextOffset = 0 } = vector.ends.get(partition) ?? {};
    return reachedAtMs === null || reachedAtMs < buildStartedMs ? Number.POSITIVE_INFINITY : nextOffset;
  };
  return Object.fromEntries(
    Object.entries(buildTarget).map(([partition, target]) => [partition, Math.min(target, endOf(Number(partition)))]),
  );
}

/** The watermark of a lane that reads several partitions of the source at once. */
function followSource(ownership: Ownership, { idleAfterMs, maxDisorderMs }: SourceDefinition, nowMs: number): void {
  const newestMs = ownership.vector === null ? null : newestOfAllMs(ownership.vector, nowMs, idleAfterMs);
  if (newestMs !== null) raiseWatermark(ownership, newestMs - maxDisorderMs);
}
