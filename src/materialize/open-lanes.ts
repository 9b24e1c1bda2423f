/** Reads checkpoints and puts lanes where these say: owned, standby or failed. */
import type { PartitionRange } from '../log/log.ts';
import type { Checkpoint } from '../store/store.ts';
import { changeState, type Lane, type LaneState } from './lane.ts';
import { decideOpening, type Opening } from './opening.ts';
import { untilReachable } from './retry.ts';
import type { ShardContext } from './shard-context.ts';

/** `assigned`: the log has just given the partition to this process. Waits while the log or the store is away. */
export async function openLanes(context: ShardContext, lanes: readonly Lane[], assigned: boolean): Promise<void> {
  const { store, id, retry, source, clock, owner, bounds } = context;
  for (const lane of lanes) changeState(lane, { mode: 'opening' });
  // The checkpoints first: whatever is committed after them, the log reaches at least as far.
  const reads = await untilReachable(retry, () =>
    store.read(
      id,
      lanes.map(({ plan }) => ({ fingerprint: plan.fingerprint, entities: [] })),
    ),
  );
  const { range, partitions } = await untilReachable(retry, () => context.range());
  for (const [index, lane] of lanes.entries()) {
    const checkpoint = reads[index]?.checkpoint ?? null;
    const opening = decideOpening(checkpoint, {
      source,
      range,
      partitions,
      nowMs: clock.nowMs(),
      takeoverMs: bounds.takeoverMs,
      owner,
      assigned,
      rebuild: lane.corrupt !== null,
      epoch: lane.epoch,
    });
    const state = stateOf(opening, context, range, checkpoint);
    changeState(lane, state);
    if (state.mode === 'owned') noteRebuild(lane, state.ownership.buildStartedMs, checkpoint);
  }
}

/** Counts builds that took the place of states. */
function noteRebuild(lane: Lane, buildStartedMs: number, checkpoint: Checkpoint | null): void {
  lane.corrupt = null;
  if (checkpoint !== null && checkpoint.buildStartedMs !== buildStartedMs) lane.rebuilds++;
}

function stateOf(
  opening: Opening,
  { source, id }: ShardContext,
  range: PartitionRange,
  checkpoint: Checkpoint | null,
): LaneState {
  if (opening.kind === 'own') return { mode: 'owned', ownership: opening.ownership };
  if (opening.kind === 'standby') {
    return { mode: 'standby', owner: opening.owner, askAgainAtMs: opening.askAgainAtMs };
  }
  if (opening.kind === 'partition_count_changed') {
    const { built } = opening;
    const message =
      `topic ${source.topic} had ${built} partitions when its states were built, and entities are in other partitions now; ` +
      'give the deployment another --namespace, which builds beside this one, and prune this one afterwards';
    return { mode: 'failed', code: 'partition_count_changed', message };
  }
  const message =
    `the checkpoint of ${checkpoint?.owner ?? 'nobody'} is at offset ${opening.position}, and topic ${source.topic} holds ` +
    `${range.startOffset} to ${range.endOffset} of partition ${id.partition}: records would be skipped`;
  return { mode: 'failed', code: 'log_gap', message };
}
