/** What the driver says of itself: plain snapshots, for the catalog, readiness and metrics. Times are ms. */
import { addCounters, createCounters, type ViewCounters } from './counters.ts';
import { reaches, sumOf } from '../store/place.ts';
import type { Lane, Refusals } from './lane.ts';
import type { WaitingFor } from './outage.ts';
import type { Shard } from './shard.ts';

export interface MaterializerStatus {
  readonly mode: 'idle' | 'running' | 'stopping' | 'stopped';
  readonly sources: readonly SourceStatus[];
}

export interface SourceStatus {
  readonly source: string;
  readonly topic: string;
  readonly group: string;
  readonly state: SourceState;
  /** Why the driver waits (the log or the store cannot be reached), or null. */
  readonly waitingFor: WaitingFor | null;
  readonly deadLetters: number;
  /** Notes of positions that the log did not take (position-notes.ts). */
  readonly notesDropped: number;
  readonly partitions: readonly PartitionStatus[];
  readonly views: readonly ViewStatus[];
}

/**
 * Transitions: starting → running (partitions can be assigned) · running → restarting → running (the log failed and
 * may be back) · any → failed (it stays) · any → stopped.
 */
export type SourceState =
  | { readonly mode: 'starting' }
  | { readonly mode: 'running' }
  | { readonly mode: 'restarting'; readonly code: string; readonly message: string }
  | { readonly mode: 'failed'; readonly code: string; readonly message: string }
  | { readonly mode: 'stopped' };

export interface PartitionStatus {
  readonly partition: number;
  /** Least committed position of its owned lanes; null when none is owned, or has committed. */
  readonly position: number | null;
  /** End of the log at the last fetch; null before the first. */
  readonly endOffset: number | null;
  /** Greatest watermark of its lanes: greatest event time minus `max_disorder`; null before the first event. */
  readonly watermarkMs: number | null;
  /** Records between position and end, as of the last fetch. */
  readonly lag: number | null;
  /** When its owned lanes last had reached the log's end, all of them. */
  readonly caughtUpAtMs: number | null;
  /** When records last came, by this process's clock. */
  readonly receivedAtMs: number | null;
}

/** One state fingerprint, and the views that share it. */
export interface ViewStatus {
  readonly views: readonly string[];
  readonly fingerprint: string;
  readonly entityKey: string;
  readonly counters: ViewCounters;
  /** Of all its lanes. */
  readonly refused: Readonly<Refusals>;
  readonly partitions: readonly LaneStatus[];
}

export interface LaneStatus {
  readonly partition: number;
  readonly state: 'opening' | 'building' | 'live' | 'standby' | 'failed' | 'released';
  /** Why it failed, or whom it stands by for. */
  readonly reason: { readonly code: string; readonly message: string } | null;
  /**
   * Next offset after the last committed record: what `after` waits for. Of a repartitioned source, summed over its
   * partitions. Null when not owned.
   */
  readonly position: number | null;
  readonly buildTarget: number | null;
  readonly completeFromMs: number | null;
  readonly watermarkMs: number | null;
  readonly caughtUpAtMs: number | null;
  readonly receivedAtMs: number | null;
  readonly epoch: number;
  /** Builds that took the place of stored states, since the process started. */
  readonly rebuilds: number;
}

function laneStatus(lane: Lane, partition: number): LaneStatus {
  const { state, epoch, rebuilds } = lane;
  if (state.mode !== 'owned') {
    return {
      partition,
      state: state.mode,
      reason: reasonOf(lane),
      position: null,
      buildTarget: null,
      completeFromMs: null,
      watermarkMs: null,
      caughtUpAtMs: null,
      receivedAtMs: null,
      epoch,
      rebuilds,
    };
  }
  const { stored, nextOffset, vector, buildTarget, completeFromMs, watermarkMs, caughtUpAtMs, receivedAtMs } =
    state.ownership;
  // An empty log is built as soon as that is committed, so that readers see a checkpoint.
  const folded = vector?.next ?? { [partition]: nextOffset };
  const isLive = stored !== null && reaches(stored.position, buildTarget) && reaches(folded, buildTarget);
  return {
    partition,
    state: isLive ? 'live' : 'building',
    reason: null,
    position: stored === null ? null : sumOf(stored.position),
    buildTarget: sumOf(buildTarget),
    completeFromMs,
    watermarkMs,
    caughtUpAtMs,
    receivedAtMs,
    epoch,
    rebuilds,
  };
}

function reasonOf({ state }: Lane): { readonly code: string; readonly message: string } | null {
  if (state.mode === 'failed') return { code: state.code, message: state.message };
  if (state.mode === 'standby') return { code: 'standby', message: `owned by ${state.owner}` };
  return null;
}

export function partitionStatus(
  partition: number,
  shards: readonly Shard[],
  endOffset: number | null,
): PartitionStatus {
  const lanes = shards.flatMap((shard) => shard.lanes).map((lane) => laneStatus(lane, partition));
  const owned = lanes.filter(({ state }) => state === 'building' || state === 'live');
  const known = (value: (lane: LaneStatus) => number | null): readonly number[] =>
    owned.map(value).filter((found) => found !== null);
  const watermarks = known(({ watermarkMs }) => watermarkMs);
  const received = known(({ receivedAtMs }) => receivedAtMs);
  const position = leastOfAll(
    owned,
    known(({ position: at }) => at),
  );
  return {
    partition,
    position,
    endOffset,
    watermarkMs: watermarks.length === 0 ? null : Math.max(...watermarks),
    lag: endOffset === null || position === null ? null : Math.max(0, endOffset - position),
    caughtUpAtMs: leastOfAll(
      owned,
      known(({ caughtUpAtMs }) => caughtUpAtMs),
    ),
    receivedAtMs: received.length === 0 ? null : Math.max(...received),
  };
}

/** Null unless each of the lanes has one. */
function leastOfAll(lanes: readonly LaneStatus[], known: readonly number[]): number | null {
  return known.length === 0 || known.length < lanes.length ? null : Math.min(...known);
}

/** Views of a source, each with its lanes in all partitions. */
export function viewStatuses(partitions: ReadonlyMap<number, readonly Shard[]>): readonly ViewStatus[] {
  const byFingerprint = new Map<string, { entityKey: string; lanes: { lane: Lane; partition: number }[] }>();
  for (const [partition, shards] of partitions) {
    for (const shard of shards) {
      for (const lane of shard.lanes) {
        const key = `${shard.entityKey}\n${lane.plan.fingerprint}`;
        const entry = byFingerprint.get(key) ?? { entityKey: shard.entityKey, lanes: [] };
        entry.lanes.push({ lane, partition });
        byFingerprint.set(key, entry);
      }
    }
  }
  return [...byFingerprint.values()].map(({ entityKey, lanes }) => ({
    views: lanes[0]?.lane.plan.viewIds ?? [],
    fingerprint: lanes[0]?.lane.plan.fingerprint ?? '',
    entityKey,
    counters: lanes.map(({ lane }) => lane.counters.snapshot()).reduce(addCounters, createCounters().snapshot()),
    refused: {
      fenced: lanes.reduce((sum, { lane }) => sum + lane.refused.fenced, 0),
      moved: lanes.reduce((sum, { lane }) => sum + lane.refused.moved, 0),
    },
    partitions: lanes.map(({ lane, partition }) => laneStatus(lane, partition)),
  }));
}
